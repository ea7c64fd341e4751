"""A phase followed along a path, its grand potential integrated: equations (219) and (220)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from maxvolt.properties.lattice.phases.ensemble import Moments, PhaseChain

__all__ = [
    "HALVINGS",
    "AlongPotential",
    "AlongTemperature",
    "Followed",
    "Path",
    "Slope",
    "Start",
    "follow",
    "unexplained",
]

HALVINGS = 3
"""Of a step, before a phase counts as lost."""

_ACCURACY = 2e-4
"""Of the grand potential over k_B T, by what one step adds to its error."""

_FLOOR = 0.01
"""Change of the concentration, or of the energy over k_B T, that is no loss of a phase."""

_FARTHEST = 0.15
"""The same beyond which a step is halved, so that what lies between is known well."""

_SIGMAS = 4.0


@dataclass(frozen=True, slots=True)
class Slope:
    """Of the grand potential over k_B T at a place.

    Attributes
    ----------
    value, error
    bend, bend_error
        Its own slope.
    """

    value: float
    error: float
    bend: float
    bend_error: float


class Path(Protocol):
    """What is varied."""

    def at(self, value: float) -> tuple[float, float]:
        """Inverse temperature and difference of chemical potentials."""

    def slope(self, moments: Moments) -> Slope:
        """Slope of the grand potential over k_B T."""

    def floor(self, value: float, step: float) -> float:
        """Change of the slope in a step that is no loss of a phase."""

    def farthest(self, value: float) -> float:
        """Change of the slope in a step that leaves too little known between."""


@dataclass(frozen=True, slots=True)
class AlongPotential:
    """The difference of chemical potentials over k_B T is varied: equation (219)."""

    beta: float

    def at(self, value: float) -> tuple[float, float]:
        """Inverse temperature and difference of chemical potentials."""
        return self.beta, value / self.beta

    def slope(self, moments: Moments) -> Slope:
        """Minus the concentration, and minus its fluctuations."""
        return Slope(
            -moments.concentration, moments.concentration_error, -moments.susceptibility,
            moments.susceptibility_error,
        )  # fmt: skip

    def floor(self, value: float, step: float) -> float:
        """Of the concentration, in a step of k_B T or more."""
        return _FLOOR * min(1.0, abs(step))

    def farthest(self, value: float) -> float:
        """Of the concentration."""
        return _FARTHEST


@dataclass(frozen=True, slots=True)
class AlongTemperature:
    """The inverse temperature is varied: equation (220)."""

    difference: float

    def at(self, value: float) -> tuple[float, float]:
        """Inverse temperature and difference of chemical potentials."""
        return value, self.difference

    def slope(self, moments: Moments) -> Slope:
        """The energy, and minus its fluctuations."""
        return Slope(
            moments.energy, moments.energy_error, -moments.capacity, moments.capacity_error
        )

    def floor(self, value: float, step: float) -> float:
        """Of the energy, in a step of a quarter of the temperature or more."""
        return _FLOOR / value * min(1.0, 4.0 * abs(step) / value) if value else float("inf")

    def farthest(self, value: float) -> float:
        """Of the energy."""
        return _FARTHEST / value if value else float("inf")


@dataclass(frozen=True, slots=True)
class Start:
    """Where a path begins: the grand potential over k_B T is known."""

    value: float
    reduced: float
    moments: Moments
    error: float = 0.0


@dataclass(frozen=True, slots=True)
class Followed:
    """One place on a path.

    Attributes
    ----------
    value
        Of what is varied.
    reduced, error
        Grand potential over k_B T per site.
    moments
        Found there.
    """

    value: float
    reduced: float
    error: float
    moments: Moments


def follow(chain: PhaseChain, path: Path, start: Start, values: Sequence[float]) -> list[Followed]:
    """Follow a phase until it is lost, with smaller steps where its slope changes fast.

    A step is right where the fluctuations at its ends explain by how much the slope changes. Where
    they do not, it is halved; where the smallest step is not explained, the phase has lost its
    stability. So it has where its order is gone, or where a solution has the order of a ground
    state.

    Parameters
    ----------
    chain
        In the phase.
    path
        What is varied.
    start
        Where the grand potential is known.
    values
        Of what is varied, one after the other.

    Returns
    -------
    places
        The start, all that were measured, and no more than that once the phase is lost.
    """
    places = [Followed(start.value, start.reduced, start.error, start.moments)]
    integral = _Integral(path, places)
    for value in values:
        if not _advance(chain, path, integral, value, HALVINGS):
            break
    return places


def unexplained(before: Slope, after: Slope, step: float, floor: float) -> bool:
    """Whether a slope changes by other than its own slope says.

    Parameters
    ----------
    before, after
        At the ends of the step.
    step
        Between them.
    floor
        Change that does not count.
    """
    # Without the noise of fluctuations, which is large where a phase goes over to another one.
    noise = _SIGMAS * float(np.hypot(before.error, after.error))
    return abs(_rest(before, after, step)) > max(
        0.5 * abs(after.value - before.value), noise, floor
    )


def _rest(before: Slope, after: Slope, step: float) -> float:
    return after.value - before.value - 0.5 * step * (before.bend + after.bend)


def _noise(before: Slope, after: Slope, step: float) -> float:
    """What the rest may be by chance."""
    bends = 0.5 * step * np.hypot(before.bend_error, after.bend_error)
    return _SIGMAS * float(np.hypot(np.hypot(before.error, after.error), bends))


def _advance(
    chain: PhaseChain, path: Path, integral: _Integral, value: float, halvings: int
) -> bool:
    last = integral.places[-1]
    kept = chain.occupation
    moments = chain.measure(*path.at(value))
    step = value - last.value
    before, after = path.slope(last.moments), path.slope(moments)
    lost = unexplained(before, after, step, path.floor(value, step))
    lost |= chain.has_left(moments)
    rest = abs(_rest(before, after, step))
    coarse = rest > _noise(before, after, step) and rest * abs(step) / 12 > _ACCURACY
    far = abs(after.value - before.value) > path.farthest(value)
    if halvings and (lost or coarse or far):
        chain.put(kept)
        middle = last.value + 0.5 * step
        return all(_advance(chain, path, integral, to, halvings - 1) for to in (middle, value))
    if lost:
        return False
    integral.add(value, moments)
    return True


class _Integral:
    """Hermite's rule along the places of a path, with the error of its sum."""

    def __init__(self, path: Path, places: list[Followed]) -> None:
        self.places = places
        self._path = path
        self._done = places[0].error ** 2  # variance of all but the last slope
        self._weight, self._bend = 0.0, 0.0  # of the last slope, and of its own slope, so far

    def add(self, value: float, moments: Moments) -> None:
        last = self.places[-1]
        step = value - last.value
        before, after = self._path.slope(last.moments), self._path.slope(moments)
        half, twelfth = 0.5 * step, step**2 / 12
        area = half * (before.value + after.value) + twelfth * (before.bend - after.bend)
        rule = step * _rest(before, after, step) / 12  # what Hermite's rule may miss
        self._done += ((self._weight + half) * before.error) ** 2 + rule**2
        self._done += ((self._bend + twelfth) * before.bend_error) ** 2
        self._weight, self._bend = half, -twelfth
        open_ends = (half * after.error) ** 2 + (twelfth * after.bend_error) ** 2
        error = float(np.sqrt(self._done + open_ends))
        self.places.append(Followed(value, last.reduced + area, error, moments))
