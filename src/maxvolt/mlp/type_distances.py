"""Shortest distances of configurations, by pairs of types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from ase.data import atomic_numbers

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.mlp.geometry import dataset_by_type
from maxvolt.neighbors import minimum_distances

__all__ = ["TypeDistances", "listed", "shortest", "shortest_by_types", "smallest_of"]

TypeDistances = dict[tuple[int, int], float]
"""Shortest distance of each pair of types, the smaller type first, Angstrom."""

_FIRST_RADIUS = 6.0
"""Angstrom; most pairs are closer than this, and it is doubled until all are found."""


def shortest_by_types(configuration: CfgConfiguration) -> TypeDistances:
    """Find the shortest distance of each pair of types, periodic images included.

    Pairs that do not exist, such as that of a lone atom without periodic images, are left out.

    Raises
    ------
    DataError
        The configuration cannot be searched.
    """
    if not len(configuration):
        return {}
    dataset = dataset_by_type([configuration])
    found: TypeDistances = {}
    radius, farthest = _FIRST_RADIUS, _farthest(configuration)
    wanted = _pairs(configuration)
    while wanted - set(found):
        found.update(_within(dataset, radius))
        if radius > farthest:
            break
        radius *= 2
    return dict(sorted(found.items()))


def shortest(distances: Mapping[tuple[int, int], float]) -> float:
    """The smallest of all; infinite where there is none."""
    return min(distances.values(), default=float("inf"))


def smallest_of(each: Sequence[TypeDistances]) -> TypeDistances:
    """The smallest of each pair in several configurations."""
    found: TypeDistances = {}
    for distances in each:
        for pair, distance in distances.items():
            found[pair] = min(distance, found.get(pair, float("inf")))
    return dict(sorted(found.items()))


def listed(distances: TypeDistances) -> str:
    """Write distances as MLIP notes them: ``{(0,0):2.731624,(0,1):2.500000}``."""
    pairs = (f"({a},{b}):{distance:f}" for (a, b), distance in distances.items())
    return "{" + ",".join(pairs) + "}"


def _within(dataset: Dataset, radius: float) -> TypeDistances:
    try:
        pairs = minimum_distances(dataset, search_radius=radius).pairs
    except DataError as error:
        raise DataError(str(error).partition(": ")[2]) from error
    return {
        (atomic_numbers[a] - 1, atomic_numbers[b] - 1): distance
        for (a, b), distance in pairs.items()
    }


def _pairs(configuration: CfgConfiguration) -> set[tuple[int, int]]:
    """Pairs of types that have a distance: all with periodic images, else of two atoms."""
    kinds, counts = np.unique(configuration.types, return_counts=True)
    repeats = configuration.cell.any()
    return {
        (int(a), int(b))
        for i, a in enumerate(kinds)
        for j, b in enumerate(kinds)
        if i < j or (i == j and (repeats or counts[i] > 1))
    }


def _farthest(configuration: CfgConfiguration) -> float:
    """A distance beyond which no pair can be the shortest of its types, Angstrom."""
    extent = float(np.linalg.norm(np.ptp(configuration.positions, axis=0)))
    return extent + float(np.linalg.norm(configuration.cell, axis=1).sum())
