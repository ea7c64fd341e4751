"""One simulation of crystal and liquid side by side, started anew until both last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import MaxvoltError
from maxvolt.properties.melting.inputs import Inputs, Start
from maxvolt.properties.melting.phases import Phases
from maxvolt.properties.melting.settings import MeltingSettings, Size
from maxvolt.properties.melting.stages import Finished, Recorder, Stage
from maxvolt.properties.statistics import (
    SeriesMean,
    correlation_time,
    equilibrated_from,
    series_mean,
)
from maxvolt.units import BAR_PER_GPA

__all__ = ["Attempt", "Coexistence", "Outcome", "simulate"]

Outcome = Literal["both", "melted", "frozen", "strained", "uneven"]
"""What became of a start: both phases last; one is gone; or both, but it can be done better."""

_PRESENT = 0.12
"""Part of the atoms that a phase must hold to count as there."""

_EVEN = 0.2
"""Distance of the solid fraction from one half that is allowed."""

_NEAR = 0.05
"""Relative distance of the temperature from that of the lattice constant, which is allowed.

The edges of a metal are then wrong by a thousandth at most. The energy of the crystal changes by
the square of that, and the melting point by some tenths of a Kelvin.
"""

_HEAT_CAPACITY = 3.5
"""Of an atom of a metal near melting, in units of Boltzmann's constant."""

_SMOOTH = 10
"""Values of the order that are averaged, 1 ps: atoms then have vibrated several times."""

_STEP = 0.08
"""Relative change of a start by which a bracket is sought."""

_NARROW = 0.02
"""Relative width of a bracket that says no more than chance does."""

_FIRST_SHARE = 0.5
"""Part of the length that is not heated."""

_SHARES = (0.3, 0.8)
"""Least and largest part that is not heated."""

_MOST_MOVED = 0.1
"""By which that part changes at once."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A start, and what became of it.

    Attributes
    ----------
    start
        Temperature and share of the crystal.
    outcome
        What happened.
    temperature : K
        After the equilibration.
    solid_fraction
        After the equilibration.
    """

    start: Start
    outcome: Outcome
    temperature: float
    solid_fraction: float

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain numbers, units in the keys."""
        return {
            "start_temperature_K": self.start.temperature,
            "start_solid_share": self.start.solid_share,
            "outcome": self.outcome,
            "temperature_K": self.temperature,
            "solid_fraction": self.solid_fraction,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Coexistence:
    """What is read off one simulation.

    Attributes
    ----------
    size, seed, atoms
        Of the simulation.
    temperature : K
        Mean, error and correlation time (in values of the series).
    times : shape (k,), ps
        Of the series, from the beginning of the production.
    temperatures : shape (k,), K
    solid_fractions : shape (k,)
    stress : shape (3,), GPa
        Mean xx, yy, zz, positive where the cell is under tension.
    stress_error : GPa
        Standard error of zz.
    profile : shape (bins, 2)
        Atoms per Angstrom^3 and order along z, in the last picosecond.
    attempts
        Starts, the last one that of this simulation.
    """

    size: Size
    seed: int
    atoms: int
    temperature: SeriesMean
    times: NDArray[np.float64]
    temperatures: NDArray[np.float64]
    solid_fractions: NDArray[np.float64]
    stress: NDArray[np.float64]
    stress_error: float
    profile: NDArray[np.float64]
    attempts: tuple[Attempt, ...]

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain numbers and lists, units in the keys."""
        step = float(self.times[1] - self.times[0]) if len(self.times) > 1 else 0.0
        return {
            "cells": list(self.size),
            "atoms": self.atoms,
            "seed": self.seed,
            "temperature_K": self.temperature.mean,
            "error_K": self.temperature.error,
            "correlation_time_ps": self.temperature.correlation_time * step,
            "left_out_ps": self.temperature.start * step,
            "production_ps": float(self.times[-1]),
            "blocks": self.temperature.blocks,
            "solid_fraction": float(self.solid_fractions[self.temperature.start :].mean()),
            "stress_GPa": self.stress.tolist(),
            "stress_error_GPa": self.stress_error,
            "profile_density_per_A3": self.profile[:, 0].tolist(),
            "profile_order": self.profile[:, 1].tolist(),
            "attempts": [one.to_dict() for one in self.attempts],
        }


@dataclass(slots=True)
class _Search:
    """Where the next start is: bisection, once the melting point is bracketed."""

    temperature: float
    share: float = _FIRST_SHARE
    lower: float = 0.0
    upper: float = np.inf

    def learn(self, attempt: Attempt) -> None:
        """Choose the next start."""
        fraction = float(np.clip(attempt.solid_fraction, 0.0, 1.0))
        moved = float(np.clip(0.5 - fraction, -_MOST_MOVED, _MOST_MOVED))
        self.share = float(np.clip(self.share + moved, *_SHARES))
        if attempt.outcome in ("melted", "frozen"):
            self.temperature = self._bracketed(attempt)
        elif abs(attempt.solid_fraction - 0.5) <= _EVEN:
            self.temperature = attempt.temperature
        else:  # a thin phase melts or freezes before its time: half of the way is enough
            self.temperature = (attempt.start.temperature + attempt.temperature) / 2

    def _bracketed(self, attempt: Attempt) -> float:
        """Choose a temperature after a phase has gone, which bounds the melting point."""
        tried = attempt.start.temperature
        if attempt.outcome == "melted":
            self.upper = min(self.upper, tried)
        else:
            self.lower = max(self.lower, tried)
        if not self.lower or not np.isfinite(self.upper):
            return tried * (1 - _STEP if attempt.outcome == "melted" else 1 + _STEP)
        middle = (self.lower + self.upper) / 2
        if self.upper - self.lower < _NARROW * middle:  # by chance: the cell is small
            self.lower, self.upper = 0.0, np.inf
        return middle


