"""A crystal heated until it melts, and the melt cooled until it freezes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.errors import MaxvoltError
from maxvolt.properties.arguments import Calculating, system_of
from maxvolt.properties.curves import Curve
from maxvolt.properties.dynamic.common_neighbours import PHASES, phase_shares
from maxvolt.properties.dynamic.frame_check import check_frames
from maxvolt.properties.dynamic.held_slab import at_their_places, held_slab
from maxvolt.properties.dynamic.keeping import Keeping
from maxvolt.properties.dynamic.preparation import (
    Prepared,
    average_atoms,
    crystalline_share,
    prepared,
    require_phases,
)
from maxvolt.properties.dynamic.recorded import Recorded
from maxvolt.properties.dynamic.settings import SimulationSettings
from maxvolt.properties.dynamic.simulation import Plan, simulate
from maxvolt.properties.findings import Findings, Quantity
from maxvolt.sampling import Schedule, ramp

__all__ = ["HeatingSettings", "heating_cooling"]

_VALUE_EVERY = 10
_FRAME_TIME = 50.0
"""fs."""

_WINDOW = 10
"""Frames over which positions are averaged before phases are told apart."""

_HALF = 0.5
"""Share of crystalline atoms at which a crystal counts as molten, or a melt as frozen."""

_RELEASED_AT = 0.7
"""Temperature at which a slab is released, over that at which the crystal was lost: below the
melting point, which a crystal without surfaces exceeds by a tenth to a third."""

_LENGTH = 2.5
"""Of a cell along the direction in which a crystal grows from a slab, over that along the others:
the thinner the melt, the more it is ordered by the slab."""

_SHOWN = 0.02
"""Share of a phase below which it is not listed."""

_SEEDS = {"heating": 1, "cooling": 2, "melting held": 3, "cooling held": 4}
"""Added to the seed of the settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatingSettings(SimulationSettings):
    """Settings of `heating_cooling`: those of `SimulationSettings`, and these.

    Parameters
    ----------
    temperature : K
        At which heating begins and cooling ends.
    highest : K
        Up to which the crystal is heated.
    heating_time : ps
        From the lower temperature to the highest.
    cooling_time : ps
        From the highest temperature to the lower one.
    held_share
        Of the layers of the crystal, a slab from which the melt freezes: after heating, the crystal
        is melted once more with these atoms held at their places, which go along with the cell, and
        cooled. 0: none, and a melt in a small cell does not freeze in picoseconds.
    release_temperature : K or None
        In cooling, at which the slab is released; below the melting point, else it melts. None:
        0.7 times the temperature at which the crystal was lost.
    checked_frames
        Frames that a reference is asked for, in heating and in cooling each.
    """

    highest: float = 1500.0
    heating_time: float = 30.0
    cooling_time: float = 60.0
    held_share: float = 0.2
    release_temperature: float | None = None
    checked_frames: int = 10

    def __post_init__(self) -> None:
        SimulationSettings.__post_init__(self)
        self._check_temperature("highest", self.highest)
        if self.highest <= self.temperature:
            self._refuse(
                f"highest must be above temperature, {self.temperature:g} K; got {self.highest:g}"
            )
        self._check_time("heating_time")
        self._check_time("cooling_time")
        if not 0 <= self.held_share < 1:
            self._refuse(f"held_share must be from 0 to below 1; got {self.held_share!r}")
        self._check_release()
        if self.checked_frames < 2:
            self._refuse(f"checked_frames must be 2 or more; got {self.checked_frames!r}")

    def _check_release(self) -> None:
        release = self.release_temperature
        if release is None:
            return
        if self.held_share == 0:
            self._refuse("release_temperature is of a slab that is held; held_share is 0")
        if not self.temperature <= release <= self.highest:
            self._refuse(
                f"release_temperature must lie between temperature, {self.temperature:g} K, and "
                f"highest, {self.highest:g} K; got {release!r}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class _Leg:
    """Heating or cooling, in windows of frames."""

    name: str
    recorded: Recorded
    temperatures: NDArray[np.float64]
    shares: Sequence[Mapping[str, float]]

    @property
    def crystalline(self) -> NDArray[np.float64]:
        """Share of the atoms in any crystal."""
        none = ("other", "icosahedral")
        return np.array([1 - sum(one[name] for name in none) for one in self.shares])


def heating_cooling(
    calculator: Calculating,
    atoms: Atoms | None = None,
    settings: HeatingSettings = HeatingSettings(),
    *,
    keeping: Keeping = Keeping(),  # noqa: B008 (immutable)
    reference: Any = None,
) -> Findings:
    """Heat a crystal and cool it again, and tell the phases apart.

    After heating, the crystal is melted once more around a slab that is held, so that the melt
    freezes from there when it is cooled; atoms of the slab are not counted. Phases are those of
    common neighbour analysis of positions that are averaged over half a picosecond, equation (101).
    With a reference, its energies and forces of frames are compared.

    Parameters
    ----------
    calculator
        Any ASE calculator with stress.
    atoms
        Crystal near equilibrium; it is relaxed first.
    settings
        Temperatures, times, size, what is held.
    keeping
        Where segments, and what the reference says, are kept.
    reference
        A second ASE calculator.

    Raises
    ------
    MaxvoltError
        A simulation ended early, or the reference failed.
    """
    purpose = "heating and cooling"
    calculator, atoms = system_of(calculator, atoms, purpose)
    length = _LENGTH if settings.held_share else 1.0
    begin = prepared(calculator, atoms, settings, keeping, purpose, length=length)
    require_phases(begin.atoms, purpose)
    cycle = _Cycle(calculator, begin, settings, keeping, purpose)
    heating = cycle.heating()
    melts = _crossing(heating, below=True)
    release = _release_temperature(settings, melts)
    cooling = cycle.cooling(heating, release)
    freezes = _crossing(cooling, below=False)
    quantities = {
        "crystal lost at": Quantity(melts, "K"),
        "crystal regained at": Quantity(freezes, "K"),
        **({} if release is None else {"slab released at": Quantity(release, "K")}),
        **_phases("before", heating.shares[0]),
        **_phases("at the highest temperature", heating.shares[-1]),
        **_phases("after", cooling.shares[-1]),
    }
    legs = (heating, cooling)
    curves = [curve for leg in legs for curve in _curves(leg)]
    if reference is not None:
        checked, more = _checked(calculator, reference, legs, settings, keeping, purpose)
        quantities |= checked
        curves += more
    warnings = (*begin.warnings, *_warnings(legs, melts, freezes, settings))
    notes = (*begin.notes, *_notes(settings, cycle.held, release))
    return Findings("Heating and cooling", quantities, tuple(curves), warnings, notes)


def _release_temperature(settings: HeatingSettings, melts: float) -> float | None:
    """Temperature at which a slab is released; None where there is none, or nothing melts."""
    if settings.held_share == 0 or np.isnan(melts):
        return None
    if settings.release_temperature is not None:
        return settings.release_temperature
    return max(float(round(_RELEASED_AT * melts)), settings.temperature)


class _Cycle:
    """Heating, and cooling after it."""

    def __init__(
        self,
        calculator: Any,
        begin: Prepared,
        settings: HeatingSettings,
        keeping: Keeping,
        purpose: str,
    ) -> None:
        self._calculator, self._begin, self._settings = calculator, begin, settings
        self._keeping, self._purpose = keeping, purpose
        self.held = held_slab(begin, settings.held_share, purpose)
        rounded = round(_FRAME_TIME / begin.timestep / _VALUE_EVERY)
        self._frame_every = _VALUE_EVERY * max(1, rounded)
        self._window = self._frame_every * _WINDOW

    def heating(self) -> _Leg:
        """Heat the crystal."""
        settings = self._settings
        steps = self._steps(settings.heating_time)
        first, last = settings.temperature, settings.highest
        ramped = ramp(first, last, steps)
        recorded = self._simulated("heating", self._begin.atoms, ramped, steps)
        return self._leg("heating", recorded, first, last, np.ones(len(self.held), np.bool_))

    def cooling(self, heating: _Leg, release: float | None) -> _Leg:
        """Cool what is hot at one rate, from a slab that is held down to a temperature, if any."""
        settings = self._settings
        steps = self._steps(settings.cooling_time)
        first, last = settings.highest, settings.temperature
        if release is None:
            everything = np.ones(len(self.held), np.bool_)
            ramped = ramp(first, last, steps)
            recorded = self._simulated("cooling", heating.recorded.last, ramped, steps)
            return self._leg("cooling", recorded, first, last, everything)
        held = self._window * round((first - release) / (first - last) * steps / self._window)
        between = first + (last - first) * held / steps
        found: list[Recorded] = []
        atoms = self._molten_around_the_slab()
        for name, begin, end, count in (
            ("cooling held", first, between, held),
            ("cooling", between, last, steps - held),
        ):
            if count:
                found.append(self._simulated(name, atoms, ramp(begin, end, count), count))
                atoms = found[-1].last
        joined = reduce(Recorded.followed_by, found)
        return self._leg("cooling", joined, first, last, ~self.held)

    def _molten_around_the_slab(self) -> Atoms:
        """Hold the slab of the crystal, and melt the rest at the highest temperature."""
        settings = self._settings
        atoms = at_their_places(self._begin, self.held)
        steps = self._steps(settings.equilibration_time)
        found = self._simulated("melting held", atoms, settings.highest, steps)
        crystalline = crystalline_share(
            average_atoms(found, len(found.frames) - _WINDOW, len(found.frames)), ~self.held
        )
        if crystalline >= _HALF:
            raise MaxvoltError(
                f"{self._purpose}: around a slab that is held, {crystalline:.0%} of the atoms are "
                f"crystalline after {settings.equilibration_time:g} ps at {settings.highest:g} K; "
                "raise highest, equilibration_time or atoms, or hold none (held_share)"
            )
        return found.last

    def _steps(self, time: float) -> int:
        return self._settings.steps(time, self._begin.timestep, self._window, 2)

    def _simulated(
        self, name: str, atoms: Atoms, temperature: float | Schedule, steps: int
    ) -> Recorded:
        begin, settings = self._begin, self._settings
        plan = Plan(
            name,
            steps,
            begin.timestep,
            temperature,
            "npt",
            pressure=settings.pressure,
            bulk_modulus=begin.bulk_modulus,
            shape=begin.shape,
            value_every=_VALUE_EVERY,
            frame_every=self._frame_every,
            seed=settings.seed + _SEEDS[name],
            held=tuple(np.flatnonzero(self.held).tolist()) if name.endswith("held") else (),
        )
        return simulate(self._calculator, atoms, plan, self._keeping, self._purpose)

    def _leg(
        self,
        name: str,
        recorded: Recorded,
        first: float,
        last: float,
        counted: NDArray[np.bool_],
    ) -> _Leg:
        """Tell phases apart in each window of frames, of the atoms that count."""
        starts = range(0, len(recorded.frames) - _WINDOW + 1, _WINDOW)
        whole = float(recorded.frame_steps[-1])
        middles = [recorded.frame_steps[k : k + _WINDOW].mean() / whole for k in starts]
        shares = [phase_shares(average_atoms(recorded, k, k + _WINDOW), counted) for k in starts]
        return _Leg(name, recorded, first + (last - first) * np.array(middles), shares)


def _crossing(leg: _Leg, *, below: bool) -> float:
    """Temperature from which on the crystalline share stays below (or above) a half; NaN: never."""
    there = (leg.crystalline < _HALF) == below
    if not there[-1]:
        return float("nan")
    others = np.flatnonzero(~there)
    if not len(others):
        return float("nan")  # it was so from the beginning
    k = int(others[-1])
    return float(leg.temperatures[k : k + 2].mean())


def _phases(when: str, shares: Mapping[str, float]) -> dict[str, Quantity]:
    return {
        f"{name} {when}": Quantity(shares[name])
        for name in PHASES
        if name != "other" and shares[name] >= _SHOWN
    }


def _curves(leg: _Leg) -> list[Curve]:
    recorded = leg.recorded
    count = len(recorded.last)
    labels = ("temperature (K)", "crystalline share")
    curves = [Curve.of(leg.name, leg.temperatures, leg.crystalline, labels)]
    for phase in PHASES:
        shares = [one[phase] for one in leg.shares]
        if phase != "other" and max(shares) >= _SHOWN:
            name = f"{phase}, {leg.name}"
            curves.append(Curve.of(name, leg.temperatures, shares, (labels[0], "share of a phase")))
    first = np.searchsorted(recorded.steps, recorded.frame_steps)
    ends = [first[k * _WINDOW : (k + 1) * _WINDOW] for k in range(len(leg.temperatures))]
    energies = (recorded.energies + recorded.kinetic) / count
    for label, values in (
        ("volume (Å³/atom)", recorded.volumes / count),
        ("energy (eV/atom)", energies),
    ):
        means = [values[end[0] : end[-1] + 1].mean() for end in ends]
        curves.append(Curve.of(leg.name, leg.temperatures, means, ("temperature (K)", label)))
    return curves


def _checked(
    calculator: Any,
    reference: Any,
    legs: Sequence[_Leg],
    settings: HeatingSettings,
    keeping: Keeping,
    purpose: str,
) -> tuple[dict[str, Quantity], list[Curve]]:
    frames: list[Atoms] = []
    times: list[float] = []
    begun = 0.0
    for leg in legs:
        recorded = leg.recorded
        last = len(recorded.frames) - 1
        for k in np.linspace(0, last, settings.checked_frames).round().astype(int):
            one = recorded.last.copy()
            one.set_cell(recorded.frame_cells[k])
            one.positions = recorded.frames[k]
            one.wrap()
            frames.append(one)
            times.append(begun + float(recorded.frame_steps[k]) * recorded.timestep / 1e3)
        begun += float(recorded.steps[-1]) * recorded.timestep / 1e3
    found = check_frames(calculator, reference, frames, keeping, purpose)
    half = settings.checked_frames
    quantities = {}
    for name, part in (("heating", slice(0, half)), ("cooling", slice(half, None))):
        force = float(np.sqrt(np.mean(found.forces[part] ** 2)))
        energy = float(np.sqrt(np.mean(found.energies[part] ** 2)))
        quantities[f"force error in {name}"] = Quantity(1e3 * force, "meV/Å")
        quantities[f"energy error in {name}"] = Quantity(1e3 * energy, "meV/atom")
    quantities["size of the reference's forces"] = Quantity(1e3 * found.size, "meV/Å")
    label = "time (ps)"
    curves = [
        Curve.of("frames", times, 1e3 * found.forces, (label, "force error (meV/Å)")),
        Curve.of("frames", times, 1e3 * found.energies, (label, "energy error (meV/atom)")),
    ]
    return quantities, curves


def _warnings(
    legs: tuple[_Leg, _Leg], melts: float, freezes: float, settings: HeatingSettings
) -> tuple[str, ...]:
    heating, cooling = legs
    known = float(heating.crystalline[0])
    if known < _HALF:
        return (
            f"{known:.0%} of the atoms stand in a crystal at the beginning: it melts below "
            f"{settings.temperature:g} K, or common neighbour analysis does not know it; where it "
            "melts is not told",
        )
    if np.isnan(melts):
        return (
            f"the crystal did not melt below {settings.highest:g} K; raise highest or heating_time",
        )
    if np.isnan(freezes) and cooling.crystalline[0] < _HALF:
        said = f"the melt did not freeze above {settings.temperature:g} K; raise cooling_time"
        if settings.held_share == 0:
            return (f"{said}, or hold a slab of the crystal from which it can (held_share)",)
        return (f"{said}, or hold the slab longer (release_temperature)",)
    return ()


def _notes(
    settings: HeatingSettings, held: NDArray[np.bool_], release: float | None
) -> tuple[str, ...]:
    span = settings.highest - settings.temperature
    rates = (
        f"heated by {span / settings.heating_time:.3g} K/ps, cooled by "
        f"{span / settings.cooling_time:.3g} K/ps: a crystal without surfaces melts too late and a "
        "melt freezes too late; the melting point lies between, see 'maxvolt melting'"
    )
    if release is None:
        return (rates,)
    return (
        rates,
        f"cooled was a melt around a slab of {int(held.sum())} atoms that was held down to "
        f"{release:g} K, to freeze from it: phases in cooling are those of the other atoms; "
        "energies and volumes are of all, and what is held does not vibrate; a thin melt freezes "
        "too early, raise atoms to see by how much",
    )
