"""Grades of datasets, part by part: the coordinates of their rows in the active ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from maxvolt.dataset import Dataset
from maxvolt.parallel.ranks import ONE_PROCESS, Ranks
from maxvolt.potentials import ParameterGradients
from maxvolt.selection.maxvol import largest_coordinates
from maxvolt.selection.rows import Part, iterate_parts, rows_of_part
from maxvolt.selection.weights import RowWeights
from maxvolt.threads import map_ranges, thread_count

__all__ = ["RowGrades", "iterate_row_grades"]

_ROWS = 256
"""Rows that are graded together. Products of matrices are rounded differently for other numbers of
rows and of threads, so that both are fixed."""


@dataclass(frozen=True, slots=True, eq=False)
class RowGrades:
    """Grades of m rows and the structures they belong to, numbered within their part.

    Parameters
    ----------
    grades : shape (m,)
    structures : shape (m,), int64
    """

    grades: NDArray[np.float64]
    structures: NDArray[np.int64]


def iterate_row_grades(
    potential: ParameterGradients,
    weights: RowWeights,
    inverse: NDArray[np.float64],
    dataset: Dataset,
    *,
    first: int = 0,
    threads: int | None,
    ranks: Ranks = ONE_PROCESS,
) -> Iterator[tuple[slice, RowGrades]]:
    """Yield the grades of the rows of a dataset in order, some structures at a time.

    Parameters
    ----------
    potential, weights, dataset, first, threads, ranks
        As of `iterate_rows`.
    inverse : shape (n, n)
        Of the matrix of active rows.
    """
    setup = partial(_grades_of_part, potential, weights, inverse, threads)
    return iterate_parts(setup, dataset, potential, weights, first=first, ranks=ranks)


def _grades_of_part(
    potential: ParameterGradients,
    weights: RowWeights,
    inverse: NDArray[np.float64],
    threads: int | None,
) -> Callable[[Part], RowGrades]:
    rows_of = rows_of_part(potential, weights, threads)

    def work(part: Part) -> RowGrades:
        rows = rows_of(part)

        def grades(begin: int, end: int) -> NDArray[np.float64]:
            with np.errstate(over="ignore", invalid="ignore"):  # refused afterwards
                return largest_coordinates(rows.values[begin:end] @ inverse)

        ranges = [(i, min(i + _ROWS, len(rows))) for i in range(0, len(rows), _ROWS)]
        with threadpool_limits(1, user_api="blas"):
            found = list(map_ranges(grades, ranges, thread_count(threads)))
        return RowGrades(np.concatenate([np.empty(0), *found]), rows.structures - part.first)

    return work
