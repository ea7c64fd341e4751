"""Grand potentials of one phase at one temperature, as functions of the chemical potentials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase.units import kB
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicHermiteSpline

from maxvolt.properties.lattice.phases.branches import Place
from maxvolt.properties.lattice.phases.following import AlongPotential, unexplained

__all__ = ["Sheet", "averaged", "sheet_pieces", "sheets_of"]

Array = NDArray[np.float64]

_SAME = 9
"""Decimals of eV to which differences of chemical potentials are one."""


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """One phase at one temperature.

    Attributes
    ----------
    phase
        Number of the ground state it began with.
    ordered
        Whether it has the order of a ground state.
    difference : shape (n,), eV
        Chemical potential of the second species less that of the first, rising.
    potential, potential_error : shape (n,), eV per site
        Grand potential.
    concentration, concentration_error : shape (n,)
        Share of the second species.
    response, response_error : shape (n,), 1/eV
        Slope of the concentration, from its fluctuations.
    energy, energy_error : shape (n,), eV per site
        Of the arrangements.
    reach : eV
        How far beyond its ends it is continued.
    """

    phase: int
    ordered: bool
    difference: Array
    potential: Array
    potential_error: Array
    concentration: Array
    concentration_error: Array
    response: Array
    response_error: Array
    energy: Array
    energy_error: Array
    reach: float

    def covers(self, difference: ArrayLike) -> NDArray[np.bool_]:
        """Whether it says something there."""
        asked = np.asarray(difference, float)
        ends = self.difference[0] - self.reach, self.difference[-1] + self.reach
        return np.asarray((asked >= ends[0]) & (asked <= ends[1]))

    def grand_potential(self, difference: ArrayLike) -> tuple[Array, Array]:
        """Grand potential and its error, eV per site: Hermite between, a parabola beyond."""
        inside, beyond, end, cell = self._places(difference)
        between = CubicHermiteSpline(self.difference, self.potential, -self.concentration)(inside)
        values = between - self.concentration[end] * beyond - 0.5 * self.response[end] * beyond**2
        rest = np.abs(self._rest()[cell] * np.diff(self.difference)[cell]) / 32
        outside = (
            np.abs(beyond) * self.concentration_error[end] + self.response[end] * beyond**2 / 4
        )
        known = np.interp(inside, self.difference, self.potential_error)
        return values, np.sqrt(known**2 + np.where(beyond == 0, rest, outside) ** 2)

    def share(self, difference: ArrayLike) -> tuple[Array, Array]:
        """Concentration and its error."""
        inside, beyond, end, cell = self._places(difference)
        between = CubicHermiteSpline(self.difference, self.concentration, self.response)(inside)
        values = np.clip(between + self.response[end] * beyond, 0.0, 1.0)
        errors = self.response_error
        steps = np.diff(self.difference)[cell]
        rest = 0.1 * np.abs(self._rest()[cell]) + steps / 8 * np.hypot(
            errors[cell], errors[cell + 1]
        )
        known = np.interp(inside, self.difference, self.concentration_error)
        at_node = np.isin(np.asarray(difference, float), self.difference)
        more = np.where(
            at_node, 0.0, np.where(beyond == 0, rest, self.response[end] * np.abs(beyond))
        )
        return values, np.hypot(known, more)

    def measured(self, difference: ArrayLike) -> tuple[Array, Array]:
        """Concentration and energy of the arrangements, and their errors, shape (2, n).

        As measured at the places nearby: `share` knows more of what is between.
        """
        asked = np.asarray(difference, float)

        def between(*columns: Array) -> Array:
            return np.array([np.interp(asked, self.difference, one) for one in columns])

        values = between(self.concentration, self.energy)
        return values, between(self.concentration_error, self.energy_error)

    def _rest(self) -> Array:
        """Change of the concentration between places that its slopes do not explain."""
        step = np.diff(self.difference)
        slopes = 0.5 * (self.response[1:] + self.response[:-1])
        return np.asarray(np.diff(self.concentration) - step * slopes)

    def _places(
        self, difference: ArrayLike
    ) -> tuple[Array, Array, NDArray[np.int64], NDArray[np.int64]]:
        """Nearest inside, how far beyond, which end, which interval."""
        asked = np.asarray(difference, float)
        inside = np.clip(asked, self.difference[0], self.difference[-1])
        beyond = asked - inside
        end = np.where(beyond < 0, 0, len(self.difference) - 1)
        cell = np.searchsorted(self.difference, inside, side="right") - 1
        return inside, beyond, end, np.clip(cell, 0, len(self.difference) - 2)


def sheet_pieces(runs: Sequence[Sequence[Place]]) -> list[list[list[Place]]]:
    """Places of one phase at one temperature where all runs have been, piece by piece.

    Where the concentration changes from one place to the next by more than its fluctuations
    explain, the phase is another one: a piece ends, and another begins.

    Returns
    -------
    pieces
        Of places, and of each place the runs.
    """
    by_run = [{round(one.difference, _SAME): one for one in run} for run in runs]
    pieces: list[list[list[Place]]] = []
    for difference in sorted(set(by_run[0]).intersection(*by_run[1:])):
        places = [run[difference] for run in by_run]
        if not pieces or _breaks(pieces[-1][-1], places):
            pieces.append([])
        pieces[-1].append(places)
    return pieces


def sheets_of(
    phase: int, *, ordered: bool, runs: Sequence[Sequence[Place]], reach: float
) -> list[Sheet]:
    """Average runs of one phase at one temperature, where all of them have been."""
    pieces = sheet_pieces(runs)
    return [_sheet(phase, ordered, one, reach) for one in pieces if len(one) > 1]


def averaged(values: ArrayLike, errors: ArrayLike) -> tuple[float, float]:
    """Mean over runs; its error is that of the runs, or by their scatter where that is larger."""
    found, known = np.asarray(values, float), np.asarray(errors, float)
    error = float(np.sqrt((known**2).sum())) / len(found)
    if len(found) > 1:
        error = max(error, float(found.std(ddof=1)) / float(np.sqrt(len(found))))
    return float(found.mean()), error


def _breaks(before: list[Place], after: list[Place]) -> bool:
    beta = 1.0 / (kB * after[0].temperature)
    path = AlongPotential(beta)
    step = beta * (after[0].difference - before[0].difference)
    return any(
        unexplained(path.slope(one.moments), path.slope(two.moments), step, path.floor(0.0, step))
        for one, two in zip(before, after, strict=True)
    )


def _sheet(phase: int, ordered: bool, piece: list[list[Place]], reach: float) -> Sheet:
    def column(values: Any, errors: Any) -> tuple[Array, Array]:
        rows = [
            averaged([values(one) for one in places], [errors(one) for one in places])
            for places in piece
        ]
        means, spreads = zip(*rows, strict=True)
        return np.array(means), np.array(spreads)

    beta = 1.0 / (kB * piece[0][0].temperature)
    potential = column(lambda one: one.potential, lambda one: one.error)
    share = column(
        lambda one: one.moments.concentration, lambda one: one.moments.concentration_error
    )
    response = column(
        lambda one: beta * one.moments.susceptibility,
        lambda one: beta * one.moments.susceptibility_error,
    )
    # Of the ensemble, to which the difference of chemical potentials is given back.
    energy = column(
        lambda one: one.moments.energy + one.difference * one.moments.concentration,
        lambda one: np.hypot(
            one.moments.energy_error, one.difference * one.moments.concentration_error
        ),
    )
    difference = np.array([places[0].difference for places in piece])
    return Sheet(phase, ordered, difference, *potential, *share, *response, *energy, reach)
