"""Pairs of atoms found by the core: of one structure, or of all structures of a dataset at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maxvolt.compiled import _core
from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.neighbors.pairs import NeighborList, build_neighbors, check_cutoff

__all__ = ["MOST_IN_VAIN", "dataset_pairs", "structure_pairs"]

MOST_IN_VAIN = 2000.0
"""Points for each atom up to which the core looks at those that are no neighbours; beyond, few
atoms lie in a wide space, and vesin searches."""


def dataset_pairs(dataset: Dataset, cutoff: float, *, first_structure: int = 0) -> NeighborList:
    """Find all neighbours closer than a cutoff, in every structure of a dataset.

    Parameters
    ----------
    dataset
        Structures.
    cutoff : float, Angstrom
        Largest distance.
    first_structure
        Number of the first structure in messages, where `dataset` is a part of another.

    Returns
    -------
    NeighborList
        Atoms are numbered through the dataset.

    Raises
    ------
    DataError
        A structure that cannot be searched, see `build_neighbors`; the message names it.
    MaxvoltError
        The cutoff is not a positive number.
    """
    check_cutoff(cutoff)
    found, left_out = _core.search_neighbors(
        dataset.offsets, dataset.positions, dataset.cells, dataset.pbc, cutoff, MOST_IN_VAIN
    )
    if not left_out:
        return NeighborList.of_search(dataset.n_atoms, found)
    pairs, shifts = found.pairs()
    others = [_pairs_of(dataset, s, cutoff, first_structure) for s in left_out]
    first = dataset.offsets[left_out].astype(np.int32)
    moved = [one.pairs + start for one, start in zip(others, first, strict=True)]
    return NeighborList(
        dataset.n_atoms,
        np.concatenate([pairs, *moved]),
        np.concatenate([shifts, *(one.shifts for one in others)]),
    )


def structure_pairs(
    positions: NDArray[np.float64], cell: NDArray[np.float64], pbc: NDArray[np.bool_], cutoff: float
) -> NeighborList:
    """Find all neighbours closer than a cutoff in one structure, as fast as the core does.

    Parameters and errors are those of `build_neighbors`.
    """
    check_cutoff(cutoff)
    x = np.ascontiguousarray(positions, dtype=float)
    box = np.ascontiguousarray(cell, dtype=float)[None]
    periodic = np.ascontiguousarray(pbc, dtype=bool)[None]
    found, left_out = _core.search_neighbors(
        np.array([0, len(x)]), x, box, periodic, cutoff, MOST_IN_VAIN
    )
    if left_out:
        return build_neighbors(x, cell, pbc, cutoff)
    return NeighborList.of_search(len(x), found)


def _pairs_of(dataset: Dataset, s: int, cutoff: float, first_structure: int) -> NeighborList:
    atoms = dataset.atoms_of(s)
    try:
        return build_neighbors(dataset.positions[atoms], dataset.cells[s], dataset.pbc[s], cutoff)
    except DataError as error:
        known = dataset.origins[s] is not None
        name = dataset.name_of(s) if known else f"structure {first_structure + s}"
        raise DataError(f"{name}: {error}") from error
