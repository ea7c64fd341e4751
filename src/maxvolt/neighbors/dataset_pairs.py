"""Pairs of atoms of all structures of a dataset at once."""

from __future__ import annotations

import numpy as np

from maxvolt.compiled import _core
from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.neighbors.pairs import NeighborList, build_neighbors, check_cutoff

__all__ = ["MOST_IMAGES", "dataset_pairs"]

MOST_IMAGES = 200_000
"""Images of atoms up to which the core looks at every one of a structure; beyond, vesin sorts them
into cells first, which pays in spite of what each call costs."""


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
    pairs, shifts, left_out = _core.search_images(
        dataset.offsets, dataset.positions, dataset.cells, dataset.pbc, cutoff, MOST_IMAGES
    )
    if not left_out:
        return NeighborList(dataset.n_atoms, pairs, shifts)
    others = [_pairs_of(dataset, s, cutoff, first_structure) for s in left_out]
    first = dataset.offsets[left_out].astype(np.int32)
    moved = [one.pairs + start for one, start in zip(others, first, strict=True)]
    return NeighborList(
        dataset.n_atoms,
        np.concatenate([pairs, *moved]),
        np.concatenate([shifts, *(one.shifts for one in others)]),
    )


def _pairs_of(dataset: Dataset, s: int, cutoff: float, first_structure: int) -> NeighborList:
    atoms = dataset.atoms_of(s)
    try:
        return build_neighbors(dataset.positions[atoms], dataset.cells[s], dataset.pbc[s], cutoff)
    except DataError as error:
        known = dataset.origins[s] is not None
        name = dataset.name_of(s) if known else f"structure {first_structure + s}"
        raise DataError(f"{name}: {error}") from error
