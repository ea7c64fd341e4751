"""Environments of sites: which sites around a site its energy depends on, and in which order."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import MaxvoltError, SettingsError
from maxvolt.potentials.lattice.parent import ParentLattice
from maxvolt.potentials.lattice.supercells import Supercell

__all__ = ["Environment", "environments_of", "site_operations"]

_SAME = 1e-4
"""Angstrom; distances of one shell."""

_COINCIDE = 1e-3
"""Of primitive vectors; places that are the same."""

_MOST_SHELLS = 20

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Environment:
    """Sites around those sites of the primitive cell that symmetry makes equal.

    Attributes
    ----------
    members : shape (m,), int64
        The sites, by their numbers among those with a choice.
    offsets : shape (m, n, 3), int64
        Primitive cells of the sites around each, the site itself first.
    sites : shape (m, n), int64
        Which of the sites with a choice of that cell.
    shells : shape (n,), int64
        Shell of each place in the order: 0 is the site itself.
    distances : shape (n,), Angstrom
        From the site.
    permutations : shape (g, n), int64
        Orders that are averaged over, the given one first.
    """

    members: Integers
    offsets: Integers
    sites: Integers
    shells: Integers
    distances: NDArray[np.float64]
    permutations: Integers

    @property
    def length(self) -> int:
        """Number of sites of an environment, n."""
        return int(self.sites.shape[1])

    def neighbors(self, parent: ParentLattice, supercell: Supercell) -> Integers:
        """Sites of the environments of all its sites in a supercell, shape (n_cells m, n)."""
        cells = supercell.offsets()[:, None, None] + self.offsets
        numbers = supercell.numbers(cells) * len(parent.active) + self.sites
        return np.asarray(numbers.reshape(-1, self.length))


def environments_of(
    parent: ParentLattice, shells: int, *, symmetric: bool = False
) -> tuple[Environment, ...]:
    """Find the sites of the nearest shells around each kind of site.

    Parameters
    ----------
    parent
        The lattice.
    shells
        Number of shells around each site, of sites with a choice.
    symmetric
        Whether all orders that the symmetry of a site makes equal are averaged over.

    Raises
    ------
    SettingsError
        Too few or too many shells.
    MaxvoltError
        spglib, which finds symmetries, is needed and is not installed.
    """
    if not 1 <= shells <= _MOST_SHELLS:
        raise SettingsError(f"shells must be 1 to {_MOST_SHELLS}, got {shells}")
    around = [_around(parent, site, shells) for site in range(len(parent.active))]
    trivial = len(around) == 1 and not symmetric
    operations = [_IDENTITY] if trivial else site_operations(parent)
    found, left = [], list(range(len(around)))
    while left:
        first = left[0]
        orders: dict[int, list[Integers]] = {}
        for operation in operations:
            image, order = _carried(parent, around, first, operation)
            orders.setdefault(image, []).append(order)
        members = sorted(orders)
        left = [site for site in left if site not in orders]
        chosen = [around[site] for site in members]
        ordered = [orders[site][0] for site in members]
        distances = around[first].distances
        of_itself = np.unique(orders[first], axis=0) if symmetric else ordered[:1]
        found.append(
            Environment(
                members=np.array(members, np.int64),
                offsets=np.stack([one.cells[o] for one, o in zip(chosen, ordered, strict=True)]),
                sites=np.stack([one.sites[o] for one, o in zip(chosen, ordered, strict=True)]),
                shells=np.cumsum(np.diff(distances, prepend=0.0) > _SAME),
                distances=distances,
                permutations=np.array(of_itself, np.int64),
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True, eq=False)
class _Around:
    """Cells, sites and distances around a site, nearest first."""

    cells: Integers
    sites: Integers
    distances: NDArray[np.float64]


Operation = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Rotation and shift of places in primitive vectors."""

_IDENTITY: Operation = (np.eye(3), np.zeros(3))


