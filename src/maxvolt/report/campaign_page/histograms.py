"""Histograms of extrapolation grades, on a logarithmic scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from maxvolt.report.campaign_page.data import Iteration

__all__ = ["grade_bins", "grade_counts"]

_PER_DECADE = 20
_LIMITS = {"": (0.01, 1e4), "eV/A": (1e-3, 100.0)}
"""By unit; grades, or expected errors, beyond are counted in the first and the last bin."""


def grade_bins(iterations: Sequence[Iteration]) -> NDArray[np.float64]:
    """Edges of bins that hold the grades and thresholds of iterations whose unit is the same.

    Returns
    -------
    edges : shape (n_bins + 1,)
    """
    values = [array for one in iterations for array in (one.grades, [one.select, one.stop])]
    unit = iterations[0].unit
    together = np.concatenate([np.empty(0) if unit else np.array([0.5, 2.0]), *values])
    together = together[np.isfinite(together)]
    low, high = np.log10(np.clip([together.min(), together.max()], *_LIMITS[unit]))
    first, last = np.floor(_PER_DECADE * low) - 1, np.ceil(_PER_DECADE * high) + 1
    return np.asarray(10 ** (np.arange(first, last + 1) / _PER_DECADE))


def grade_counts(iteration: Iteration, edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many grades of an iteration are in each bin.

    Returns
    -------
    counts : shape (n_bins,)
    """
    inside = np.clip(iteration.grades, edges[0], edges[-1])
    return np.asarray(np.histogram(inside, edges)[0])
