"""Mean square displacements of atoms, and the slope from which diffusion follows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["mean_square_displacement", "slopes_of_blocks"]


def mean_square_displacement(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average squared displacements over atoms and over all starts, equation (98).

    By Fourier transforms (V. Calandrini et al., Collection SFN 12, 201 (2011)).

    Parameters
    ----------
    positions : shape (m, N, 3), Angstrom
        Not wrapped into the cell, in equal steps of time.

    Returns
    -------
    displacements : shape (m,), Angstrom^2
        After 0, 1, ... m - 1 steps.
    """
    m, count = positions.shape[:2]
    away = (positions - positions.mean(axis=0)).reshape(m, -1)
    spectrum = np.fft.rfft(away, 2 * m, axis=0)
    power = (np.abs(spectrum) ** 2).sum(axis=1)
    products = np.fft.irfft(power)[:m]
    squares = (away**2).sum(axis=1)
    # Squares at the start and at the end of each displacement, summed over all starts.
    ends = np.concatenate([[0.0], np.cumsum(squares)])
    lags = np.arange(m)
    sums = ends[m - lags] + ends[m] - ends[lags]
    found = (sums - 2 * products) / (m - lags) / count
    found[0] = 0.0  # but for rounding
    return np.asarray(found)


def slopes_of_blocks(
    positions: NDArray[np.float64], blocks: int, first: int
) -> NDArray[np.float64]:
    """Slope of the mean square displacement in each block, Angstrom^2 per step, shape (blocks,).

    A line is fitted from a first number of steps to half of a block.

    Parameters
    ----------
    positions : shape (m, N, 3), Angstrom
    blocks
        Into which the steps are divided, in order.
    first
        Steps after which atoms diffuse; before, they fly or rattle in their cages.
    """
    length = len(positions) // blocks
    slopes = []
    for k in range(blocks):
        found = mean_square_displacement(positions[k * length : (k + 1) * length])
        lags = np.arange(first, length // 2 + 1)
        slopes.append(np.polynomial.polynomial.polyfit(lags, found[lags], 1)[1])
    return np.array(slopes)
