"""Pairs of atoms inside a cutoff, structures with their neighbours, and Verlet lists."""

from maxvolt.neighbors.pairs import (
    NeighborList,
    build_neighbors,
    concatenate_neighbors,
)
from maxvolt.neighbors.shortest_distances import MinimumDistances, minimum_distances

__all__ = [
    "MinimumDistances",
    "NeighborList",
    "build_neighbors",
    "concatenate_neighbors",
    "minimum_distances",
]
