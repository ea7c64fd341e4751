"""Distances in structures that move: two atoms too close, an atom lost.

They are checked at every step. Pairs near the limit are
kept when the list of neighbours is rebuilt, which happens before any pair can have come closer
by more than the skin; lost atoms are looked for at the same moments.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols
from numpy.typing import NDArray

from maxvolt.neighbors import NeighborList, build_neighbors
from maxvolt.sampling.batch import Batch
from maxvolt.sampling.batch_neighbors import BatchNeighbors
from maxvolt.sampling.rule import Limits, Stop, StopReason, distance_table

__all__ = ["BatchWatch", "Watch", "longest_limit"]

_SKIN = 0.6
"""Angstrom; of the lists that `Watch` keeps for itself."""


class _Close(NamedTuple):
    """Pairs of one structure that are close to the limit."""

    i: NDArray[np.integer]
    j: NDArray[np.integer]
    shifts: NDArray[np.integer]


def longest_limit(limits: Limits, numbers: NDArray[np.integer]) -> float:
    """Give the largest of the shortest distances of these elements, Angstrom."""
    kinds = np.unique(numbers)
    table = distance_table(limits.minimum_distance)
    return float(table[np.ix_(kinds, kinds)].max(initial=0.0))


class BatchWatch:
    """Looks after the geometry of the structures of a batch.

    Parameters
    ----------
    limits
        What is allowed.
    neighbors
        Lists of the same structures; their cutoff is not below any shortest distance.
    """

    def __init__(self, limits: Limits, neighbors: BatchNeighbors) -> None:
        self._table = distance_table(limits.minimum_distance)
        self._isolation = limits.isolation
        self._neighbors = neighbors
        self._close: list[_Close | None] = []
        self._alone: list[NDArray[np.bool_] | None] = []  # from the start

    def add(self, number: int) -> None:
        """Make room for so many structures, at the end."""
        self._close += [None] * number
        self._alone += [None] * number

    def remove(self, which: NDArray[np.bool_]) -> None:
        """Forget structures, chosen by a mask of shape (n,)."""
        keep = np.flatnonzero(~which)
        self._close = [self._close[k] for k in keep]
        self._alone = [self._alone[k] for k in keep]

    def check(self, batch: Batch) -> dict[int, Stop]:
        """Say which structures must stop and why; the lists must have been updated for them."""
        stops: dict[int, Stop] = {}
        for k in self._neighbors.built.tolist():
            pairs = self._neighbors.lists[k]
            assert pairs is not None
            stop = self._inspect(batch, k, pairs)
            if stop is not None:
                stops[k] = stop
        for k, close in enumerate(self._close):
            if close is not None and (stop := self._too_close(batch, k, close)):
                stops[k] = stop
        return stops

    def _inspect(self, batch: Batch, k: int, pairs: NeighborList) -> Stop | None:
        """Find the pairs to look after from now on, and lost atoms."""
        of = slice(batch.offsets[k], batch.offsets[k + 1])
        i, j = pairs.owners, pairs.neighbors
        r = _distances(batch, k, _Close(i, j, pairs.shifts))
        numbers = batch.numbers[of]
        near = r < self._table[numbers[i], numbers[j]] + self._neighbors.skin
        self._close[k] = _Close(i[near], j[near], pairs.shifts[near]) if near.any() else None
        alone = np.ones(len(numbers), np.bool_)
        alone[i[r < self._isolation]] = alone[j[r < self._isolation]] = False
        reach = self._neighbors.cutoff + self._neighbors.skin
        if alone.any() and reach < self._isolation < np.inf:
            far = build_neighbors(
                batch.positions[of], batch.cells[k], batch.pbc[k], self._isolation
            )
            alone[far.owners] = alone[far.neighbors] = False
        at_start = self._alone[k]
        if at_start is None:
            self._alone[k] = at_start = alone
        lost = np.flatnonzero(alone & ~at_start)
        if not len(lost) or self._isolation == np.inf:
            return None
        return Stop(
            StopReason.LOST_ATOM,
            f"atom {lost[0]} is farther than {self._isolation:g} A from every other atom",
        )

    def _too_close(self, batch: Batch, k: int, close: _Close) -> Stop | None:
        numbers = batch.numbers[batch.offsets[k] : batch.offsets[k + 1]]
        r = _distances(batch, k, close)
        limits = self._table[numbers[close.i], numbers[close.j]]
        bad = int(np.argmin(r - limits))
        if not r[bad] < limits[bad]:
            return None
        ends = (int(close.i[bad]), int(close.j[bad]))
        names = " and ".join(f"{chemical_symbols[numbers[atom]]} {atom}" for atom in ends)
        return Stop(
            StopReason.TOO_CLOSE,
            f"atoms {names} are {r[bad]:.4g} A apart, the limit is {limits[bad]:g} A",
        )


class Watch:
    """Looks after the geometry of one structure as it moves.

    Parameters
    ----------
    limits
        What is allowed.
    numbers : shape (N,)
        Atomic numbers.
    """

    def __init__(self, limits: Limits, numbers: NDArray[np.integer]) -> None:
        self._neighbors = BatchNeighbors(max(longest_limit(limits, numbers), 1e-3), _SKIN)
        self._watch = BatchWatch(limits, self._neighbors)
        self._neighbors.add(np.array([len(numbers)]))
        self._watch.add(1)

    def renew(self) -> None:
        """Rebuild the lists at the next check; which atoms were alone from the start stays."""
        self._neighbors.forget()

    def check(self, atoms: Atoms) -> Stop | None:
        """Say why the simulation must stop here, None where it may go on."""
        batch = Batch.from_atoms(atoms)
        stops = self._neighbors.update(batch) or self._watch.check(batch)
        return stops.get(0)


def _distances(batch: Batch, k: int, pairs: _Close) -> NDArray[np.float64]:
    positions = batch.positions[batch.offsets[k] : batch.offsets[k + 1]]
    cell = np.where(batch.pbc[k][:, None], batch.cells[k], 0.0)
    vectors = positions[pairs.j] + pairs.shifts @ cell - positions[pairs.i]
    return np.asarray(np.linalg.norm(vectors, axis=1))
