"""Which paths a phase diagram takes, and the sheets they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from ase.units import kB
from numpy.typing import NDArray

from maxvolt.errors import SettingsError
from maxvolt.properties.lattice.phases.branches import Branch, Branches, Place
from maxvolt.properties.lattice.phases.following import HALVINGS
from maxvolt.properties.lattice.phases.sheets import Sheet, sheet_pieces, sheets_of

__all__ = ["PhaseDiagramSettings", "Plan"]

_DILUTE = 7.0
"""k_B T by which the first place of an isotherm is below the cost of one atom of the other kind."""

_METASTABLE = 2.0
"""k_B T that isotherms go on beyond the stable range of the pure elements at zero temperature."""

_SAME = 1e-6
"""Relative difference of temperatures that are one."""

Found = Mapping[Branch, list[Place]]


@dataclass(frozen=True, slots=True)
class PhaseDiagramSettings:
    """What is simulated.

    Attributes
    ----------
    temperatures : K
        In any order.
    repeats
        Of the primitive cell; rounded to whole periods of each ordered phase.
    points
        Places of an isotherm; more come in between where they are needed.
    lines
        Differences of chemical potentials at which each ordered phase is heated, and at which the
        disordered one is cooled.
    equilibration, production
        Sweeps at each place.
    runs
        Repetitions with other random numbers.
    seed
        Of all of them.
    """

    temperatures: tuple[float, ...]
    repeats: tuple[int, int, int]
    points: int = 40
    lines: int = 8
    equilibration: int = 100
    production: int = 400
    runs: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.temperatures or not all(
            np.isfinite(one) and one > 0 for one in self.temperatures
        ):
            raise SettingsError("temperatures must be positive numbers of K, at least one")
        if len(self.repeats) != 3 or any(one < 1 for one in self.repeats):
            raise SettingsError(
                f"repeats must be three whole numbers from 1 on, got {self.repeats}"
            )
        for name, least in (("points", 4), ("lines", 3), ("equilibration", 0),
                            ("production", 10), ("runs", 1), ("seed", 0)):  # fmt: skip
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise SettingsError(f"{name} must be a whole number from {least} on, got {value!r}")


class Plan:
    """Paths of one diagram: first from what is known, then outward from where these have been.

    Parameters
    ----------
    branches
        The phases.
    settings
        Temperatures, numbers of places.
    """

    def __init__(self, branches: Branches, settings: PhaseDiagramSettings) -> None:
        self._settings = settings
        self._excitations = branches.excitations
        self._last = len(branches.states) - 1
        self.temperatures = tuple(sorted(set(settings.temperatures)))
        energies = np.array([one.energy for one in branches.states])
        self._slopes = np.diff(energies) / np.diff([one.concentration for one in branches.states])

    def first(self) -> list[Branch]:
        """Isotherms of the pure elements, and lines along the temperature."""
        found = []
        cooled, heated = self.temperatures[::-1], self.temperatures
        for run in range(self._settings.runs):
            for kelvin in cooled:
                values = tuple(self._isotherm(kelvin).tolist())
                found.append(Branch(0, "isotherm", kelvin, values, run))
                found.append(Branch(self._last, "isotherm", kelvin, values[::-1], run))
            found += [Branch(0, "cooling", one, cooled, run) for one in self._lines(0)]
            for state in range(1, self._last):
                found += [Branch(state, "heating", one, heated, run) for one in self._lines(state)]
        return found

    def outward(self, found: Found) -> list[Branch]:
        """Isotherms from the middle of each piece to which lines have come."""
        branches = []
        for kelvin in self.temperatures:
            for state in range(self._last):
                kind = "heating" if state else "cooling"
                for piece in sheet_pieces(self._runs(found, state, kind, kelvin)):
                    for run, known in enumerate(piece[len(piece) // 2]):
                        start = float("nan") if state else known.moments.concentration
                        branches += [
                            Branch(state, "outward", kelvin, values, run, start, known)
                            for values in self._steps(state, kelvin, known.difference)
                        ]
        return branches

    def sheets(self, found: Found, kelvin: float) -> list[Sheet]:
        """All phases at a temperature."""
        isotherm = self._isotherm(kelvin)
        step = float(isotherm[1] - isotherm[0])
        sheets: list[Sheet] = []
        for state in (0, self._last):
            runs = self._runs(found, state, "isotherm", kelvin)
            sheets += sheets_of(state, ordered=False, runs=runs, reach=step)
        for state in range(self._last):
            runs = self._runs(found, state, "outward", kelvin)
            # An ordered phase ends within the smallest step; where a solution is lost it goes on.
            reach = self._step(state, kelvin) / (2**HALVINGS if state else 1)
            sheets += sheets_of(state, ordered=state > 0, runs=runs, reach=reach)
        return sheets

    def _runs(self, found: Found, state: int, kind: str, kelvin: float) -> list[list[Place]]:
        runs: list[list[Place]] = [[] for _ in range(self._settings.runs)]
        for branch, places in found.items():
            if (branch.phase, branch.kind) == (state, kind):
                runs[branch.run] += [
                    one for one in places if abs(one.temperature - kelvin) < _SAME * kelvin
                ]
        return runs

    def _isotherm(self, kelvin: float) -> NDArray[np.float64]:
        """From where one pure element is nearly undisturbed to where the other one is."""
        thermal = kB * kelvin
        first = float(self._excitations[0].energies.min())
        last = -float(self._excitations[-1].energies.min())
        low = min(first - _DILUTE * thermal, self._slopes[0] - _METASTABLE * thermal)
        high = max(last + _DILUTE * thermal, self._slopes[-1] + _METASTABLE * thermal)
        return np.linspace(low, high, self._settings.points)

    def _lines(self, state: int) -> list[float]:
        """Inside of the range in which an ordered state is stable at zero temperature, or all are.

        Towards its ends its sites would be excited at all temperatures.
        """
        count = self._settings.lines
        if state == 0:
            thermal = kB * self.temperatures[-1]
            ends = self._slopes[0] - thermal, self._slopes[-1] + thermal
        else:
            ends = self._slopes[state - 1], self._slopes[state]
        middles = ends[0] + (np.arange(count) + 0.5) * (ends[1] - ends[0]) / count
        return [
            float(one)
            for one in middles
            if state == 0 or self._excitations[state].costs(one).min() > 0
        ]

    def _step(self, state: int, kelvin: float) -> float:
        isotherm = self._isotherm(kelvin)
        step = float(isotherm[1] - isotherm[0])
        if state == 0:
            return step
        width = float(self._slopes[state] - self._slopes[state - 1])
        return min(step, 2.0 * width / self._settings.lines)

    def _steps(
        self, state: int, kelvin: float, first: float
    ) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Values down and up from a place."""
        isotherm, step = self._isotherm(kelvin), self._step(state, kelvin)
        down = np.arange(first - step, isotherm[0], -step)
        up = np.arange(first + step, isotherm[-1], step)
        return tuple(down.tolist()), tuple(up.tolist())
