"""Values that change with the step: temperatures, pressures, strains of the cell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import DataError
from maxvolt.limits import STEPS, Limit

__all__ = [
    "Schedule",
    "Segment",
    "Value",
    "as_schedule",
    "hold",
    "nonequilibrium",
    "oscillation",
    "parse_schedule",
    "ramp",
]

Value = float | tuple[float, ...]
"""A number, or several that change together, such as the six components of a strain."""


class Segment(Protocol):
    """A piece of a schedule."""

    @property
    def steps(self) -> int:
        """How many steps it lasts."""

    def at(self, step: int) -> NDArray[np.float64]:
        """Give the value so many steps after its start; ``at(steps)`` is its end."""

    def scaled(self, factor: float) -> Segment:
        """Return the piece with all values multiplied."""

    def extremes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give values between which all others lie."""


@dataclass(frozen=True, slots=True)
class _Ramp:
    """From one value to another in a straight line."""

    start: Value
    end: Value
    steps: int

    def at(self, step: int) -> NDArray[np.float64]:
        a, b = np.asarray(self.start, float), np.asarray(self.end, float)
        return np.asarray(a + (b - a) * (step / self.steps))

    def extremes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return np.asarray(self.start, float), np.asarray(self.end, float)

    def scaled(self, factor: float) -> _Ramp:
        return _Ramp(_times(self.start, factor), _times(self.end, factor), self.steps)


@dataclass(frozen=True, slots=True)
class _Oscillation:
    """A sine around a mean."""

    mean: Value
    amplitude: Value
    period: float
    steps: int

    def at(self, step: int) -> NDArray[np.float64]:
        phase = 2 * math.pi * step / self.period
        return np.asarray(self.mean, float) + np.asarray(self.amplitude, float) * math.sin(phase)

    def extremes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        mean, amplitude = np.asarray(self.mean, float), np.asarray(self.amplitude, float)
        return mean - amplitude, mean + amplitude

    def scaled(self, factor: float) -> _Oscillation:
        mean, amplitude = _times(self.mean, factor), _times(self.amplitude, factor)
        return _Oscillation(mean, amplitude, self.period, self.steps)


@dataclass(frozen=True, slots=True)
class _Nonequilibrium:
    """A ramp with heating and cooling on top of it, equation (177)."""

    start: float
    end: float
    modulation: float
    period: float
    steps: int

    def at(self, step: int) -> NDArray[np.float64]:
        ramped = self.start + step / self.steps * (self.end - self.start)
        return np.asarray(ramped + self.modulation * math.sin(math.pi * step / self.period) ** 2)

    def extremes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        least, most = sorted((self.start, self.end))
        return np.asarray(least + min(self.modulation, 0)), np.asarray(
            most + max(self.modulation, 0)
        )

    def scaled(self, factor: float) -> _Nonequilibrium:
        start, end, modulation = (factor * x for x in (self.start, self.end, self.modulation))
        return _Nonequilibrium(start, end, modulation, self.period, self.steps)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Pieces that follow each other; the last value stays when they are over.

    Join them with ``+``: ``ramp(300, 2000, 5000) + hold(2000, 1000)``.

    Parameters
    ----------
    segments
        The pieces; made by `ramp`, `hold`, `oscillation` and `nonequilibrium`.
    """

    segments: tuple[Segment, ...]

    def __post_init__(self) -> None:
        if not self.segments:
            raise DataError("a schedule needs at least one piece, such as hold(300, steps=1000)")
        if len({segment.at(0).shape for segment in self.segments}) > 1:
            raise DataError("the pieces of a schedule must all be numbers, or all of one length")

    def __add__(self, other: Schedule) -> Schedule:
        """Return the schedule that does one after the other."""
        return Schedule(self.segments + other.segments)

    def scaled(self, factor: float) -> Schedule:
        """Return the schedule with all values multiplied, for instance into other units."""
        return Schedule(tuple(segment.scaled(factor) for segment in self.segments))

    @property
    def steps(self) -> int:
        """How many steps all pieces last."""
        return sum(segment.steps for segment in self.segments)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a value: () for a number."""
        return self.segments[0].at(0).shape

    @property
    def is_constant(self) -> bool:
        """Whether the value never changes."""
        first = self.at(0)
        return all(
            isinstance(segment, _Ramp)
            and (segment.at(0) == first).all()
            and (segment.at(segment.steps) == first).all()
            for segment in self.segments
        )

    def check(self, name: str, limit: Limit) -> None:
        """Refuse values outside a limit, and more steps than any simulation has.

        Raises
        ------
        DataError
            Names the quantity and its limit.
        """
        STEPS.check(f"the steps of {name}", self.steps, DataError)
        for segment in self.segments:
            for value in segment.extremes():
                for number in np.ravel(value).tolist():
                    limit.check(name, number, DataError)

    def at(self, step: int) -> NDArray[np.float64]:
        """Give the value at a step, counted from 0."""
        for segment in self.segments:
            if step < segment.steps:
                return segment.at(max(step, 0))
            step -= segment.steps
        last = self.segments[-1]
        return last.at(last.steps)

    def value(self, step: int) -> float:
        """Give the value at a step, of a schedule of numbers."""
        return float(self.at(step))


