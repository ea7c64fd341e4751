"""Candidates with a grade above a threshold, from a stream: what strategies without rows select."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.selection.rows import as_datasets
from maxvolt.selection.strategy import Selection

__all__ = ["candidates_above", "largest_first"]


def candidates_above(
    candidates: Dataset | Atoms | Iterable[Dataset | Atoms],
    species: Sequence[str],
    grade: Callable[[Dataset], NDArray[np.float64]],
    threshold: float,
) -> Selection:
    """All candidates with grades above the threshold; only these are kept in memory.

    Parameters
    ----------
    candidates
        One structure, a dataset, or a stream of these.
    species
        Symbols of the species that they may have.
    grade
        Gives the grades of the structures of a dataset.
    threshold
        In the unit of the grades.
    """
    kept: list[Dataset] = []
    numbers: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    grades, first = [np.empty(0)], 0
    for dataset in as_datasets(candidates, species):
        found = grade(dataset)
        above = np.flatnonzero(found > threshold)
        kept.append(dataset.select(above))
        numbers.append(first + above)
        grades.append(found)
        first += len(dataset)
    return Selection(np.concatenate(numbers), np.concatenate(grades), Dataset.concatenate(kept))


def largest_first(grades: NDArray[np.float64], limit: int | None) -> NDArray[np.int64]:
    """Numbers of the largest grades up to the limit, ascending; None: of all."""
    order = np.argsort(-grades, kind="stable")
    return np.sort(order if limit is None else order[:limit])
