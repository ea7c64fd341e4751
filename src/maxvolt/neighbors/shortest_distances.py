"""Shortest distances between atoms, of structures and of pairs of species."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.neighbors.dataset_pairs import dataset_pairs

__all__ = ["MinimumDistances", "minimum_distances"]

_ATOMS_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class MinimumDistances:
    """Smallest interatomic distances of a dataset, in Angstrom.

    Attributes
    ----------
    overall : float
        The smallest of all; infinite where no two atoms are within the search radius.
    structures : shape (n,)
        The smallest of each structure.
    pairs : mapping of (symbol, symbol) to float
        The smallest of each pair of species, symbols in order of atomic number.
    """

    overall: float
    structures: NDArray[np.float64]
    pairs: Mapping[tuple[str, str], float]


def minimum_distances(dataset: Dataset, *, search_radius: float = 6.0) -> MinimumDistances:
    """Find the smallest distances between atoms, periodic images included.

    Parameters
    ----------
    dataset
        Structures.
    search_radius : float, Angstrom
        Pairs further apart than this are not looked for.

    Returns
    -------
    MinimumDistances

    Raises
    ------
    DataError
        A structure cannot be searched; the message names it.
    """
    smallest = np.full(len(dataset), np.inf)
    elements = np.unique(dataset.numbers)
    table = np.full((len(elements), len(elements)), np.inf)
    for part in dataset.portions(_ATOMS_AT_ONCE):
        some = dataset.select(part)
        pairs = dataset_pairs(some, search_radius, first_structure=part.start)
        cells = np.where(some.pbc[:, :, None], some.cells, 0.0)
        structures = some.structure_of_atom[pairs.owners]
        shifts = np.einsum("pa,pab->pb", pairs.shifts, cells[structures])
        r = some.positions[pairs.neighbors] + shifts - some.positions[pairs.owners]
        distances = np.linalg.norm(r, axis=1)
        np.minimum.at(smallest[part], structures, distances)
        kinds = np.searchsorted(elements, some.numbers)
        one, other = kinds[pairs.owners], kinds[pairs.neighbors]
        np.minimum.at(table, (np.minimum(one, other), np.maximum(one, other)), distances)
    named = {
        (chemical_symbols[elements[a]], chemical_symbols[elements[b]]): float(table[a, b])
        for a, b in np.argwhere(np.isfinite(table)).tolist()
    }
    overall = float(smallest.min(initial=np.inf))
    return MinimumDistances(overall, smallest, MappingProxyType(named))
