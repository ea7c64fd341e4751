"""The maxvol algorithm: rows that span the largest volume, equations (37) to (39).

A square matrix A of rows is changed one row at a time: as long as some candidate b has a coordinate
larger than the threshold in b A^-1, the largest such coordinate c says which row it replaces, and
|det A| grows by the factor |c|.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import dger, idamax
from scipy.linalg.lapack import dgetrf, dgetrs

__all__ = ["EXCHANGE_BYTES", "Basis", "exchange", "largest_coordinates"]

EXCHANGE_BYTES = 8 * 2**20
"""See `Basis`."""


def largest_coordinates(coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest magnitude of each row, shape (m,), without a copy of the matrix."""
    return np.asarray(np.maximum(coordinates.max(axis=1), -coordinates.min(axis=1)))


def exchange(
    coordinates: NDArray[np.float64],
    threshold: float,
    on_swap: Callable[[int, int], None] | None = None,
) -> list[tuple[int, int]]:
    """Swap candidates in, always the one with the largest coordinate, until none exceeds a limit.

    Parameters
    ----------
    coordinates : shape (m, n), float64, C order
        B A^-1 of the candidates B; updated in place, equation (39).
    threshold
        At least 1; coordinates up to this stay.
    on_swap
        Called with candidate and position after each swap; it may set coordinates of candidates
        that are not wanted any more to zero, where they stay.

    Returns
    -------
    swaps
        Candidate and the position in A that it took, in order.
    """
    width = coordinates.shape[1]
    flat, columns_first = coordinates.reshape(-1), coordinates.T
    swaps: list[tuple[int, int]] = []
    while flat.size:
        candidate, position = divmod(int(idamax(flat)), width)
        pivot = coordinates[candidate, position]
        if not abs(pivot) > threshold:
            break
        direction = coordinates[candidate].copy()
        direction[position] -= 1.0
        dger(-1.0 / pivot, direction, coordinates[:, position].copy(), a=columns_first,
             overwrite_a=1)  # fmt: skip
        swaps.append((candidate, position))
        if on_swap is not None:
            on_swap(candidate, position)
    return swaps


class Basis:
    """A square matrix of rows whose volume grows as candidates are offered.

    Parameters
    ----------
    matrix : shape (n, n)
        Rows to begin with; not singular.
    exchange_bytes
        Of the coordinates that rank-one updates run over: few enough for a processor's cache.

    Attributes
    ----------
    matrix, inverse : shape (n, n)
    log_determinant : float
        Logarithm of |det A|.
    swaps : int
        How many there have been.
    kept_out : float
        Largest grade of a candidate that `offer` has refused, because of rounding; 0 for none.
    """

    def __init__(self, matrix: NDArray[np.float64], exchange_bytes: int = EXCHANGE_BYTES) -> None:
        self.exchange_bytes = exchange_bytes
        self.matrix = np.array(matrix, dtype=np.float64)
        factors, self.log_determinant = _factorised(self.matrix)
        self.inverse = _inverse(factors)
        self.swaps = 0
        self.kept_out = 0.0

    def grades(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Largest coordinate of each row, equation (37), shape (m,)."""
        return largest_coordinates(rows @ self.inverse)

    def offer(
        self,
        rows: NDArray[np.float64],
        threshold: float,
        *,
        at_once: int | None = None,
        entry: float | None = None,
    ) -> dict[int, int]:
        """Take in what enlarges the volume, until no candidate exceeds the threshold.

        Coordinates of all candidates come from one matrix product; rank-one updates run only over
        those that exceed the threshold most, as many as fit into a cache, and the inverse is
        computed again after them.

        Parameters
        ----------
        rows : shape (m, n)
            Candidates.
        threshold
            At least 1.
        at_once
            Candidates that rank-one updates run over at once; None: as fit into a cache.
        entry
            Grade above which a candidate is looked at; those that are go on being swapped while one
            exceeds the threshold. None: the threshold.

        Returns
        -------
        changed
            Candidate that stands now at each changed position of the matrix.
        """
        most = at_once or max(len(self.matrix), self.exchange_bytes // (8 * len(self.matrix)))
        changed: dict[int, int] = {}
        while True:
            coordinates = rows @ self.inverse
            grades = largest_coordinates(coordinates)
            above = np.flatnonzero(grades > (entry or threshold))
            if not len(above):
                return changed
            if entry is None and at_once is not None and len(rows) <= at_once:
                above = np.arange(len(rows))  # those below the threshold may come to exceed it
            elif len(above) > most:
                above = above[np.argpartition(grades[above], -most)[-most:]]
            swaps = exchange(np.ascontiguousarray(coordinates[above]), threshold)
            taken = self.swap(rows, [(int(above[row]), position) for row, position in swaps])
            if not taken:
                self.kept_out = max(self.kept_out, float(grades.max()))
                return changed
            changed |= taken

    def swap(self, rows: NDArray[np.float64], swaps: list[tuple[int, int]]) -> dict[int, int]:
        """Make as many of the swaps as enlarge the volume: all, or the first half, or of it ...

        Rank-one updates lose digits with each swap; the first is as exact as the inverse.

        Parameters
        ----------
        rows : shape (m, n)
            Candidates.
        swaps
            As `exchange` gives them.

        Returns
        -------
        taken
            Candidate that stands now at each changed position of the matrix.
        """
        while swaps:
            taken = {position: row for row, position in swaps}
            if self.replace(rows, taken):
                self.swaps += len(swaps)
                return taken
            swaps = swaps[: len(swaps) // 2]
        return {}

    def replace(self, rows: NDArray[np.float64], taken: dict[int, int]) -> bool:
        """Put candidates at positions; refuse, and say so, where the volume would not grow.

        It grows in exact arithmetic. Where rounding is all that is left of the coordinates it may
        not, and then there is nothing to gain.
        """
        matrix = self.matrix.copy()
        matrix[list(taken)] = rows[list(taken.values())]
        factors, log_determinant = _factorised(matrix)
        if not log_determinant > self.log_determinant:
            return False
        self.matrix, self.log_determinant = matrix, log_determinant
        self.inverse = _inverse(factors)
        return True


_Factors = tuple[NDArray[np.float64], NDArray[np.int32]]


def _factorised(matrix: NDArray[np.float64]) -> tuple[_Factors, float]:
    """LU factors, and the logarithm of the magnitude of the determinant."""
    factors, pivots, _ = dgetrf(matrix)
    with np.errstate(divide="ignore"):  # a singular matrix has the logarithm -infinity
        return (factors, pivots), float(np.log(np.abs(np.diagonal(factors))).sum())


def _inverse(factors: _Factors) -> NDArray[np.float64]:
    """Solve A X = 1 column by column.

    The error of a coordinate b X is x (A X - 1) with the exact coordinates x of order one, and
    solving keeps A X - 1 small. The usual inversion keeps X A - 1 small, and A X - 1 may be larger
    by the condition number: where rows are nearly dependent, that left grades of 1.1 and more.
    """
    inverse, info = dgetrs(*factors, np.eye(len(factors[0])))
    assert info == 0  # the matrix is not singular
    return np.ascontiguousarray(inverse, dtype=np.float64)