def site_operations(parent: ParentLattice) -> list[Operation]:
    """Symmetry operations of a parent lattice, the identity first.

    Raises
    ------
    MaxvoltError
        spglib is not installed.
    """
    kinds = {one: number for number, one in enumerate(sorted(set(parent.allowed)))}
    numbers = [kinds[one] for one in parent.allowed]
    spglib = _spglib()
    with warnings.catch_warnings():
        # spglib 2.7 asks for a setting of all programs; without it, it returns None as it did.
        warnings.filterwarnings("ignore", "Set OLD_ERROR_HANDLING", DeprecationWarning)
        found = spglib.get_symmetry((parent.cell, parent.places, numbers), symprec=_SAME)
    if found is None:
        raise SettingsError("spglib finds no symmetry of the parent lattice; do sites coincide?")
    pairs = list(zip(found["rotations"].astype(float), found["translations"], strict=True))
    return sorted(pairs, key=lambda one: float(np.abs(one[0] - np.eye(3)).sum()))


def _carried(
    parent: ParentLattice, around: list[_Around], site: int, operation: Operation
) -> tuple[int, Integers]:
    """Where an operation takes a site, and its environment in the order of that of the image.

    The k-th entry of the order is the place, around the image, of what the k-th site becomes.
    """
    rotation, shift = operation
    places = parent.places[parent.active]
    moved = places[site] @ rotation.T + shift
    image, cell = _site_at(places, moved)
    one, other = around[site], around[image]
    rotated = (one.cells + places[one.sites]) @ rotation.T + shift - cell
    targets = other.cells + places[other.sites]
    far = np.abs(rotated[:, None] - targets[None]).max(axis=-1)
    order = np.argmin(far, axis=1)
    if far[np.arange(len(order)), order].max() > _COINCIDE or len(set(order)) != len(order):
        raise SettingsError("the symmetry of the parent lattice does not carry shells into shells")
    return image, order.astype(np.int64)


def _site_at(places: NDArray[np.float64], moved: NDArray[np.float64]) -> tuple[int, Integers]:
    """Which site a place is, and in which cell."""
    away = moved - places
    cells = np.rint(away)
    site = int(np.argmin(np.abs(away - cells).max(axis=1)))
    if np.abs(away - cells)[site].max() > _COINCIDE:
        raise SettingsError("a symmetry of the parent lattice takes a site to where none is")
    return site, cells[site].astype(np.int64)


def _around(parent: ParentLattice, site: int, shells: int) -> _Around:
    """Find the nearest shells around a site; those that are equally far in a fixed order."""
    places = parent.places[parent.active]
    heights = 1.0 / np.linalg.norm(np.linalg.inv(parent.cell), axis=0)
    reach, last = 1, None
    while last is None:
        reach += 1
        grid = np.arange(-reach, reach + 1)
        cells = np.stack(np.meshgrid(grid, grid, grid, indexing="ij"), axis=-1).reshape(-1, 3)
        vectors = (cells[:, None] + places - places[site]) @ parent.cell
        distances = np.linalg.norm(vectors, axis=-1)
        # Sites closer than this are all in the grid.
        known = np.sort(distances[distances < (reach - 1) * heights.min()])
        ends = known[np.flatnonzero(np.diff(known) > _SAME)]
        last = ends[shells] if len(ends) > shells else None
    chosen = np.argwhere(distances < last + _SAME)
    found, far = vectors[tuple(chosen.T)], distances[tuple(chosen.T)]
    order = np.lexsort((*np.round(found, 3).T, np.round(far, 3)))
    chosen = chosen[order]
    return _Around(cells[chosen[:, 0]], chosen[:, 1].astype(np.int64), far[order])


def _spglib() -> Any:
    try:
        return import_module("spglib")
    except ImportError as error:
        raise MaxvoltError(
            "symmetries of a parent lattice need spglib: pip install maxvolt[lattice]"
        ) from error
