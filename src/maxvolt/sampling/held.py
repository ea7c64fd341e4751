r"""Atoms that are held in simulations: fixed ones, and those that move in some directions only.

Of what ASE reads, `FixAtoms`, `FixCartesian` and `FixScaled` (VASP's selective dynamics) can be
honoured. Each forbids a displacement :math:`\mathbf u` of an atom along some normals
:math:`\mathbf n`, :math:`\mathbf u \cdot \mathbf n = 0`: Cartesian axes, or reciprocal lattice
vectors, along which a scaled coordinate is counted. What is left of a displacement, force or
momentum is its orthogonal projection on the directions that are free.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.constraints import FixConstraint
from numpy.typing import NDArray

from maxvolt.constraints import CONSTRAINTS_KEY, attach_constraints, is_constraint_records
from maxvolt.dataset import Dataset
from maxvolt.errors import DataError

__all__ = [
    "HeldAtoms",
    "check_constraints",
    "constraints_of",
    "free_directions",
    "keep_constraints",
]

_SUPPORTED = ("FixAtoms", "FixCartesian", "FixScaled")
_WHOLE = "FixCom"
"""Holds the centre of mass, as dynamics at constant cell does anyway where no atom is held."""

Records = Sequence[Mapping[str, Any]]


def constraints_of(structures: Dataset, index: int) -> Records:
    """Constraints of a structure, as its infos have them."""
    found: Any = structures.infos[index].get(CONSTRAINTS_KEY)
    return found if is_constraint_records(found) else ()


def check_constraints(structures: Any, *, center: bool) -> Dataset:
    """Give structures as a dataset, if all their constraints can be honoured.

    Parameters
    ----------
    structures
        A dataset, or one or several ``ase.Atoms``.
    center
        Whether a constraint on the centre of mass is honoured.

    Raises
    ------
    DataError
        Names the constraint that cannot be honoured.
    """
    if not isinstance(structures, Dataset):
        # A dataset does not keep what only a program can hold, such as FixSymmetry.
        dataset = Dataset.of(structures)
        each = [structures] if isinstance(structures, Atoms) else structures
        for index, atoms in enumerate(each):
            _check_names(index, [type(one).__name__ for one in atoms.constraints], center)
        return dataset
    for index in range(len(structures)):
        names = [str(record["name"]) for record in constraints_of(structures, index)]
        _check_names(index, names, center)
    return structures


def _check_names(index: int, names: Sequence[str], center: bool) -> None:
    alone = center and set(names) == {_WHOLE}
    unknown = [name for name in names if name not in _SUPPORTED and not alone]
    if unknown:
        raise DataError(
            f"structure {index} has the constraint {unknown[0]}, which is not supported; FixAtoms, "
            "FixCartesian and FixScaled (selective dynamics) are; remove it from the structure"
        )


def keep_constraints(atoms: Atoms, structures: Dataset, index: int = 0) -> None:
    """Give a structure the constraints that it started with."""
    records = constraints_of(structures, index)
    if records:
        attach_constraints(atoms, records)


def free_directions(
    records: Records, n_atoms: int, cell: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Projectors on the directions in which atoms may move, shape (N, 3, 3); None: all are free.

    Parameters
    ----------
    records
        Constraints.
    n_atoms
    cell : shape (3, 3), Angstrom
        For scaled coordinates.

    Raises
    ------
    DataError
        Scaled coordinates without a cell.
    """
    normals: dict[int, list[NDArray[np.float64]]] = {}
    for record in records:
        name, arguments = record["name"], record["kwargs"]
        if name == _WHOLE:
            continue
        axes = np.eye(3)
        if name == "FixScaled":
            axes = _reciprocal(cell)
        mask = np.ones(3, np.bool_) if name == "FixAtoms" else np.array(arguments["mask"], np.bool_)
        for atom in np.atleast_1d(arguments["indices" if name == "FixAtoms" else "a"]):
            normals.setdefault(int(atom) % n_atoms, []).extend(axes[mask])
    if not any(normals.values()):
        return None
    projectors = np.tile(np.eye(3), (n_atoms, 1, 1))
    for atom, forbidden in normals.items():
        projectors[atom] = _complement(np.array(forbidden).reshape(-1, 3))
    return projectors


