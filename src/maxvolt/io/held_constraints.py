"""Constraints in files: which format holds which, and how they are put there."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms, FixCartesian, FixScaled
from numpy.typing import NDArray

from maxvolt.constraints import (
    CONSTRAINTS_KEY,
    attach_constraints,
    constraint_records,
    records_from_selective_flags,
)

__all__ = ["as_extxyz", "unheld_constraints", "with_held_constraints"]

_HOLD_ALL = frozenset(
    {"cfg", "cfg-ordinary", "cfg-binary", "extxyz", "traj", "bundletrajectory", "db", "json"}
)
_HOLD_SOME: dict[str, tuple[type, ...]] = {
    "vasp": (FixAtoms, FixScaled, FixCartesian),
    "aims": (FixAtoms, FixCartesian),
    "castep-cell": (FixAtoms, FixCartesian),
    "eon": (FixAtoms,),
    "turbomole": (FixAtoms,),
}
_ALONG_AXES = 1e-10
"""Largest component of a lattice vector across its axis, relative to the longest vector."""


def unheld_constraints(structures: Iterable[Atoms], kind: str) -> tuple[str, ...]:
    """Return the names of the constraints that a format has no place for."""
    if kind in _HOLD_ALL:
        return ()
    names = {
        type(constraint).__name__
        for atoms in structures
        for constraint in atoms.constraints
        if not _is_held(constraint, atoms, kind)
    }
    return tuple(sorted(names))


def with_held_constraints(structures: Iterable[Atoms], kind: str) -> list[Atoms]:
    """Leave each structure the constraints that a format holds, in the form that it has them."""
    structures = list(structures)
    if kind in _HOLD_ALL:
        return structures
    for atoms in structures:
        held = [one for one in atoms.constraints if _is_held(one, atoms, kind)]
        if kind == "vasp" and held:
            attach_constraints(atoms, records_from_selective_flags(~_fixed(atoms, held)))
        else:
            atoms.set_constraint(held)
    return structures


def as_extxyz(atoms: Atoms) -> Atoms:
    """Put constraints where extended XYZ has them: a column ``move_mask``, else in the header.

    The column, which other programs know, holds what fixes atoms or their Cartesian coordinates.
    """
    if not atoms.constraints:
        return atoms
    if all(type(one) in (FixAtoms, FixCartesian) for one in atoms.constraints):
        free = ~_fixed(atoms, atoms.constraints)
        whole = (free == free[:, :1]).all()
        atoms.set_array("move_mask", free[:, 0] if whole else free)
    else:
        atoms.info[CONSTRAINTS_KEY] = constraint_records(atoms)
    return atoms


def _is_held(constraint: object, atoms: Atoms, kind: str) -> bool:
    if type(constraint) not in _HOLD_SOME.get(kind, ()):
        return False
    return kind != "vasp" or not isinstance(constraint, FixCartesian) or _is_along_axes(atoms)


def _is_along_axes(atoms: Atoms) -> bool:
    """Whether the lattice vectors lie along x, y and z, so that fixing either is the same."""
    cell = atoms.cell.array
    across = cell - np.diag(np.diag(cell))
    return bool(np.abs(across).max() <= _ALONG_AXES * np.abs(cell).max())


def _fixed(atoms: Atoms, constraints: Iterable[object]) -> NDArray[np.bool_]:
    """Return which coordinates are fixed, shape (N, 3)."""
    fixed = np.zeros((len(atoms), 3), np.bool_)
    for constraint in constraints:
        if isinstance(constraint, FixAtoms):
            fixed[constraint.index] = True
        elif isinstance(constraint, FixScaled | FixCartesian):
            fixed[constraint.index] |= np.asarray(constraint.mask, np.bool_)
    return fixed
