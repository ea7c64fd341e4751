"""Which phases are stable at one temperature: the lowest grand potential, equation (222)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from ase.units import kB
from numpy.typing import NDArray
from scipy.optimize import brentq

from maxvolt.errors import SettingsError
from maxvolt.properties.lattice.phases.sheets import Sheet

__all__ = ["Boundary", "Coexistence", "Equilibrium", "equilibrium", "resolved"]

Array = NDArray[np.float64]

_GRID = 4001
_SIGMAS = 3.0

_SAME = 2e-4
"""Of k_B T: grand potentials that are as near are not told apart."""

_ALIKE = 1e-2
"""The same for phases whose concentrations and energies are not told apart: a path through a
continuous transition misses a little of its integral."""

_WORSE = 5.0
"""Times the error of another one beyond which a phase that is not told apart is left for it."""

_NARROWEST = 0.002
"""Difference of concentrations of a two-phase region."""

_LATENT = 0.05
"""Of k_B T: difference of energies per site of phases that are told apart."""


@dataclass(frozen=True, slots=True, eq=False)
class Coexistence:
    """Two phases with the same grand potential.

    Attributes
    ----------
    left, right
        The phases, with less and with more of the second species.
    difference, difference_error : eV
        Of the chemical potentials.
    concentrations, errors
        Of both phases.
    crossing
        Whether the grand potentials cross; else one phase was lost before, and this is where.
    """

    left: Sheet
    right: Sheet
    difference: float
    difference_error: float
    concentrations: tuple[float, float]
    errors: tuple[float, float]
    crossing: bool

    @property
    def is_wide(self) -> bool:
        """Whether the concentrations are told apart."""
        return self._width >= max(_NARROWEST, _SIGMAS * float(np.hypot(*self.errors)))

    def allows(self, other: Coexistence) -> bool:
        """Whether another region is as wide within the errors of this one."""
        return abs(self._width - other._width) <= _SIGMAS * float(np.hypot(*self.errors))

    @property
    def _width(self) -> float:
        return self.concentrations[1] - self.concentrations[0]


@dataclass(frozen=True, slots=True, eq=False)
class Boundary:
    """Where a phase goes over into another without a two-phase region that is seen.

    Attributes
    ----------
    left, right
        The phases.
    difference, difference_error : eV
        Of the chemical potentials; half of the smallest step of a path.
    concentration, concentration_error
        There.
    """

    left: Sheet
    right: Sheet
    difference: float
    difference_error: float
    concentration: float
    concentration_error: float


@dataclass(frozen=True, slots=True, eq=False)
class Equilibrium:
    """Stable phases at one temperature.

    Attributes
    ----------
    temperature : K
    differences : shape (n,), eV
    stable : shape (n,)
        Number of the sheet that is stable, -1 where no phase was followed to.
    sheets
        All of them.
    coexistences, boundaries
        Between neighbours.
    """

    temperature: float
    differences: Array
    stable: NDArray[np.int64]
    sheets: Sequence[Sheet]
    coexistences: list[Coexistence]
    boundaries: list[Boundary]

    def uncovered(self) -> list[tuple[float, float]]:
        """Ranges of the difference of chemical potentials to which no phase was followed, eV."""
        gaps = np.flatnonzero(
            np.diff(np.concatenate([[False], self.stable < 0, [False]]).astype(int))
        )
        at = self.differences
        return [
            (float(at[first]), float(at[last - 1]))
            for first, last in zip(gaps[::2], gaps[1::2], strict=True)
        ]


def equilibrium(temperature: float, sheets: Sequence[Sheet]) -> Equilibrium:
    """Take the lowest grand potential at each difference of chemical potentials.

    Phases that are not told apart count as the ordered one, else as the one before, unless another
    one is known much better. Wherever one follows another there may be a two-phase region:
    `resolved` says where it is.

    Parameters
    ----------
    temperature : K
    sheets
        Of all phases at this temperature.

    Raises
    ------
    SettingsError
        There is none.
    """
    if not sheets:
        raise SettingsError(
            f"at {temperature:g} K no phase was followed beyond its first place; take more sweeps "
            "(equilibration, production) or a larger supercell (repeats)"
        )
    low = min(one.difference[0] for one in sheets)
    high = max(one.difference[-1] for one in sheets)
    grid = np.linspace(low, high, _GRID)
    stable = _stable(grid, sheets, kB * temperature)
    meetings = [
        _between(sheets[stable[number]], sheets[stable[number + 1]], float(grid[number]), grid)
        for number in np.flatnonzero(np.diff(stable)).tolist()
        if min(stable[number], stable[number + 1]) >= 0
    ]
    possible = [one for one in meetings if one.left.ordered != one.right.ordered or one.is_wide]
    return Equilibrium(temperature, grid, stable, sheets, possible, [])


def resolved(one: Equilibrium, measured: Sequence[Coexistence]) -> Equilibrium:
    """Tell two-phase regions from boundaries at which the concentrations are not told apart.

    Parameters
    ----------
    one
        Of one temperature.
    measured
        Its possible two-phase regions, with concentrations that have been measured.
    """
    return replace(
        one,
        coexistences=[two for two in measured if two.is_wide],
        boundaries=[
            _boundary(two.left, two.right, two.difference)
            for two in measured
            if not two.is_wide and two.left.ordered != two.right.ordered
        ],
    )


def _stable(grid: Array, sheets: Sequence[Sheet], thermal: float) -> NDArray[np.int64]:
    values, errors = np.full((2, len(sheets), len(grid)), np.inf)
    measured, spreads = np.full((2, 2, len(sheets), len(grid)), np.nan)
    for row, one in enumerate(sheets):
        there = one.covers(grid)
        values[row, there], errors[row, there] = one.grand_potential(grid[there])
        measured[:, row, there], spreads[:, row, there] = one.measured(grid[there])
    floors = np.array([_NARROWEST, _LATENT * thermal])[:, None]
    is_ordered = np.array([one.ordered for one in sheets])
    found = np.full(len(grid), -1)
    current = -1
    for place in range(len(grid)):
        covered = np.isfinite(values[:, place])
        if not covered.any():
            current = -1
            continue
        least = int(values[:, place].argmin())
        above = np.where(covered, values[:, place], values[least, place]) - values[least, place]
        noise = np.where(covered, np.hypot(errors[:, place], errors[least, place]), 0.0)
        apart = np.abs(measured[:, :, place] - measured[:, [least], place])
        noises = np.hypot(spreads[:, :, place], spreads[:, [least], place])
        alike = (apart < _SIGMAS * noises + floors).all(axis=0)
        near = above <= _SIGMAS * noise + np.where(alike, _ALIKE, _SAME) * thermal
        near &= covered
        if (near & is_ordered).any():
            near &= is_ordered
        # Of those that are not told apart the best known counts: a long path may be far too low.
        noises_near = np.where(near, errors[:, place], np.inf)
        if current < 0 or noises_near[current] > _WORSE * noises_near.min():
            current = int(noises_near.argmin())
        found[place] = current
    return found


def _between(left: Sheet, right: Sheet, near: float, grid: Array) -> Coexistence:
    """Two neighbours where they meet."""
    place = _crossing(left, right, near, grid)
    crossing = place is not None
    if place is None:
        place = near
    (one,), (one_error,) = left.share([place])
    (two,), (two_error,) = right.share([place])
    excess, noise = _excess(left, right, place)
    missing = 0.0 if crossing else abs(excess)
    return Coexistence(
        left, right, place, (noise + missing) / max(float(two - one), _NARROWEST),
        (float(one), float(two)),
        (float(one_error), float(two_error)), crossing,
    )  # fmt: skip


def _excess(left: Sheet, right: Sheet, difference: float) -> tuple[float, float]:
    """Grand potential of the left phase less that of the right one, and its error."""
    (one,), (one_error,) = left.grand_potential([difference])
    (two,), (two_error,) = right.grand_potential([difference])
    return float(one - two), float(np.hypot(one_error, two_error))


def _crossing(left: Sheet, right: Sheet, near: float, grid: Array) -> float | None:
    """Where the left phase begins to have the higher grand potential, nearest to a place."""
    both = grid[left.covers(grid) & right.covers(grid)]
    if not len(both):
        return None
    excess = left.grand_potential(both)[0] - right.grand_potential(both)[0]
    changes = np.flatnonzero((excess[:-1] <= 0) & (excess[1:] > 0))
    if not len(changes):
        return None
    number = int(changes[np.argmin(np.abs(both[changes] - near))])
    return float(
        brentq(lambda place: _excess(left, right, place)[0], both[number], both[number + 1])
    )


def _boundary(left: Sheet, right: Sheet, near: float) -> Boundary:
    """At the end of an ordered phase, half of the smallest step beyond it, or where it is said."""
    place, error = near, 0.0
    for ordered, end, sign in ((left, -1, 1.0), (right, 0, -1.0)):
        last = float(ordered.difference[end])
        if ordered.ordered and sign * (near - last) >= 0:
            error = 0.5 * ordered.reach
            place = last + sign * error
    other = right if left.ordered else left
    (share,), (noise,) = other.share([place])
    slope = float(np.interp(place, other.difference, other.response))
    return Boundary(left, right, place, error, float(share), float(np.hypot(noise, slope * error)))
