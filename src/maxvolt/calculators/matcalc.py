"""Potentials for matcalc, called as its own loader of moment tensor potentials is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from maxvolt.calculators.ase import MaxvoltCalculator
from maxvolt.potentials import load

__all__ = ["load_mtp"]


def load_mtp(
    filename: str | Path, elements: Sequence[str] | None = None, **options: Any
) -> MaxvoltCalculator:
    """Load a potential as ``matcalc.PESCalculator.load_mtp`` does, without LAMMPS and MAML.

    The calculator goes wherever matcalc takes the name of a model or a calculator:
    ``matcalc.ElasticityCalc(load_mtp("Al.mtp", ["Al"]))``. Its stress is in eV/Angstrom^3, as
    matcalc expects it.

    Parameters
    ----------
    filename
        Any file that `maxvolt.load` reads: MLIP's ``.mtp`` and ``.almtp``, embedded-atom tables.
    elements
        Symbols of its types, type 0 first; None: as the file names them.
    **options
        Those of `maxvolt.Calculator`: ``query``, ``skin``, ``threads``, ``precision``.

    Raises
    ------
    SpeciesError
        The file does not name its species, or names others.
    FileFormatError
        The file is no valid potential.
    MaxvoltError
        An unknown option.
    """
    return MaxvoltCalculator(load(filename, species=elements), **options)
