"""Whether LAMMPS and a calculator have the same potential, told by energies of structures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms

from maxvolt.errors import DataError

__all__ = ["require_same_energies"]

_SAME = 1e-2
"""By how much differences of energies may differ, over the spread of the energies."""


def require_same_energies(
    calculator: Any,
    structures: Sequence[Atoms],
    energies: Sequence[float],
    spread: float,
    purpose: str,
) -> None:
    """Refuse a pair style that is another potential: differences of energies tell.

    Parameters
    ----------
    calculator
        Any ASE calculator.
    structures
        Of a simulation in LAMMPS.
    energies : eV
        Of them, by LAMMPS.
    spread : eV
        By which energies differ in the simulation.
    purpose
        What is computed, for messages.

    Raises
    ------
    DataError
        The energies differ by more than a constant.
    """
    apart = []
    for structure, energy in zip(structures, energies, strict=True):
        asked = structure.copy()
        asked.calc = calculator
        apart.append(float(asked.get_potential_energy()) - energy)
    if np.ptp(apart) > _SAME * spread:
        raise DataError(
            f"{purpose}: LAMMPS and the calculator disagree: the difference of their energies "
            f"changes by {np.ptp(apart):.2g} eV between structures, whose energies spread by "
            f"{spread:.2g} eV; give the pair style of the same potential"
        )
