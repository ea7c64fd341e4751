"""Simulations of the same size together, and the trend with the size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from maxvolt.properties.melting.coexistence import Coexistence
from maxvolt.properties.melting.settings import Size
from maxvolt.properties.statistics import weighted_line, weighted_mean

__all__ = ["SizeMean", "mean_of_size", "trend"]


@dataclass(frozen=True, slots=True)
class SizeMean:
    """All seeds of a size together.

    Attributes
    ----------
    size
        Cells along x, y and z.
    atoms
        Their number.
    temperature, error : K
        Weighted mean and its standard error.
    """

    size: Size
    atoms: int
    temperature: float
    error: float


def mean_of_size(runs: Sequence[Coexistence]) -> SizeMean:
    """Average the seeds of a size.

    The error is that of the weighted mean, or the scatter between the seeds where that is larger.
    """
    means = np.array([one.temperature.mean for one in runs])
    errors = np.array([one.temperature.error for one in runs])
    mean, error = weighted_mean(means, errors)
    return SizeMean(runs[0].size, runs[0].atoms, mean, error)


def trend(sizes: Sequence[SizeMean]) -> tuple[float, float]:
    """Extrapolate to infinite size, equation (54), K; NaN where there is one number of atoms."""
    if len({one.atoms for one in sizes}) < 2:
        return float("nan"), float("nan")
    coefficients, covariance = weighted_line(
        [1.0 / one.atoms for one in sizes],
        [one.temperature for one in sizes],
        [one.error for one in sizes],
    )
    return float(coefficients[0]), float(np.sqrt(covariance[0, 0]))
