"""Sites that form a simple, body-centred or face-centred cubic lattice, numbered by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from ase.geometry import minkowski_reduce
from numpy.typing import NDArray

from maxvolt.errors import SettingsError
from maxvolt.potentials.lattice.parent import ParentLattice
from maxvolt.potentials.lattice.supercells import Supercell

__all__ = ["BASES", "CubicSites"]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

BASES: dict[str, Integers] = {
    "sc": np.array([[2, 0, 0], [0, 2, 0], [0, 0, 2]]),
    "bcc": np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]),
    "fcc": np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]),
}
"""Primitive vectors, rows, in halves of the lattice constant."""

_NEAREST = {6: "sc", 8: "bcc", 12: "fcc"}

_SAME = 1e-3
"""Of the lattice constant: lengths and places that are the same."""


@dataclass(frozen=True, slots=True, eq=False)
class CubicSites:
    """The sites of a supercell, by a cubic lattice with one site in its primitive cell.

    Attributes
    ----------
    lattice
        "sc", "bcc" or "fcc".
    axes : shape (3, 3), Angstrom
        Cubic axes, rows, of the length of the lattice constant.
    supercell
        The same supercell in the primitive vectors of `BASES`.
    order : shape (n_sites,), int64
        Site of the parent lattice for each site of `supercell`.
    """

    lattice: str
    axes: Array
    supercell: Supercell
    order: Integers

    @classmethod
    def of(cls, parent: ParentLattice, supercell: Supercell) -> CubicSites:
        """Find the cubic lattice of the sites with a choice.

        Raises
        ------
        SettingsError
            They do not form one.
        """
        lattice, axes = _cubic_axes(parent)
        cell = _whole(2.0 * parent.cell @ np.linalg.inv(axes) @ np.linalg.inv(BASES[lattice]))
        active = parent.places[parent.active]
        places = 2.0 * (active - active[0]) @ parent.cell @ np.linalg.inv(axes)
        shifts = _whole(places @ np.linalg.inv(BASES[lattice]))
        if round(abs(np.linalg.det(cell))) != len(active):
            raise SettingsError(_NOT_CUBIC)
        own = Supercell.of(supercell.vectors @ cell)
        numbers = own.numbers(supercell.offsets()[:, None] @ cell + shifts).ravel()
        return cls(lattice, axes, own, np.argsort(numbers))

    @property
    def basis(self) -> Integers:
        """Primitive vectors, rows, in halves of the lattice constant."""
        return BASES[self.lattice]

    def occupation(self, occupation: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
        """Species of the sites in the order of `supercell`."""
        return np.asarray(occupation)[self.order]


_NOT_CUBIC = (
    "order is named, and peaks are found, where the sites with a choice form a simple, "
    "body-centred or face-centred cubic lattice; these do not"
)


def _whole(values: Array) -> Integers:
    found = np.rint(values)
    if np.abs(values - found).max() > _SAME:
        raise SettingsError(_NOT_CUBIC)
    return found.astype(np.int64)


def _cubic_axes(parent: ParentLattice) -> tuple[str, Array]:
    """Name the lattice by the number of nearest neighbours; axes as near to x, y, z as can be."""
    reduced, _ = minkowski_reduce(parent.cell)
    steps = np.stack(np.meshgrid(*[np.arange(-2, 3)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    active = parent.places[parent.active] @ parent.cell
    vectors = (steps @ reduced + (active - active[0])[:, None]).reshape(-1, 3)
    lengths = np.linalg.norm(vectors, axis=1)
    vectors = vectors[lengths > _SAME * lengths.max()]
    lengths = np.linalg.norm(vectors, axis=1)
    nearest = lengths.min()
    lattice = _NEAREST.get(int((lengths < nearest * (1 + _SAME)).sum()))
    if lattice is None:
        raise SettingsError(_NOT_CUBIC)
    constant = nearest * {"sc": 1.0, "bcc": 2 / np.sqrt(3), "fcc": np.sqrt(2)}[lattice]
    along = vectors[np.abs(lengths - constant) < _SAME * constant]
    if len(along) != 6:
        raise SettingsError(_NOT_CUBIC)
    first = along[np.argmax(along[:, 0])]
    across = along[np.abs(along @ first) < _SAME * constant**2]
    if len(across) != 4:
        raise SettingsError(_NOT_CUBIC)
    second = across[np.argmax(across[:, 1])]
    third = np.cross(first, second) / constant
    return lattice, np.array([first, second, third])
