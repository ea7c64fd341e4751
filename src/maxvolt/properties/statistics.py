"""Mean of a series whose values depend on those before: equilibration, correlation, blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "SeriesMean",
    "correlation_time",
    "equilibrated_from",
    "series_mean",
    "weighted_line",
    "weighted_mean",
]

_WINDOW = 6.0
"""Correlation times over which the correlation is summed (Sokal's automatic window)."""

_BLOCK = 5.0
"""Correlation times in a block, so that blocks hardly depend on each other."""

_FEWEST_BLOCKS = 5

_STARTS = 20
"""Points at which equilibrium may begin, in the first half of a series."""


@dataclass(frozen=True, slots=True)
class SeriesMean:
    """Mean of a series and its statistical error.

    Attributes
    ----------
    mean
        Of the values from `start` on.
    error
        Standard error of the mean, from blocks.
    correlation_time
        Integrated, in steps between values; 0.5 where they are independent. That of what is
        slowest, where it was given.
    start
        First value that counts; those before belong to the equilibration.
    blocks
        Their number.
    """

    mean: float
    error: float
    correlation_time: float
    start: int
    blocks: int


def correlation_time(values: ArrayLike) -> float:
    """Integrate the normalised autocorrelation, equation (53).

    The sum ends at the first t above six times itself (A. Sokal, in Functional Integration,
    Springer 1997): later terms are noise.

    Parameters
    ----------
    values : shape (n,)
        The series.
    """
    series = np.asarray(values, float)
    series = series - series.mean()
    n = len(series)
    variance = float(series @ series)
    if n < 2 or variance == 0.0:
        return 0.5
    spectrum = np.abs(np.fft.rfft(series, 2 * n)) ** 2
    rho = np.fft.irfft(spectrum)[:n] / variance
    sums = 0.5 + np.cumsum(rho[1:])
    enough = np.flatnonzero(np.arange(1, n) >= _WINDOW * sums)
    return max(0.5, float(sums[enough[0] if len(enough) else -1]))


def equilibrated_from(values: ArrayLike) -> int:
    """Find where equilibrium begins: where most independent values are left.

    J. D. Chodera, J. Chem. Theory Comput. 12, 1799 (2016). At most half of the series is left out.

    Parameters
    ----------
    values : shape (n,)
        The series.
    """
    series = np.asarray(values, float)
    starts = np.unique(np.linspace(0, len(series) // 2, _STARTS).astype(int))
    independent = [(len(series) - k) / (2 * correlation_time(series[k:])) for k in starts]
    return int(starts[int(np.argmax(independent))])


def series_mean(values: ArrayLike, start: int | None = None, slowest: float = 0.5) -> SeriesMean:
    """Average a series.

    Parameters
    ----------
    values : shape (n,)
        The series.
    start
        First value that counts; None: found by `equilibrated_from`.
    slowest
        Correlation time of something slow that the values follow, where that is known: blocks are
        at least ten times as long. Where there are fewer than five of them, the error is that of
        values which are all correlated for so long, which is rather too large.
    """
    series = np.asarray(values, float)
    start = equilibrated_from(series) if start is None else start
    kept = series[start:]
    time = max(own := correlation_time(kept), slowest)
    length = int(np.ceil(_BLOCK * 2 * time))
    count = len(kept) // length
    if len(kept) < 2:
        return SeriesMean(float(kept.mean()), float("nan"), time, start, count)
    spread = float(kept.std(ddof=1)) * np.sqrt(2 / len(kept))
    if count < _FEWEST_BLOCKS:
        return SeriesMean(float(kept.mean()), spread * np.sqrt(time), time, start, count)
    blocks = kept[len(kept) - count * length :].reshape(count, length).mean(axis=1)
    from_blocks = float(blocks.std(ddof=1) / np.sqrt(count))
    return SeriesMean(
        float(kept.mean()), max(from_blocks, spread * np.sqrt(own)), time, start, count
    )


def weighted_line(
    x: Sequence[float], y: Sequence[float], errors: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit y = c0 + c1 x by least squares with weights 1 / error^2.

    Returns
    -------
    coefficients : shape (2,)
    covariance : shape (2, 2)
        From the errors given, not from the scatter.
    """
    weights = 1.0 / np.asarray(errors, float)
    design = np.vander(np.asarray(x, float), 2, increasing=True) * weights[:, None]
    covariance = np.asarray(np.linalg.inv(design.T @ design), np.float64)
    coefficients: NDArray[np.float64] = covariance @ design.T @ (np.asarray(y, float) * weights)
    return coefficients, covariance


def weighted_mean(values: ArrayLike, errors: ArrayLike) -> tuple[float, float]:
    """Average values with their errors; the error grows where they scatter more than it says."""
    found, weights = np.asarray(values, float), 1.0 / np.asarray(errors, float) ** 2
    mean = float((weights * found).sum() / weights.sum())
    error = float(1.0 / np.sqrt(weights.sum()))
    if len(found) > 1:
        scatter = float((weights * (found - mean) ** 2).sum() / (len(found) - 1))
        error *= max(1.0, np.sqrt(scatter))
    return mean, error
