"""A crystal heated until it melts, and the melt cooled until it freezes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.properties.arguments import Calculating, system_of
from maxvolt.properties.curves import Curve
from maxvolt.properties.dynamic.common_neighbours import PHASES, phase_shares
from maxvolt.properties.dynamic.frame_check import check_frames
from maxvolt.properties.dynamic.keeping import Keeping
from maxvolt.properties.dynamic.preparation import (
    Prepared,
    average_atoms,
    prepared,
    require_phases,
)
from maxvolt.properties.dynamic.settings import SimulationSettings
from maxvolt.properties.dynamic.simulation import Plan, Recorded, simulate
from maxvolt.properties.findings import Findings, Quantity
from maxvolt.sampling import ramp

__all__ = ["HeatingSettings", "heating_cooling"]

_VALUE_EVERY = 10
_FRAME_TIME = 50.0
"""fs."""

_WINDOW = 10
"""Frames over which positions are averaged before phases are told apart."""

_HALF = 0.5
"""Share of crystalline atoms at which a crystal counts as molten, or a melt as frozen."""

_SHOWN = 0.02
"""Share of a phase below which it is not listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatingSettings(SimulationSettings):
    """Settings of `heating_cooling`.

    Parameters
    ----------
    temperature : K
        At which heating begins and cooling ends.
    pressure, atoms, timestep, equilibration_time, seed, members
        As of `SimulationSettings`.
    highest : K
        To which is heated.
    heating_time, cooling_time : ps
        Of each of the two.
    checked_frames
        Frames that a reference is asked for, in heating and in cooling each.
    """

    highest: float = 1500.0
    heating_time: float = 30.0
    cooling_time: float = 60.0
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
        if self.checked_frames < 2:
            self._refuse(f"checked_frames must be 2 or more; got {self.checked_frames!r}")


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

    By common neighbour analysis of positions that are averaged over half a picosecond, equation
    (101). With a reference, its energies and forces of frames are compared.

    Parameters
    ----------
    calculator
        Any ASE calculator with stress.
    atoms
        Crystal near equilibrium; it is relaxed first.
    settings
        Temperatures, times, size.
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
    begin = prepared(calculator, atoms, settings, keeping, purpose)
    require_phases(begin.atoms, purpose)
    legs = _legs(calculator, begin, settings, keeping, purpose)
    heating, cooling = legs
    melts = _crossing(heating, below=True)
    freezes = _crossing(cooling, below=False)
    quantities = {
        "crystal lost at": Quantity(melts, "K"),
        "crystal regained at": Quantity(freezes, "K"),
        **_phases("before", heating.shares[0]),
        **_phases("after", cooling.shares[-1]),
    }
    curves = [curve for leg in legs for curve in _curves(leg)]
    if reference is not None:
        checked, more = _checked(calculator, reference, legs, settings, keeping, purpose)
        quantities |= checked
        curves += more
    span = settings.highest - settings.temperature
    notes = (
        *begin.notes,
        f"heated by {span / settings.heating_time:.3g} K/ps, cooled by "
        f"{span / settings.cooling_time:.3g} K/ps: a crystal without surfaces melts too late and a "
        "melt freezes too late; the melting point lies between, see 'maxvolt melting'",
    )
    warnings = (*begin.warnings, *_warnings(heating, melts, freezes, settings))
    return Findings("Heating and cooling", quantities, tuple(curves), warnings, notes)


def _legs(
    calculator: Any,
    begin: Prepared,
    settings: HeatingSettings,
    keeping: Keeping,
    purpose: str,
) -> tuple[_Leg, _Leg]:
    ends = (settings.temperature, settings.highest)
    frame_every = _VALUE_EVERY * max(1, round(_FRAME_TIME / begin.timestep / _VALUE_EVERY))
    found: list[_Leg] = []
    atoms = begin.atoms
    times = {"heating": settings.heating_time, "cooling": settings.cooling_time}
    for name, time in times.items():
        first, last = ends if name == "heating" else ends[::-1]
        steps = settings.steps(time, begin.timestep, frame_every * _WINDOW, 2)
        plan = Plan(
            name,
            steps,
            begin.timestep,
            ramp(first, last, steps),
            "npt",
            pressure=settings.pressure,
            bulk_modulus=begin.bulk_modulus,
            shape=begin.shape,
            value_every=_VALUE_EVERY,
            frame_every=frame_every,
            seed=settings.seed + 1 + len(found),
        )
        recorded = simulate(calculator, atoms, plan, keeping, purpose)
        atoms = recorded.last
        found.append(_windows(name, recorded, plan, first, last))
    return found[0], found[1]


def _windows(name: str, recorded: Recorded, plan: Plan, first: float, last: float) -> _Leg:
    """Tell phases apart in each window of frames."""
    starts = range(0, len(recorded.frames) - _WINDOW + 1, _WINDOW)
    middles = [recorded.frame_steps[k : k + _WINDOW].mean() / plan.steps for k in starts]
    shares = [phase_shares(average_atoms(recorded, k, k + _WINDOW)) for k in starts]
    temperatures = first + (last - first) * np.array(middles)
    return _Leg(name, recorded, temperatures, shares)


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
    heating: _Leg, melts: float, freezes: float, settings: HeatingSettings
) -> tuple[str, ...]:
    found = []
    known = float(heating.crystalline[0])
    if known < _HALF:
        found.append(
            f"{known:.0%} of the atoms stand in a crystal at the beginning: it melts below "
            f"{settings.temperature:g} K, or common neighbour analysis does not know it; where it "
            "melts is not told"
        )
    elif np.isnan(melts):
        found.append(
            f"the crystal did not melt below {settings.highest:g} K; raise highest or heating_time"
        )
    elif np.isnan(freezes):
        found.append(
            f"the melt did not freeze above {settings.temperature:g} K; raise cooling_time"
        )
    return tuple(found)
