"""The front of a shock, the states on both sides of it, and the jump between them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from maxvolt.properties.extremes.shock_profiles import ShockProfiles
from maxvolt.properties.findings import Quantity
from maxvolt.properties.statistics import correlation_time, series_mean
from maxvolt.units import GPA_PER_EV_A3, KM_S_PER_A_PS

__all__ = ["Front", "Jump", "State", "find_front", "find_jump"]

FROM, UNTIL = 0.3, 0.85
"""Parts of the way through the slab between which the front is followed."""

_STEADY_FROM = 0.6
"""Part of the way from which on the states are averaged."""

_FEWEST = 8
"""Profiles for a line."""

_BESIDE_FRONT, _BESIDE_ENDS = 30.0, 30.0
"""Angstrom that are left out on both sides of the front, at the piston and at the surface."""

_BESIDE = 0.2
"""Part of the shocked crystal that is left out at the piston and behind the front."""


@dataclass(frozen=True, slots=True, eq=False)
class Front:
    """Where the front is.

    Attributes
    ----------
    places : shape (k,), Angstrom
        NaN while it is at the piston or where it has left the slab.
    speed, error : km/s
        Slope of the line through those between `FROM` and `UNTIL` of the way, and its standard
        error.
    used : shape (k,)
        Which of them.
    """

    places: NDArray[np.float64]
    speed: float
    error: float
    used: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class State:
    """Means of one side.

    Attributes
    ----------
    volume : Angstrom^3/atom
    density : g/cm^3
    velocity : km/s
    pressure, shear : GPa
        Along the shock; half of the difference to that across.
    energy : eV/atom
    temperature : K
    """

    volume: Quantity
    density: Quantity
    velocity: Quantity
    pressure: Quantity
    shear: Quantity
    energy: Quantity
    temperature: Quantity


@dataclass(frozen=True, slots=True)
class Jump:
    """What the conservation laws ask for, equations (152) to (154), over what is found, in %.

    Attributes
    ----------
    mass, momentum, energy
        Differences from 1.
    slope
        Change of the pressure along the shocked crystal, over the pressure, in %: none where the
        shock is steady.
    runs_ahead
        Velocity in front of the shock over that behind, in %: an elastic wave.
    """

    mass: float
    momentum: float
    energy: float
    slope: float
    runs_ahead: float


def find_front(profiles: ShockProfiles, velocity: float, begin: float, end: float) -> Front | None:
    """Follow the front, where the velocity is half that of the piston.

    Parameters
    ----------
    profiles
        In equal steps of time.
    velocity : km/s
        Of the piston.
    begin, end : Angstrom
        Lowest and highest atom that the piston moves.

    Returns
    -------
    front
        None: it has not come far enough yet.
    """
    found = np.array([_crossing(profiles.places, row, velocity / 2) for row in profiles.velocity])
    way = (found - begin) / (end - begin)
    first = int(np.argmax(np.append(way, UNTIL + 1) > UNTIL))  # what follows has met the surface
    if first == len(way):
        return None
    used = (np.arange(len(way)) <= first) & (way > FROM)
    if used.sum() < _FEWEST:
        return None
    times = profiles.times[used]
    line = np.polynomial.Polynomial.fit(times, found[used], 1).convert().coef
    apart = found[used] - line[0] - line[1] * times
    spread = np.sqrt(np.sum(apart**2) / (len(apart) - 2) / np.sum((times - times.mean()) ** 2))
    error = float(spread * np.sqrt(2 * correlation_time(apart)))
    found[first + 1 :] = np.nan
    return Front(found, KM_S_PER_A_PS * float(line[1]), KM_S_PER_A_PS * error, used)


def find_jump(
    profiles: ShockProfiles,
    front: Front,
    velocity: float,
    begin: float,
    end: float,
    at_rest: tuple[float, float] | None = None,
) -> tuple[State, State, Jump] | None:
    """Average on both sides of the front, and compare with the conservation laws.

    Parameters
    ----------
    profiles, velocity, begin, end
        As of `find_front`.
    front
        What it found.
    at_rest : Angstrom^3/atom, g/cm^3
        Volume and density before the shock, where they are known: better than by counting layers
        in bins. None: they are counted.

    Returns
    -------
    ahead, behind
        The states.
    jump
        The comparison. None in place of all: the slab is too short.
    """
    late = front.places > begin + _STEADY_FROM * (end - begin)
    z, piston = profiles.places, begin + velocity / KM_S_PER_A_PS * profiles.times
    place = front.places[:, None]
    margin = np.maximum(_BESIDE * (front.places - piston), _BESIDE_FRONT)[:, None]
    behind = (z > piston[:, None] + margin) & (z < place - margin)
    ahead = (z > place + _BESIDE_FRONT) & (z < end - _BESIDE_ENDS)
    early, late = front.used & ~late & ahead.any(axis=1), front.used & late & behind.any(axis=1)
    if not early.any() or not late.any():
        return None
    before = _state(profiles, early, ahead[early])
    if at_rest is not None:
        before = replace(
            before,
            volume=Quantity(at_rest[0], "Å³/atom"),
            density=Quantity(at_rest[1], "g/cm³"),
        )
    after = _state(profiles, late, behind[late])
    slope = _slope(profiles, late, behind[late])
    return before, after, _jump(before, after, front.speed, slope)


def _crossing(z: NDArray[np.float64], velocities: NDArray[np.float64], level: float) -> float:
    """Highest place at which the velocity falls through a level, between bins linearly."""
    fast = np.flatnonzero(np.nan_to_num(velocities) > level)
    if not len(fast) or fast[-1] + 1 >= len(z) or np.isnan(velocities[fast[-1] + 1]):
        return float("nan")
    k = fast[-1]
    share = (velocities[k] - level) / (velocities[k] - velocities[k + 1])
    return float(z[k] + share * (z[k + 1] - z[k]))


def _state(profiles: ShockProfiles, steady: NDArray[np.bool_], inside: NDArray[np.bool_]) -> State:
    """Means over bins, then over time: by their atoms, and of pressures by their volumes."""
    by_atoms = profiles.counts[steady] * inside

    def mean(
        values: NDArray[np.float64], unit: str, weights: NDArray[np.float64] = by_atoms
    ) -> Quantity:
        known = np.where(inside, values[steady], 0.0)
        series = (weights * known).sum(axis=1) / weights.sum(axis=1)
        found = series_mean(series, 0)
        return Quantity(found.mean, unit, found.error)

    p, by_volume = profiles.pressure, inside.astype(float)
    # Volumes are averaged by atoms and densities are their inverse, so that both belong together.
    volume = mean(profiles.volume, "Å³/atom")
    density = mean(1 / profiles.density, "")
    error = (density.statistical_error or 0.0) / density.value**2
    return State(
        volume,
        Quantity(1 / density.value, "g/cm³", error),
        mean(profiles.velocity, "km/s"),
        mean(p[:, :, 2], "GPa", by_volume),
        mean((p[:, :, 2] - 0.5 * (p[:, :, 0] + p[:, :, 1])) / 2, "GPa", by_volume),
        mean(profiles.energy, "eV/atom"),
        mean(profiles.temperature, "K"),
    )


def _slope(profiles: ShockProfiles, steady: NDArray[np.bool_], inside: NDArray[np.bool_]) -> float:
    """Change of the pressure from end to end of the shocked crystal, in % of its mean."""
    changes = []
    for pressure, chosen in zip(profiles.pressure[steady, :, 2], inside, strict=True):
        z, p = profiles.places[chosen], pressure[chosen]
        if len(z) > 2:
            changes.append(np.polyfit(z, p, 1)[0] * np.ptp(z) / p.mean())
    return float(100 * np.mean(changes)) if changes else float("nan")


def _jump(before: State, after: State, speed: float, slope: float) -> Jump:
    inflow = before.density.value * (speed - before.velocity.value)
    outflow = after.density.value * (speed - after.velocity.value)
    push = inflow * (after.velocity.value - before.velocity.value)  # g/cm^3 (km/s)^2 = GPa
    rise = after.pressure.value - before.pressure.value
    compressed = before.volume.value - after.volume.value
    work = 0.5 * (before.pressure.value + after.pressure.value) * compressed / GPA_PER_EV_A3
    gain = after.energy.value - before.energy.value
    ahead = before.velocity.value / after.velocity.value
    return Jump(
        100 * (outflow / inflow - 1),
        100 * (push / rise - 1),
        100 * (work / gain - 1),
        slope,
        100 * ahead,
    )
