"""Neighbours of atoms as ANI takes them: every pair from both ends, and pairs of pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials.refusals import COINCIDENT, check_distinct

__all__ = ["Environments"]

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Environments:
    """Atoms with their neighbours inside the cutoff; N atoms, P directed pairs, T triples.

    Attributes
    ----------
    types : shape (N,)
        Species of each atom.
    owners, neighbors : shape (P,)
        Atoms of each pair, sorted by the first. Neighbours count in the structures that these are a
        part of.
    neighbor_types : shape (P,)
        Species of the second atom.
    vectors : shape (P, 3), Angstrom
        From the first to the second atom.
    near : shape (Q,)
        Pairs inside the angular cutoff.
    triples : shape (2, T)
        Two pairs with the same first atom, each two once, as indices of `near`.
    """

    types: Indices
    owners: Indices
    neighbors: Indices
    neighbor_types: Indices
    vectors: Array
    near: Indices
    triples: Indices

    @classmethod
    def of(cls, neighborhoods: Neighborhoods, cutoff: float, angular_cutoff: float) -> Self:
        """Take the pairs of structures whose neighbours are known.

        Raises
        ------
        DataError
            Two atoms coincide.
        """
        owners, neighbors, shifts = neighborhoods.pairs.both_ways()
        cells = neighborhoods.cells[neighborhoods.structures[owners]]
        vectors = neighborhoods.positions[neighbors] - neighborhoods.positions[owners]
        vectors += np.einsum("pa,pab->pb", shifts.astype(float), cells)
        lengths = np.linalg.norm(vectors, axis=1)
        check_distinct(owners[lengths < COINCIDENT], neighborhoods)
        inside = lengths < cutoff
        types = neighborhoods.types.astype(np.int64)
        return cls._of_pairs(
            types,
            owners[inside].astype(np.int64),
            neighbors[inside].astype(np.int64),
            types[neighbors[inside]],
            vectors[inside],
            lengths[inside] < angular_cutoff,
        )

    @classmethod
    def _of_pairs(
        cls,
        types: Indices,
        owners: Indices,
        neighbors: Indices,
        neighbor_types: Indices,
        vectors: Array,
        is_near: NDArray[np.bool_],
    ) -> Self:
        near = np.flatnonzero(is_near)
        triples = _triples(owners[near], len(types))
        return cls(types, owners, neighbors, neighbor_types, vectors, near, triples)

    def portions(self, most_triples: int) -> Iterator[tuple[slice, Self]]:
        """Some atoms at a time, so that pairs and triples together stay below a number.

        Yields
        ------
        pairs : slice
            Pairs of these atoms.
        part : Environments
            The atoms, at least one, with all their neighbours; owners count from the first of them.
        """
        ends = np.searchsorted(self.owners, np.arange(len(self.types) + 1))
        work = np.diff(ends) + np.bincount(
            self.owners[self.near[self.triples[0]]], minlength=len(self.types)
        )
        total, first = np.concatenate([[0], np.cumsum(work)]), 0
        is_near = np.zeros(len(self.owners), np.bool_)
        is_near[self.near] = True
        while first < len(self.types):
            last = int(np.searchsorted(total, total[first] + most_triples, side="right")) - 1
            last = max(first + 1, min(last, len(self.types)))
            pairs = slice(int(ends[first]), int(ends[last]))
            yield (
                pairs,
                self._of_pairs(
                    self.types[first:last],
                    self.owners[pairs] - first,
                    self.neighbors[pairs],
                    self.neighbor_types[pairs],
                    self.vectors[pairs],
                    is_near[pairs],
                ),
            )
            first = last


def _triples(owners: Indices, n_atoms: int) -> Indices:
    """All two pairs with the same owner, for owners in order; shape (2, T)."""
    ends = np.cumsum(np.bincount(owners, minlength=n_atoms))
    here = np.arange(len(owners))
    partners = ends[owners] - here - 1
    first = np.repeat(here, partners)
    began = np.repeat(np.cumsum(partners) - partners, partners)
    return np.stack([first, first + 1 + np.arange(len(first)) - began])
