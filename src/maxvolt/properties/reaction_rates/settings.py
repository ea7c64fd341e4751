"""Settings of a rate by ring polymers."""

from __future__ import annotations

import math
from dataclasses import dataclass

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
    windows
        Springs of umbrella sampling, evenly from `first` to `last`.
    first, last
        Values of the coordinate, 0 at the reactants and 1 at the transition state.
    width
        Standard deviation of the coordinate under a spring alone.
    replicas
        Ring polymers in each window.
    equilibration_time, sampling_time : fs
        Of each replica in each window.
    transition
        Value of the coordinate at the dividing surface; None: where the free energy is highest.
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
    thermostat_time: float = 50.0
    windows: int = 45
    first: float = -0.05
    last: float = 1.05
    width: float = 0.02
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
            ("windows", 2),
            ("replicas", 2),
            ("parents", 2),
            ("branchings", 1),
            ("children", 1),
            ("seed", 0),
        ):
            value = getattr(self, name)
            if not (isinstance(value, int) and value >= least):
                raise SettingsError(f"{name}: expected a whole number from {least}; got {value!r}")
        if not self.first <= 0 < 1 <= self.last:
            raise SettingsError(
                "first, last: the windows must reach from the reactants, 0, to the transition "
                f"state, 1; got {self.first} to {self.last}"
            )
        if self.spacing > 3 * self.width:
            raise SettingsError(
                f"windows {self.spacing:.3g} apart with a width of {self.width:.3g} do not "
                "overlap; use more windows, or wider ones"
            )

    @property
    def spacing(self) -> float:
        """Of the windows."""
        return (self.last - self.first) / (self.windows - 1)

    def steps(self, time: float) -> int:
        """Steps of a time in fs, at least 1."""
        return max(1, round(time / self.timestep))
