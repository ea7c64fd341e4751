"""The order in which MLIP selects, for its active sets and its grades to the digits it prints.

Maximal volumes are found by a greedy search, and its end depends on the order of the swaps. MLIP
offers all rows of a batch of structures at once, takes the largest coordinate of all of them first,
and offers rows of the initial matrix again that have been swapped out. Sets of maximal volume that
were found in another order are as good, but where the rows do not span all parameters the grades
of what is new may differ by any factor, because initial rows stand in other places.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.selection.row_store import Portion
from maxvolt.selection.rows import Rows

__all__ = ["Algorithm", "check_algorithm", "in_batches", "with_initial_rows"]

Algorithm = Literal["stream", "mlip"]
"""How rows are offered: some at a time in bounded memory, or in MLIP's order."""

_BATCH = 9999
"""Structures whose rows MLIP-3 offers at once."""


def check_algorithm(algorithm: str) -> None:
    """Refuse an unknown algorithm.

    Raises
    ------
    DataError
    """
    if algorithm not in get_args(Algorithm):
        raise DataError(f"algorithm is {algorithm!r}; expected 'stream' or 'mlip'")


def in_batches(portions: Iterable[Portion], size: int = _BATCH) -> Iterator[Portion]:
    """Join portions of the same source to batches of so many structures, as MLIP has them.

    Parameters
    ----------
    portions
        In the order of source and number.
    size
        Structures of a batch.
    """
    for _, of_source in groupby(portions, key=lambda portion: portion.source):
        held: list[Portion] = []
        count = 0
        for portion in of_source:
            for part in _cut(portion, size - count, size):
                held.append(part)
                count += len(part.structures)
                if count == size:
                    yield _joined(held)
                    held, count = [], 0
        if held:
            yield _joined(held)


def _cut(portion: Portion, first: int, size: int) -> list[Portion]:
    """Cut a portion after its first structures and then after each `size` of them."""
    ends = [*range(first, len(portion.structures), size), len(portion.structures)]
    begins = [0, *ends[:-1]]
    return [_part(portion, begin, end) for begin, end in zip(begins, ends, strict=True)]


def _part(portion: Portion, begin: int, end: int) -> Portion:
    within = portion.rows.structures - portion.first
    rows = portion.rows.select((within >= begin) & (within < end))
    structures = portion.structures.select(slice(begin, end))
    return Portion(portion.source, portion.first + begin, structures, rows)


def _joined(parts: list[Portion]) -> Portion:
    if len(parts) == 1:
        return parts[0]
    rows = Rows(
        np.concatenate([part.rows.values for part in parts]),
        np.concatenate([part.rows.structures for part in parts]),
        np.concatenate([part.rows.equations for part in parts]),
    )
    structures = Dataset.concatenate([part.structures for part in parts])
    return Portion(parts[0].source, parts[0].first, structures, rows)


def with_initial_rows(
    values: NDArray[np.float64], initial: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Offer the rows that a selection began with, too: one that was swapped out may come back.

    Those that are still in the matrix have a coordinate of 1 there and do not exceed a threshold.
    """
    return np.concatenate([values, initial])
