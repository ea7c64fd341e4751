"""Means over time as quantities, and what is said of their errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from maxvolt.properties.findings import Quantity
from maxvolt.properties.statistics import series_mean

__all__ = ["TimeMean", "averaged", "time_mean"]

_VIBRATION = 200.0
"""fs; values are first averaged over so long, for the correlation of what vibrates changes its sign
and its sum ends too early."""

_FEWEST_BLOCKS = 5


@dataclass(frozen=True, slots=True)
class TimeMean:
    """Mean over time.

    Attributes
    ----------
    mean, error
        Of the values from `start` on, and its standard error.
    correlation_time : fs
        Integrated; at least a half of 200 fs, over which vibrations are averaged.
    start
        First value that counts.
    blocks
        Number of blocks that hardly depend on each other.
    """

    mean: float
    error: float
    correlation_time: float
    start: int
    blocks: int

    def quantity(self, unit: str) -> Quantity:
        """Mean and error with a unit."""
        return Quantity(self.mean, unit, self.error)

    def describe(self, what: str) -> str:
        """Say how the error was found."""
        return (
            f"{what}: correlation time {self.correlation_time / 1e3:.2g} ps, {self.blocks} blocks"
        )

    def doubts(self, what: str) -> tuple[str, ...]:
        """Say so where the simulation was too short for an error."""
        if self.blocks >= _FEWEST_BLOCKS:
            return ()
        return (
            f"{what}: the simulation is only {self.blocks} times as long as values depend on each "
            "other, so that the error is uncertain; raise production_time",
        )


def time_mean(values: ArrayLike, value_time: float, start: int | None = None) -> TimeMean:
    """Average a series over time, equation (95).

    Parameters
    ----------
    values : shape (n,)
        In equal steps of time.
    value_time : fs
        From a value to the next.
    start
        First value that counts; None: it is found.
    """
    series = np.asarray(values, float)
    many = max(1, min(round(_VIBRATION / value_time), len(series) // 4))
    count = (len(series) - (start or 0)) // many
    coarse = series[len(series) - count * many :].reshape(count, many).mean(axis=1)
    found = series_mean(coarse, None if start is None else 0)
    first = len(series) - (count - found.start) * many
    time = found.correlation_time * many * value_time
    return TimeMean(found.mean, found.error, time, first, found.blocks)


def averaged(values: ArrayLike, unit: str, value_time: float, start: int = 0) -> Quantity:
    """Mean of a series and its standard error as a quantity; see `time_mean`."""
    return time_mean(values, value_time, start).quantity(unit)
