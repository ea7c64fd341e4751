"""Pairs of atoms inside a cutoff, found by vesin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from maxvolt.compiled import _core
from maxvolt.errors import DataError, MaxvoltError
from maxvolt.neighbors.vesin_for_numpy import NeighborSearch

__all__ = [
    "NeighborList",
    "build_neighbors",
    "check_cutoff",
    "concatenate_neighbors",
]

_SMALLEST_GRAM_DETERMINANT = 1e-12  # of normalised lattice vectors, as `Dataset` has it
_SMALLEST_SPACING = 0.1  # Angstrom; below it an atom would have millions of its images around it
_LARGEST_COORDINATE = 1e7  # Angstrom; beyond it are no atoms but wrong numbers
_MOST_CELLS = 1e5  # search cells that vesin makes; it fails where they leave a direction with none


class NeighborList:
    """Pairs of neighbouring atoms, each pair once, in no particular order.

    Parameters
    ----------
    n_atoms : int
        Number of atoms N.
    pairs : shape (P, 2), int32
        Indices i and j of the atoms of each pair; an atom neighbours its own periodic images.
    shifts : shape (P, 3), int32
        Lattice translation of the second atom: r_ij = x_j + shift @ cell - x_i.

    Attributes
    ----------
    n_atoms : int
    found
        What the core found, where it searched: the kernels take it as it is, and pairs are made of
        it for who asks. None where pairs were given.
    """

    __slots__ = ("_pairs", "found", "n_atoms")

    def __init__(self, n_atoms: int, pairs: NDArray[np.int32], shifts: NDArray[np.int32]) -> None:
        self.n_atoms = n_atoms
        self.found: _core.FoundNeighbors | None = None
        self._pairs: tuple[NDArray[np.int32], NDArray[np.int32]] | None = (pairs, shifts)

    @classmethod
    def of_search(cls, n_atoms: int, found: _core.FoundNeighbors) -> NeighborList:
        """What the core found among so many atoms."""
        new = cls.__new__(cls)
        new.n_atoms, new.found, new._pairs = n_atoms, found, None
        return new

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle what was found as it is, so that sums keep their order."""
        if self.found is not None:
            return _restored, (self.n_atoms, self.found.arrays())
        return NeighborList, (self.n_atoms, self.pairs, self.shifts)

    @property
    def pairs(self) -> NDArray[np.int32]:
        """Indices i and j of the atoms of each pair, shape (P, 2)."""
        return self._made()[0]

    @property
    def shifts(self) -> NDArray[np.int32]:
        """Lattice translation of the second atom of each pair, shape (P, 3)."""
        return self._made()[1]

    def _made(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        if self._pairs is None:
            assert self.found is not None  # one of both is there
            self._pairs = self.found.pairs()
        return self._pairs

    @property
    def owners(self) -> NDArray[np.int32]:
        """First atom of each pair, shape (P,)."""
        return self.pairs[:, 0]

    @property
    def neighbors(self) -> NDArray[np.int32]:
        """Second atom of each pair, shape (P,)."""
        return self.pairs[:, 1]

    def vectors(
        self, positions: NDArray[np.float64], cell: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Vector from the first to the second atom of each pair, shape (P, 3), Angstrom.

        Parameters
        ----------
        positions : shape (N, 3), Angstrom
        cell : shape (3, 3), Angstrom
        """
        return positions[self.neighbors] + self.shifts @ cell - positions[self.owners]

    def both_ways(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        """Every pair from both ends, sorted by the first atom.

        Returns
        -------
        owners, neighbors : shape (2 P,)
        shifts : shape (2 P, 3)
        """
        owners = np.concatenate([self.owners, self.neighbors])
        order = np.argsort(owners, kind="stable")
        neighbors = np.concatenate([self.neighbors, self.owners])
        return owners[order], neighbors[order], np.concatenate([self.shifts, -self.shifts])[order]


def _restored(n_atoms: int, arrays: tuple[Any, ...]) -> NeighborList:
    return NeighborList.of_search(n_atoms, _core.FoundNeighbors(*arrays))


def check_cutoff(cutoff: float) -> None:
    """Refuse what is no distance."""
    if not 0 < cutoff < np.inf:
        raise MaxvoltError(f"a cutoff must be a positive, finite distance; got {cutoff} A")


def _check_positions(x: NDArray[np.float64]) -> None:
    if x.size and x.min() >= -_LARGEST_COORDINATE and x.max() <= _LARGEST_COORDINATE:
        return
    if not np.isfinite(x).all():
        atom = int(np.flatnonzero(~np.isfinite(x).all(axis=1))[0])
        raise DataError(f"the position of atom {atom} is not finite: {x[atom]}")
    if (far := np.flatnonzero((abs(x) > _LARGEST_COORDINATE).any(axis=1))).size:
        raise DataError(
            f"atom {far[0]} lies at {x[far[0]].tolist()}, further out than "
            f"{_LARGEST_COORDINATE:g} A; check the positions"
        )


def _complete_cell(cell: NDArray[np.float64], pbc: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Fill the non-periodic directions of a cell with unit vectors normal to the others."""
    from ase.geometry import complete_cell

    if not pbc.any():
        return np.eye(3)
    periodic = cell[pbc]
    lengths = np.linalg.norm(periodic, axis=1)
    gram = np.linalg.det(periodic @ periodic.T)
    if not gram >= _SMALLEST_GRAM_DETERMINANT * np.prod(np.where(lengths > 0, lengths, 1.0) ** 2):
        raise DataError(
            f"the periodic lattice vectors {periodic.tolist()} are zero or linearly dependent; "
            "give a cell with a volume or switch periodicity off"
        )
    spacing = min(lengths.min(), gram ** (0.5 / len(lengths)))
    if spacing < _SMALLEST_SPACING:
        raise DataError(
            f"the periodic images of the cell {periodic.tolist()} are only {spacing:.3g} A apart; "
            "check the units of the cell"
        )
    if len(periodic) == 3:
        return cell
    return np.asarray(complete_cell(np.where(pbc[:, None], cell, 0.0)), dtype=np.float64)


def _without_voids(
    x: NDArray[np.float64], box: NDArray[np.float64], pbc: NDArray[np.bool_], cutoff: float
) -> NDArray[np.float64]:
    """Shorten empty stretches of non-periodic directions to two cutoffs: pairs stay the same."""
    for normal in box[~pbc]:
        along = x @ normal
        order = np.argsort(along, kind="stable")
        excess = np.cumsum(np.maximum(np.diff(along[order]) - 2.0 * cutoff, 0.0))
        if excess.any():
            x = x.copy()
            x[order[1:]] -= excess[:, None] * normal
    return x


def _search_radius(
    x: NDArray[np.float64], box: NDArray[np.float64], pbc: NDArray[np.bool_], cutoff: float
) -> float:
    """Cutoff, enlarged for structures so wide and thin that vesin would divide by zero."""
    if pbc.all() and np.prod(np.maximum(np.linalg.norm(box, axis=1) / cutoff, 1.0)) < 1000.0:
        return cutoff  # as below, without the heights: most structures are small
    heights = 1.0 / np.linalg.norm(np.linalg.inv(box), axis=0)
    extent = heights if pbc.all() else np.where(pbc, heights, np.ptp(x @ box.T, axis=0) + 1.0)
    radius = cutoff
    cells = np.maximum(extent / radius, 1.0)
    if cells.min() * np.cbrt(_MOST_CELLS / cells.prod()) < 4.0:
        while cells.prod() > _MOST_CELLS:
            radius *= 1.1
            cells = np.maximum(extent / radius, 1.0)
    return radius


def build_neighbors(
    positions: ArrayLike, cell: ArrayLike, pbc: ArrayLike, cutoff: float
) -> NeighborList:
    """Find all neighbours closer than a cutoff.

    Parameters
    ----------
    positions : shape (N, 3), Angstrom
        Atoms may lie outside the cell.
    cell : shape (3, 3), Angstrom
        Rows are lattice vectors; rows of non-periodic directions do not matter.
    pbc : shape (3,), bool
        Periodic directions.
    cutoff : float, Angstrom
        Largest distance.

    Returns
    -------
    NeighborList

    Raises
    ------
    DataError
        Positions or cell are not finite or out of range, or periodic lattice vectors are linearly
        dependent.
    MaxvoltError
        The cutoff is not a positive number.
    """
    check_cutoff(cutoff)
    x = np.ascontiguousarray(positions, dtype=float).reshape(-1, 3)
    periodic = np.asarray(pbc, dtype=bool).reshape(3)
    box = np.asarray(cell, dtype=float).reshape(3, 3)
    _check_positions(x)
    if not np.isfinite(box[periodic]).all():
        raise DataError(f"the cell is not finite: {box.tolist()}")
    if len(x) == 0:
        return NeighborList(0, np.zeros((0, 2), np.int32), np.zeros((0, 3), np.int32))
    box = _complete_cell(box, periodic)
    near = _without_voids(x, box, periodic, cutoff)
    radius = _search_radius(near, box, periodic, cutoff)
    search = NeighborSearch(cutoff=float(radius), full_list=False, n_threads=1)
    # vesin owns what it found: copied here, and freed with `search`.
    if radius > cutoff:
        pairs, shifts, r = search.compute(near, box, periodic, quantities="PSd", copy=False)
        pairs, shifts = pairs[r < cutoff], shifts[r < cutoff]
    else:
        pairs, shifts = search.compute(near, box, periodic, quantities="PS", copy=False)
    return NeighborList(len(x), pairs.astype(np.int32), shifts.astype(np.int32))


def concatenate_neighbors(lists: Sequence[NeighborList]) -> NeighborList:
    """Join the lists of structures whose atoms follow each other."""
    before = np.cumsum([0, *(item.n_atoms for item in lists)])
    pairs = [item.pairs + np.int32(n) for item, n in zip(lists, before[:-1], strict=True)]
    return NeighborList(
        int(before[-1]),
        np.concatenate([np.zeros((0, 2), np.int32), *pairs]),
        np.concatenate([np.zeros((0, 3), np.int32), *(item.shifts for item in lists)]),
    )
