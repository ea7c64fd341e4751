"""Cubic splines of many functions on one grid, evaluated together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

__all__ = ["Splines"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Splines:
    """Cubic splines ("not a knot" at both ends) of F functions, known at n points each.

    Beyond the points, the first and the last cubic polynomial go on.

    Parameters
    ----------
    first, spacing : float
        The points are ``first + k * spacing``.
    coefficients : shape (F, n - 1, 4)
        Of the polynomials in the distance from the point before, highest power first.
    """

    first: float
    spacing: float
    coefficients: Array

    @classmethod
    def through(cls, values: Array, spacing: float, first: float = 0.0) -> Self:
        """Return the splines through values of shape (F, n), n at least 4."""
        points = spacing * np.arange(values.shape[1])
        polynomials = CubicSpline(points, values, axis=1).c
        return cls(first, spacing, np.ascontiguousarray(polynomials.transpose(2, 1, 0)))

    def __call__(self, which: NDArray[np.integer], x: Array) -> tuple[Array, Array]:
        """Return values and derivatives.

        Parameters
        ----------
        which : shape (m,)
            Function of each argument.
        x : shape (m,)
            Arguments.
        """
        distance = x - self.first
        last = self.coefficients.shape[1] - 1
        interval = np.clip(distance / self.spacing, 0, last).astype(np.intp)
        distance -= interval * self.spacing
        a, b, c, d = self.coefficients[which, interval].T
        value = ((a * distance + b) * distance + c) * distance + d
        slope = (3.0 * a * distance + 2.0 * b) * distance + c
        return value, slope
