"""Neighbours of many structures, each list kept with a skin until it could miss a pair."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import DataError
from maxvolt.neighbors import NeighborList, concatenate_neighbors
from maxvolt.neighbors.dataset_pairs import structure_pairs
from maxvolt.sampling.batch import Batch, segment_max, segment_sums
from maxvolt.sampling.rule import Stop, StopReason

__all__ = ["BatchNeighbors"]


class BatchNeighbors:
    """What `maxvolt.calculators.VerletNeighbors` does for one structure, for a batch at once.

    Parameters
    ----------
    cutoff : Angstrom
        Distance up to which pairs must be complete.
    skin : Angstrom
        How much farther the lists reach.

    Attributes
    ----------
    lists
        Neighbours of each structure, None before the first update.
    built : shape (k,)
        Structures whose lists the last update built anew.
    """

    def __init__(self, cutoff: float, skin: float) -> None:
        self.cutoff = cutoff
        self.skin = skin
        self.lists: list[NeighborList | None] = []
        self.built = np.empty(0, np.int64)
        self._positions = np.empty((0, 3))
        self._cells = np.empty((0, 3, 3))
        self._counts = np.empty(0, np.int64)
        self._joined: NeighborList | None = None

    def add(self, counts: NDArray[np.int64]) -> None:
        """Make room for structures of so many atoms, at the end."""
        self.lists += [None] * len(counts)
        self._positions = np.concatenate([self._positions, np.zeros((int(counts.sum()), 3))])
        self._cells = np.concatenate([self._cells, np.tile(np.eye(3), (len(counts), 1, 1))])
        self._counts = np.concatenate([self._counts, counts])
        self._joined = None

    def remove(self, which: NDArray[np.bool_]) -> None:
        """Forget structures, chosen by a mask of shape (n,)."""
        keep = ~which
        self.lists = [self.lists[k] for k in np.flatnonzero(keep)]
        self._positions = self._positions[np.repeat(keep, self._counts)]
        self._cells = self._cells[keep]
        self._counts = self._counts[keep]
        self._joined = None

    def forget(self) -> None:
        """Forget all lists, so that the next update builds them anew."""
        self.lists = [None] * len(self.lists)
        self._joined = None

    def update(self, batch: Batch) -> dict[int, Stop]:
        """Complete the lists of the structures that were added and not removed, in their order.

        Returns
        -------
        stops
            Structures whose neighbours cannot be found, and why.
        """
        stops = _not_finite(batch)
        known = np.array([item is not None for item in self.lists], np.bool_)
        usable = np.ones(len(batch), np.bool_)
        usable[list(stops)] = False
        self.built = np.flatnonzero(usable & ~(known & self._are_complete(batch, known & usable)))
        for k in self.built.tolist():
            of = slice(batch.offsets[k], batch.offsets[k + 1])
            try:
                self.lists[k] = structure_pairs(
                    batch.positions[of], batch.cells[k], batch.pbc[k], self.cutoff + self.skin
                )
            except DataError as error:  # a collapsed cell, coordinates out of all range
                stops[k] = Stop(StopReason.FAILED, str(error))
                continue
            self._positions[of] = batch.positions[of]
            self._cells[k] = batch.cells[k]
        if len(self.built):
            self._joined = None
        if stops:
            self.built = np.array([k for k in self.built.tolist() if k not in stops], np.int64)
        return stops

    def joined(self, skip: NDArray[np.bool_]) -> NeighborList:
        """Give the lists of all structures but some, atoms counted through those that remain."""
        if self._joined is not None and not skip.any():
            return self._joined
        chosen = [item for item, out in zip(self.lists, skip, strict=True) if not out]
        joined = concatenate_neighbors([item for item in chosen if item is not None])
        if not skip.any():
            self._joined = joined
        return joined

    def _are_complete(self, batch: Batch, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Apply the criterion of `VerletNeighbors`; cells change only where all three repeat.

        That a cell grows does not count: lists would be complete for longer, but `BatchWatch` looks
        at the pairs of each list that were near a limit far below the cutoff, which gain less.
        """
        least_stretch: float | NDArray[np.float64] = 1.0
        carried = self._positions
        full = known & (self._cells != batch.cells).any(axis=(1, 2)) & batch.pbc.all(axis=1)
        if full.any():
            deformation = np.tile(np.eye(3), (len(batch), 1, 1))
            deformation[full] = np.linalg.solve(self._cells[full], batch.cells[full])
            least_stretch = np.linalg.svd(deformation, compute_uv=False)[:, -1].clip(max=1.0)
            carried = np.einsum("ia,iab->ib", carried, deformation[batch.structure_of_atom])
        with np.errstate(invalid="ignore"):  # of structures that are not known
            moved = batch.positions - carried
            mean = segment_sums(moved, batch.offsets) / self._counts[:, None]
            moved -= np.repeat(mean, self._counts, axis=0)
            farthest = np.sqrt(segment_max(np.einsum("ij,ij->i", moved, moved), batch.offsets))
            reach = least_stretch * (self.cutoff + self.skin) - 2 * farthest
            return np.asarray(reach >= self.cutoff)


def _not_finite(batch: Batch) -> dict[int, Stop]:
    if np.isfinite(batch.positions).all() and np.isfinite(batch.cells).all():
        return {}
    bad_atoms = ~np.isfinite(batch.positions).all(axis=1)
    bad = np.asarray(~np.isfinite(batch.cells).all(axis=(1, 2)))
    bad[batch.structure_of_atom[bad_atoms]] = True
    message = "a position or the cell is not finite"
    return {int(k): Stop(StopReason.NOT_FINITE, message) for k in np.flatnonzero(bad)}
