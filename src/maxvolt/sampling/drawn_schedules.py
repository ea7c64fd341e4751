"""Schedules of which each simulation draws its own: temperatures, and strains that oscillate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from maxvolt.errors import DataError
from maxvolt.limits import DURATION_FS, STRAIN, TEMPERATURE
from maxvolt.sampling.compositions import Range, checked_range
from maxvolt.sampling.schedules import Schedule, Value, nonequilibrium, oscillation
from maxvolt.units import VOIGT

__all__ = ["Deformation", "NonequilibriumTemperatures", "OscillatingStrains"]

Deformation = Literal["breathing", "shear"]
"""Along all three directions alike, or by one of the components yz, xz and xy."""

_FS_PER_PS = 1000.0

_LARGEST_SHEAR = -STRAIN.least
"""Component of the strain tensor. That of the other sign is a limit already."""


@dataclass(frozen=True, slots=True)
class NonequilibriumTemperatures:
    """Ranges of the parameters of equation (177), each drawn uniformly and independently.

    Defaults are those of J. S. Smith et al., Nat. Commun. 12, 1257 (2021).

    Parameters
    ----------
    start, end : K
        Of the straight line at the first and at the last step; a number, or the least and the most.
    modulation : K
        Height of the squared sine.
    period_ps : ps
        From one of its zeros to the next.

    Raises
    ------
    DataError
        A range is none, or temperatures would be too high.
    """

    start: Range = (10.0, 1000.0)
    end: Range = (10.0, 600.0)
    modulation: Range = (0.0, 2000.0)
    period_ps: Range = (10.0, 50.0)

    def __post_init__(self) -> None:
        highest = 0.0
        for name in ("start", "end"):
            most = checked_range(name, getattr(self, name), TEMPERATURE.least, above=False)[1]
            highest = max(highest, most)
        highest += checked_range("modulation", self.modulation, above=False)[1]
        TEMPERATURE.check("the highest temperature", highest, DataError)
        _check_period(self.period_ps)

    def draw(self, generator: np.random.Generator, steps: int, timestep_fs: float) -> Schedule:
        """Draw a schedule of so many time steps, K."""
        start, end, modulation, period = (
            generator.uniform(*checked_range(name, getattr(self, name), above=False))
            for name in ("start", "end", "modulation", "period_ps")
        )
        return nonequilibrium(start, end, modulation, _steps(period, timestep_fs), steps)


@dataclass(frozen=True, slots=True)
class OscillatingStrains:
    """Ranges of the parameters of equation (178), each drawn uniformly and independently.

    Parameters
    ----------
    mean
        Strain around which the cell oscillates; a number, or the least and the most.
    amplitude
        Of the oscillation.
    period_ps : ps
        Of the oscillation.
    deformations
        Which ones there are: "breathing", "shear", or both; each run draws one. The size of a shear
        is a component of the strain tensor, half of the engineering strain.

    Raises
    ------
    DataError
        A range is none, strains would be too large, or there is no such deformation.
    """

    mean: Range = 0.0
    amplitude: Range = (0.0, 0.1)
    period_ps: Range = (10.0, 50.0)
    deformations: tuple[Deformation, ...] = ("breathing", "shear")

    def __post_init__(self) -> None:
        mean = checked_range("mean", self.mean, STRAIN.least, above=False)
        amplitude = checked_range("amplitude", self.amplitude, above=False)
        STRAIN.check("the largest strain", mean[1] + amplitude[1], DataError)
        STRAIN.check("the smallest strain", mean[0] - amplitude[1], DataError)
        if "shear" in self.deformations and mean[1] + amplitude[1] > _LARGEST_SHEAR:
            raise DataError(
                f"mean and amplitude: shears of up to {mean[1] + amplitude[1]:g}; expected at most "
                f"{_LARGEST_SHEAR:g}, for at 1 a cell is flat"
            )
        _check_period(self.period_ps)
        known = get_args(Deformation)
        if not self.deformations or not set(self.deformations) <= set(known):
            raise DataError(f"deformations: expected {' or '.join(known)}: {self.deformations}")

    def draw(self, generator: np.random.Generator, steps: int, timestep_fs: float) -> Schedule:
        """Draw a schedule of so many time steps: a number, or the six components of the strain."""
        mean, amplitude, period = (
            generator.uniform(*checked_range(name, getattr(self, name), STRAIN.least, above=False))
            for name in ("mean", "amplitude", "period_ps")
        )
        of = _as_strain(self.deformations, generator)
        return oscillation(of(mean), of(amplitude), _steps(period, timestep_fs), steps)


def _as_strain(
    deformations: tuple[Deformation, ...], generator: np.random.Generator
) -> Callable[[float], Value]:
    """Draw a deformation: what makes a strain of its size."""
    which = deformations[int(generator.integers(len(deformations)))]
    shears = [index for index, (i, j) in enumerate(VOIGT) if i != j]
    component = shears[int(generator.integers(len(shears)))]

    def strain(size: float) -> Value:
        if which == "breathing":
            return size
        return tuple(size if index == component else 0.0 for index in range(len(VOIGT)))

    return strain


def _check_period(period_ps: Range) -> None:
    for period in checked_range("period_ps", period_ps):
        DURATION_FS.check("period_ps * 1000", period * _FS_PER_PS, DataError)


def _steps(period_ps: float, timestep_fs: float) -> float:
    return period_ps * _FS_PER_PS / timestep_fs
