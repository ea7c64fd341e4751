"""Settings of a rate by ring polymers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import SettingsError

__all__ = ["RateSettings"]


@dataclass(frozen=True, slots=True)
class RateSettings:
    """How a rate is sampled.

    Attributes
    ----------
    temperature : K
    beads
        Of each ring polymer; 1 gives the classical rate.
    timestep : fs
    thermostat_time : fs
        Relaxation time of the centroids.
    width
        Standard deviation of the coordinate under a spring alone, where the reactants meet: of the
        windows of umbrella sampling from `meeting` on.
    far_width
        The same below `meeting`, where little but the distance changes.
    meeting
        Value of the coordinate at which the windows become narrow, between 0 at the reactants and
        1 at the transition state.
    overlap
        Width of a window over the distance to the next.
    replicas
        Ring polymers in each window.
    equilibration_time, sampling_time : fs
        Of each replica in each window.
    transition
        Value of the coordinate at the dividing surface, above 0 and not beyond the windows, which
        end at 1 + 2 `width`; None: where the free energy is highest.
    parents
        Ring polymers on the dividing surface.
    decorrelation_time : fs
        Between their branchings; ten times it before the first.
    branchings
        Their number.
    children
        Pairs of trajectories with opposite momenta at each branching of each parent.
    recrossing_time : fs
        Length of those trajectories.
    seed
        Of all random numbers.
    """

    temperature: float = 300.0
    beads: int = 32
    timestep: float = 0.1
    thermostat_time: float = 20.0
    width: float = 0.02
    far_width: float = 0.04
    meeting: float = 0.4
    overlap: float = 0.75
    replicas: int = 16
    equilibration_time: float = 200.0
    sampling_time: float = 1000.0
    transition: float | None = None
    parents: int = 32
    decorrelation_time: float = 20.0
    branchings: int = 10
    children: int = 2
    recrossing_time: float = 40.0
    seed: int = 1

    def __post_init__(self) -> None:
        for name in (
            "temperature",
            "timestep",
            "thermostat_time",
            "width",
            "far_width",
            "overlap",
            "equilibration_time",
            "sampling_time",
            "decorrelation_time",
            "recrossing_time",
        ):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise SettingsError(f"{name}: expected a positive number; got {value!r}")
        for name, least in (
            ("beads", 1),
            ("replicas", 2),
            ("parents", 2),
            ("branchings", 1),
            ("children", 1),
            ("seed", 0),
        ):
            value = getattr(self, name)
            if not (isinstance(value, int) and value >= least):
                raise SettingsError(f"{name}: expected a whole number from {least}; got {value!r}")
        if not 0 <= self.meeting < 1:
            raise SettingsError(f"meeting: expected a number from 0 to below 1; got {self.meeting}")
        end = 1 + 2 * self.width
        if self.transition is not None and not 0 < self.transition <= end:
            raise SettingsError(
                f"transition: expected a number above 0 and up to {end:g}, where the windows end; "
                f"got {self.transition}"
            )
        if self.overlap < 1 / 3:
            raise SettingsError(
                "overlap: windows more than three widths apart have no samples in common; "
                f"expected 1/3 or more, got {self.overlap}"
            )

    def windows(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Centres of the springs, and standard deviations under them alone, each shape (k,)."""
        near = self.width / self.overlap
        centres = np.arange(1 + 2 * self.width, self.meeting, -near)
        widths = np.full(len(centres), self.width)
        far = np.arange(
            self.meeting, -self.far_width / self.overlap, -self.far_width / self.overlap
        )
        order = np.argsort(np.concatenate([centres, far]))
        widths = np.concatenate([widths, np.full(len(far), self.far_width)])
        return np.concatenate([centres, far])[order], widths[order]

    def steps(self, time: float) -> int:
        """Steps of a time in fs, at least 1."""
        return max(1, round(time / self.timestep))
