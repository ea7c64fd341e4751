"""Minima of the loss told apart by the spaces that their radial functions span.

The linear coefficients follow from the radial ones, and a radial function may be changed by
multiples of those with a lower mu without changing what the potential can describe. What is left of
a minimum is the sequence of spaces that the first one, two, ... radial functions span. The distance
of two minima is the largest principal angle between these spaces (A. Bjorck, G. H. Golub, Math.
Comp. 27, 579 (1973)); it takes microseconds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import subspace_angles

__all__ = ["SAME_MINIMUM", "largest_angle", "nearest_minimum"]

SAME_MINIMUM = 15.0
"""Degrees below which two minima are one. Fits of the same data that end in one minimum differ by
less than 1 degree, with random weights of the structures by up to about 10; different minima of
molybdenum at level 8 are 20 to 48 degrees apart."""


def largest_angle(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Largest principal angle between the spaces of radial functions, degrees.

    Parameters
    ----------
    first, second : shape (C, C, K, R)
        Radial coefficients of two potentials of the same form.
    """
    bases = [_bases(first), _bases(second)]
    columns = bases[0].shape[1]
    angles = [
        float(subspace_angles(bases[0][:, :count], bases[1][:, :count])[0])
        for count in range(1, columns + 1)
    ]
    return float(np.degrees(max(angles)))


def nearest_minimum(
    radial_coeffs: NDArray[np.float64], minima: Sequence[NDArray[np.float64]]
) -> float:
    """Smallest of the angles to several minima, degrees; infinite where there is none."""
    return min((largest_angle(radial_coeffs, minimum) for minimum in minima), default=float("inf"))


def _bases(radial_coeffs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Orthonormal columns, of which the first k span the first k radial functions."""
    k = radial_coeffs.shape[2]
    rows = np.moveaxis(radial_coeffs, 2, -1).reshape(-1, k)
    return np.asarray(np.linalg.qr(rows[:, : len(rows)])[0])