def _reciprocal(cell: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows along which scaled coordinates are counted, of length one."""
    if abs(np.linalg.det(cell)) < 1e-12:
        raise DataError(
            "the constraint FixScaled needs a cell with three lattice vectors; give one, or hold "
            "the atoms by FixCartesian"
        )
    rows = np.linalg.inv(cell).T
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def _complement(normals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Projector on what is orthogonal to all normals; exact where these are Cartesian axes."""
    if not len(normals):
        return np.eye(3)
    _, values, rows = np.linalg.svd(normals)
    rank = int((values > 1e-8).sum())
    if rank == 3:
        return np.zeros((3, 3))
    along_axes = (np.count_nonzero(normals, axis=1) == 1).all()
    if along_axes:
        return np.diag((~normals.any(axis=0)).astype(float))
    return np.asarray(np.eye(3) - rows[:rank].T @ rows[:rank])


class HeldAtoms(FixConstraint):
    """Constraint of ASE that holds atoms, and the centre of mass where nothing else does.

    Total momentum is conserved along the directions in which every atom is free. There the centre
    of mass is held, as it is in dynamics without constraints.

    Parameters
    ----------
    records
        Constraints of the structure.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._follows_cell = any(record["name"] == "FixScaled" for record in records)
        self._cell: NDArray[np.float64] | None = None
        self._free = np.empty((0, 3, 3))
        self._common = np.zeros((3, 3))

    def _update(self, atoms: Atoms) -> None:
        cell = atoms.cell.array
        if self._cell is not None and not (
            self._follows_cell and not np.array_equal(self._cell, cell)
        ):
            return
        free = free_directions(self._records, len(atoms), cell)
        self._free = np.tile(np.eye(3), (len(atoms), 1, 1)) if free is None else free
        held = np.unique(np.eye(3) - self._free, axis=0).reshape(-1, 3)
        self._common = _complement(held)
        self._cell = cell.copy()

    def get_removed_dof(self, atoms: Atoms) -> int:
        """Degrees of freedom that are held."""
        self._update(atoms)
        free = np.trace(self._free, axis1=1, axis2=2).sum() - np.trace(self._common)
        return round(3 * len(atoms) - float(free))

    def adjust_positions(self, atoms: Atoms, new: NDArray[np.float64]) -> None:
        """Take back what is forbidden of a displacement."""
        self._update(atoms)
        moved = self._projected(new - atoms.positions)
        masses = atoms.get_masses()
        moved -= self._common @ (masses @ moved / masses.sum())
        new[:] = atoms.positions + moved

    def adjust_momenta(self, atoms: Atoms, momenta: NDArray[np.float64]) -> None:
        """Take momenta along forbidden directions away."""
        self._update(atoms)
        momenta[:] = self._projected(momenta)
        masses = atoms.get_masses()
        momenta -= masses[:, None] * (self._common @ (momenta.sum(axis=0) / masses.sum()))

    def adjust_forces(self, atoms: Atoms, forces: NDArray[np.float64]) -> None:
        """Take forces along forbidden directions away."""
        self._update(atoms)
        forces[:] = self._projected(forces)
        masses = atoms.get_masses()
        along = masses @ forces / (masses**2).sum()
        forces -= masses[:, None] * (self._common @ along)

    def _projected(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.einsum("iab,ib->ia", self._free, vectors))

    def todict(self) -> dict[str, Any]:
        """Refuse: it belongs to a running simulation, and structures carry what ASE has."""
        raise NotImplementedError("held atoms of a running simulation are not stored")