class _Simulation:
    """Stages of one size and seed."""

    def __init__(
        self, inputs: Inputs, recorder: Recorder, phases: Phases, size: Size, seed: int
    ) -> None:
        self._inputs, self._recorder, self._phases = inputs, recorder, phases
        self._size, self._seed = size, seed
        self._name = f"{'x'.join(map(str, size))}-{seed}"

    def attempt(self, number: int, temperature: float, share: float) -> tuple[Attempt, Finished]:
        """Prepare both phases, and judge what they are after a while."""
        settings = self._inputs.settings
        self._phases.cover(temperature)
        edges = self._phases.edges(temperature)
        atoms = settings.crystal.cell(settings.species, edges) * self._size
        start = Start(temperature, share, 1000 * self._seed + 10 * number + 1)
        text, steps = self._inputs.coexistence(start, edges, self._size[2])
        digest = self._inputs.interaction.digest
        found = self._recorder.finish(Stage(f"{self._name}-start", text, steps, digest, atoms))
        rows = found.column("step") > steps - settings.steps(settings.equilibration_time / 2)
        reached = float(found.column("temperature")[rows].mean())
        fraction = self._fraction(found, rows, reached)
        outcome = _outcome(temperature, reached, fraction, len(atoms))
        return Attempt(start, outcome, reached, fraction), found

    def produce(self, before: Finished) -> tuple[list[Finished], bool]:
        """Go on, segment by segment; also say whether both phases last to the end."""
        settings = self._inputs.settings
        text, steps = self._inputs.production(self._size[2])
        count = max(1, round(settings.production_time / settings.segment_time))
        segments: list[Finished] = []
        digest = self._inputs.interaction.digest
        for number in range(count):
            name = f"{self._name}-segment-{number + 1:03d}"
            before = self._recorder.finish(Stage(name, text, steps, digest, before))
            segments.append(before)
            rows = np.ones(len(before.trace), bool)
            reached = float(before.column("temperature").mean())
            if not _PRESENT < self._fraction(before, rows, reached) < 1 - _PRESENT:
                return segments, False
        return segments, True

    def result(self, segments: list[Finished], attempts: list[Attempt]) -> Coexistence:
        """Read temperature, fraction and stress off the segments."""
        settings = self._inputs.settings
        trace = np.vstack([one.trace for one in segments])
        order = np.concatenate([one.column("order") for one in segments])
        temperatures = trace[:, 1]
        # The temperature follows the place of the interfaces, which is slower than its own noise;
        # so is the order, once its noise is smoothed away.
        smooth = np.convolve(order, np.ones(_SMOOTH) / _SMOOTH, "valid")
        mean = series_mean(temperatures, equilibrated_from(smooth), correlation_time(smooth))
        stress = -trace[mean.start :, 2:5] / BAR_PER_GPA
        crystal = [self._phases.solid_fraction(one, mean.mean) for one in order]
        profile = segments[-1].profiles[-1] if len(segments[-1].profiles) else np.zeros((0, 2))
        step = settings.every * settings.timestep / 1e3
        cell = settings.crystal.cell(settings.species, self._phases.edges(mean.mean))
        return Coexistence(
            self._size,
            self._seed,
            len(cell) * int(np.prod(self._size)),
            mean,
            step * np.arange(1.0, len(trace) + 1),
            temperatures,
            np.array(crystal),
            stress.mean(axis=0),
            series_mean(stress[:, 2], 0).error,
            profile,
            tuple(attempts),
        )

    def _fraction(self, found: Finished, rows: NDArray[np.bool_], temperature: float) -> float:
        order = float(found.column("order")[rows].mean())
        return self._phases.solid_fraction(order, temperature)


def simulate(
    inputs: Inputs, recorder: Recorder, phases: Phases, size: Size, seed: int, guess: float
) -> Coexistence:
    """Simulate one size with one seed.

    Parameters
    ----------
    inputs, recorder, phases
        How it runs, and what is known of each phase.
    size, seed
        Of the simulation.
    guess : K
        Melting point to begin with.

    Raises
    ------
    MaxvoltError
        No start is found from which both phases last.
    """
    settings: MeltingSettings = inputs.settings
    simulation = _Simulation(inputs, recorder, phases, size, seed)
    search = _Search(guess)
    attempts: list[Attempt] = []
    for number in range(settings.attempts):
        attempt, found = simulation.attempt(number, search.temperature, search.share)
        attempts.append(attempt)
        last = number == settings.attempts - 1
        usable = attempt.outcome == "both" or (last and attempt.outcome in ("strained", "uneven"))
        if usable:
            segments, lasted = simulation.produce(found)
            if lasted:
                return simulation.result(segments, attempts)
        search.learn(attempt)
    tried = "; ".join(
        f"{one.start.temperature:.0f} K {one.outcome} (ends at {one.temperature:.0f} K)"
        for one in attempts
    )
    raise MaxvoltError(
        f"melting: no start of {'x'.join(map(str, size))} cells, seed {seed}, keeps crystal and "
        f"liquid side by side: {tried}. Use a larger size, a better guess or more attempts"
    )


def _outcome(started: float, reached: float, fraction: float, atoms: int) -> Outcome:
    if fraction < _PRESENT:
        return "melted"
    if fraction > 1 - _PRESENT:
        return "frozen"
    # Two standard deviations of the slow fluctuations of the temperature, T sqrt(k / C).
    by_chance = 2 / np.sqrt(_HEAT_CAPACITY * atoms)
    if abs(reached / started - 1) > max(_NEAR, by_chance):
        return "strained"
    return "both" if abs(fraction - 0.5) <= _EVEN else "uneven"
