"""Means over time as quantities, and what is said of their errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from maxvolt.properties.findings import Quantity
from maxvolt.properties.statistics import series_mean

__all__ = ["TimeMean", "averaged", "few_blocks", "off_pressure", "off_temperature", "time_mean"]

_VIBRATION = 200.0
"""fs; values are first averaged over so long, for the correlation of what vibrates changes its sign
and its sum ends too early."""

_FEWEST_BLOCKS = 5

_ERRORS_AWAY = 4.0
"""Statistical errors by which a mean may differ from what was asked for."""

_TEMPERATURE_SHARE = 0.02
"""By which a mean temperature may differ, however small its error."""


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
        return few_blocks(what, self.blocks)


def few_blocks(what: str, blocks: int, longer: str = "production_time") -> tuple[str, ...]:
    """Say so where an error comes from too few blocks to be known, and what to raise."""
    if blocks >= _FEWEST_BLOCKS:
        return ()
    return (
        f"{what}: only {blocks} independent block{'' if blocks == 1 else 's'} ({_FEWEST_BLOCKS} "
        f"are needed), so that the error is uncertain; raise {longer}",
    )


def off_temperature(mean: Quantity, target: float) -> tuple[str, ...]:
    """Say so where the mean temperature differs from that asked for, by 2 % at least."""
    return _off("temperature", mean, target, _TEMPERATURE_SHARE * target)


def off_pressure(mean: Quantity, target: float) -> tuple[str, ...]:
    """Say so where the mean pressure under a barostat, in GPa, differs from that asked for."""
    return _off("pressure", mean, target, 0.0)


def _off(what: str, mean: Quantity, target: float, tolerance: float) -> tuple[str, ...]:
    away = abs(mean.value - target)
    error = mean.statistical_error
    if error is None or not away > max(_ERRORS_AWAY * error, tolerance):
        return ()
    return (
        f"{what}: the mean is {mean.value:.4g} ± {error:.1g} {mean.unit}, and {target:g} was asked "
        "for: the simulation is not in equilibrium; raise equilibration_time, or take a shorter "
        "timestep",
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
