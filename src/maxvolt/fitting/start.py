"""Where a fit begins: random radial functions, orthonormal to each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["orthonormal", "random_radial_coeffs"]


def orthonormal(radial_coeffs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Make the radial functions of different mu orthonormal over all pairs of species.

    Each mu is changed by multiples of lower ones only, which leaves the space that the scalars of a
    level span as it is: a moment with a lower mu has a lower level.

    Parameters
    ----------
    radial_coeffs : shape (C, C, K, R)
        With K <= C * C * R.
    """
    c = radial_coeffs.shape[0]
    rows = np.moveaxis(radial_coeffs, 2, -1).reshape(-1, radial_coeffs.shape[2])
    columns = np.linalg.qr(rows)[0]
    return np.moveaxis(columns.reshape(c, c, -1, columns.shape[1]), -1, 2).copy()


def random_radial_coeffs(
    shape: tuple[int, int, int, int], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw radial coefficients of unit size, orthonormal where their number allows it.

    Parameters
    ----------
    shape
        (C, C, K, R).
    rng
        Source of randomness.
    """
    drawn = rng.normal(size=shape)
    c, _, k, size = shape
    if k > c * c * size:
        return np.asarray(drawn / np.sqrt((drawn**2).sum(axis=(0, 1, 3), keepdims=True)))
    return orthonormal(drawn)