def as_schedule(value: Schedule | float) -> Schedule:
    """Give a schedule; a number is held."""
    return value if isinstance(value, Schedule) else hold(float(value))


def ramp(start: Value, end: Value, steps: int) -> Schedule:
    """Go from one value to another in a straight line."""
    return Schedule((_Ramp(_checked(start), _checked(end), _positive(steps)),))


def hold(value: Value, steps: int = 1) -> Schedule:
    """Keep a value."""
    return ramp(value, value, steps)


def oscillation(mean: Value, amplitude: Value, period: float, steps: int) -> Schedule:
    """Swing around a mean as a sine that starts at the mean and rises.

    Parameters
    ----------
    mean, amplitude
        The values run from ``mean - amplitude`` to ``mean + amplitude``.
    period
        Steps of one oscillation.
    steps
        How long it lasts.
    """
    _check_period("an oscillation", period)
    return Schedule((_Oscillation(_checked(mean), _checked(amplitude), period, _positive(steps)),))


def nonequilibrium(
    start: float, end: float, modulation: float, period: float, steps: int
) -> Schedule:
    """Go from one value to another while squares of a sine are added, equation (177).

    Temperatures that do so keep a simulation away from equilibrium: J. S. Smith et al., Nat.
    Commun. 12, 1257 (2021), equation (2).

    Parameters
    ----------
    start, end
        Values of the straight line, at the first and at the last step.
    modulation
        Height of the squared sine that is added to it.
    period
        Steps from one of its zeros to the next.
    steps
        How long it lasts.
    """
    _check_period("a nonequilibrium schedule", period)
    if not all(math.isfinite(number) for number in (start, end, modulation)):
        raise DataError(f"a schedule goes through finite numbers, not {start}, {end}, {modulation}")
    first, last, height = float(start), float(end), float(modulation)
    return Schedule((_Nonequilibrium(first, last, height, period, _positive(steps)),))


def parse_schedule(text: str) -> Schedule:
    """Read a schedule of numbers as files and the command line write it.

    A number alone is held. Pieces are separated by semicolons: ``hold VALUE STEPS``,
    ``ramp FROM TO STEPS``, ``oscillation MEAN AMPLITUDE PERIOD STEPS``, ``nonequilibrium FROM TO
    MODULATION PERIOD STEPS``.

    Examples
    --------
    ``"900"``, ``"ramp 300 2000 5000; hold 2000 1000"``

    Raises
    ------
    DataError
        The text is none of these.
    """
    pieces = [piece.split() for piece in text.split(";") if piece.strip()]
    try:
        if len(pieces) == 1 and len(pieces[0]) == 1:
            return hold(float(pieces[0][0]))
        if not pieces:
            raise ValueError("it is empty")
        parsed = [_parse_piece(*words) for words in pieces]
    except (ValueError, TypeError) as error:
        raise DataError(
            f"{text!r} is no schedule ({error}); expected a number, or pieces such as "
            "'ramp 300 2000 5000; hold 2000 1000; oscillation 1000 200 500 5000; nonequilibrium "
            "900 300 600 2000 20000'"
        ) from error
    return Schedule(tuple(segment for schedule in parsed for segment in schedule.segments))


def _parse_piece(kind: str, *numbers: str) -> Schedule:
    values = [float(number) for number in numbers[:-1]]
    steps = int(numbers[-1]) if numbers else 0
    expected = {"hold": 1, "ramp": 2, "oscillation": 3, "nonequilibrium": 4}
    if expected.get(kind) != len(values):
        raise ValueError(f"'{' '.join((kind, *numbers))}' is not understood")
    if kind == "hold":
        return hold(values[0], steps)
    if kind == "ramp":
        return ramp(values[0], values[1], steps)
    if kind == "nonequilibrium":
        return nonequilibrium(values[0], values[1], values[2], values[3], steps)
    return oscillation(values[0], values[1], values[2], steps)


def _check_period(what: str, period: float) -> None:
    if not 0 < period < math.inf:
        raise DataError(f"the period of {what} must be above 0 steps, not {period!r}")


def _times(value: Value, factor: float) -> Value:
    return tuple(factor * x for x in value) if isinstance(value, tuple) else factor * value


def _positive(steps: int) -> int:
    if steps < 1 or steps != int(steps):
        raise DataError(f"a piece of a schedule lasts 1 step or more, not {steps!r}")
    return int(steps)


def _checked(value: Value) -> Value:
    array = np.asarray(value, float)
    if array.ndim > 1 or not np.isfinite(array).all():
        raise DataError(f"a schedule goes through finite numbers, not {value!r}")
    return float(array) if array.ndim == 0 else tuple(float(x) for x in array)
