"""Any crystal, relaxed with a calculator: lattice constants of one element, cells of others."""

from __future__ import annotations

from io import StringIO
from typing import Any

import numpy as np
from ase import Atoms
from ase.filters import FrechetCellFilter
from ase.optimize import LBFGS

from maxvolt.errors import DataError, MaxvoltError
from maxvolt.properties.deformation import require_bulk, require_interaction
from maxvolt.properties.elemental_crystals import (
    ElementalCrystal,
    has_stress,
    resting_crystal,
)

__all__ = ["resting_cell"]

_FORCE_TOLERANCE = 1e-4
_MAX_STEPS = 1000


def resting_cell(
    calculator: Any, atoms: Atoms, purpose: str, *, right_angled: bool = False
) -> Atoms:
    """Return a crystal at rest, without a calculator.

    Parameters
    ----------
    calculator
        Any ASE calculator; but for simple crystals of one element it must give stress.
    atoms
        Crystal near equilibrium.
    purpose
        What is computed, for messages.
    right_angled
        Whether simple crystals are given as their right-angled cell, else as the primitive one.

    Raises
    ------
    DataError
        The structure is not periodic, its atoms do not interact, or the calculator gives no stress.
    MaxvoltError
        The relaxation did not converge.
    """
    require_bulk(atoms, purpose)
    if _is_elemental(atoms, purpose):
        crystal = resting_crystal(calculator, atoms, purpose)
        return crystal.right_angled() if right_angled else crystal.primitive()
    if not has_stress(calculator, atoms):
        raise DataError(
            f"{purpose}: the calculator gives no stress, so that the cell cannot be relaxed; use "
            "one that does, or a crystal of one element (fcc, bcc, sc, hcp, diamond)"
        )
    copy: Atoms = atoms.copy()
    copy.calc = calculator
    moving: Any = FrechetCellFilter(copy)
    optimizer = LBFGS(moving, logfile=StringIO())
    if not optimizer.run(fmax=_FORCE_TOLERANCE, steps=_MAX_STEPS):
        left = float(np.linalg.norm(copy.get_forces(), axis=1).max())
        raise MaxvoltError(
            f"{purpose}: the crystal did not relax in {_MAX_STEPS} steps (a force of {left:.3g} "
            "eV/A is left); relax it first, with 'maxvolt relax' or ASE"
        )
    copy.calc = None
    if optimizer.nsteps == 0:
        require_interaction(copy, calculator, purpose)
    return copy


def _is_elemental(atoms: Atoms, purpose: str) -> bool:
    try:
        ElementalCrystal.of(atoms, purpose)
    except DataError:
        return False
    return True
