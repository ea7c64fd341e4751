"""Paths on which the phases of a binary alloy are followed, and what is found on them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from hashlib import sha256
from pathlib import Path as FilePath
from typing import Literal

import numpy as np
from ase.units import kB
from numpy.typing import NDArray

from maxvolt.archives import kept_arrays
from maxvolt.files import replacing
from maxvolt.potentials.lattice.potential import LowRankPotential
from maxvolt.properties.lattice.phases.ensemble import (
    Excitations,
    Moments,
    PhaseCell,
    PhaseChain,
)
from maxvolt.properties.lattice.phases.following import (
    AlongPotential,
    AlongTemperature,
    Followed,
    Start,
    follow,
)
from maxvolt.properties.lattice.phases.ground_states import GroundState

__all__ = ["Branch", "Branches", "Place", "Sweeps"]

_FEW = 1e-3
"""Share of sites that are excited where the expansion of equation (221) is left: pairs of them add
the square of it, times neighbours, to the grand potential over k_B T."""

_LONGER = 5
"""Times more sweeps where two phases coexist: what is asked for is their concentrations."""

_WAY = 2
"""Of following phases: paths that were kept by another one are made again."""

_SAME = 1e-9
"""Relative difference of temperatures that are one."""


@dataclass(frozen=True, slots=True)
class Sweeps:
    """How long each place is simulated, and how large.

    Attributes
    ----------
    repeats
        Of the primitive cell; rounded to the period of each ordered phase.
    equilibration, production
        Sweeps.
    seed
        Of the random numbers.
    """

    repeats: tuple[int, int, int]
    equilibration: int
    production: int
    seed: int


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of a phase at one temperature and difference of chemical potentials.

    Attributes
    ----------
    temperature : K
    difference : eV
        Chemical potential of the second species less that of the first.
    potential, error : eV per site
        Grand potential; NaN at a place that no path leads to.
    moments
        Means and fluctuations.
    """

    temperature: float
    difference: float
    potential: float
    error: float
    moments: Moments


@dataclass(frozen=True, slots=True)
class Branch:
    """One path.

    Attributes
    ----------
    phase
        Number of the ground state it begins with.
    kind
        ``"isotherm"``: from the pure element along the difference of chemical potentials.
        ``"heating"``: from the ground state along the temperature. ``"cooling"``: so from infinite
        temperature. ``"outward"``: an isotherm that begins at a place of one of these two.
        ``"coexistence"``: one place.
    fixed
        Difference of chemical potentials (eV) of heating and cooling, else the temperature (K).
    values
        Of the other one, in their order.
    run
        Number of the repetition.
    start
        Concentration of random arrangements to begin with; NaN: the ground state.
    known
        Where it begins.
    """

    phase: int
    kind: Literal["isotherm", "heating", "cooling", "outward", "coexistence"]
    fixed: float
    values: tuple[float, ...]
    run: int
    start: float = float("nan")
    known: Place | None = None


Array = NDArray[np.float64]

_COLUMNS = 4 + len(fields(Moments))


class Branches:
    """Follows paths of one potential, each once.

    Parameters
    ----------
    potential
        Energies.
    states
        Ground states, the pure ones first and last.
    sweeps
        How long.
    folder
        Keeps each path that is done.
    """

    def __init__(
        self,
        potential: LowRankPotential,
        states: list[GroundState],
        sweeps: Sweeps,
        folder: FilePath | None,
    ) -> None:
        self.states = states
        self._sweeps, self._folder = sweeps, folder
        self._digest = f"{_WAY} {potential.digest} {sweeps}"
        self._cells = [PhaseCell.of(potential, one, sweeps.repeats, states) for one in states]
        self.excitations = [Excitations.of(one) for one in self._cells]

    def places(self, branch: Branch) -> list[Place]:
        """Follow a path, or read what was kept of it."""
        state = self.states[branch.phase]
        content = self._digest + repr(branch) + repr(state.occupation.tolist())
        digest = sha256(content.encode() + state.supercell.vectors.tobytes()).hexdigest()
        path = None
        if self._folder is not None:
            path = self._folder / f"{branch.kind}-{branch.fixed:.4f}-{digest[:16]}.npz"
            if path.exists():
                return _read(path)
        chain = self._chain(branch, int(digest[:12], 16))
        rows = _rows(_FOLLOW[branch.kind](chain, self.excitations[branch.phase], branch))
        if path is not None:
            with replacing(path) as file:
                np.savez(file, places=rows)
        return _places(rows)  # as they are read again: their digits name what follows

    def _chain(self, branch: Branch, number: int) -> PhaseChain:
        cell = self._cells[branch.phase]
        occupation, n = cell.pattern, len(cell.pattern)
        share = 0.5 if branch.kind == "cooling" else branch.start
        if np.isfinite(share):
            ranks = np.argsort(np.argsort(np.random.default_rng(number).random(n)))
            occupation = (ranks < round(share * n)).astype(np.int64)
        longer = _LONGER if branch.kind == "coexistence" else 1
        sweeps = self._sweeps
        return PhaseChain(
            cell, occupation, longer * sweeps.equilibration, longer * sweeps.production, number
        )


def _isotherm(chain: PhaseChain, excitations: Excitations, branch: Branch) -> list[Place]:
    beta = 1.0 / (kB * branch.fixed)
    first, *others = branch.values
    known = beta * excitations.grand_potential(beta, first)
    start = Start(beta * first, known, excitations.moments(beta, first))
    along = follow(chain, AlongPotential(beta), start, [beta * one for one in others])
    return [_place(beta, one.value / beta, one) for one in along]


def _heating(chain: PhaseChain, excitations: Excitations, branch: Branch) -> list[Place]:
    difference = branch.fixed
    begin = excitations.hottest(difference, _FEW)
    betas = [1.0 / (kB * one) for one in branch.values]
    found = [
        Place(
            1.0 / (kB * beta), difference, excitations.grand_potential(beta, difference), 0.0,
            excitations.moments(beta, difference),
        )
        for beta in betas
        if beta >= begin
    ]  # fmt: skip
    known = begin * excitations.grand_potential(begin, difference)
    start = Start(begin, known, excitations.moments(begin, difference))
    hotter = [beta for beta in betas if beta < begin]
    along = follow(chain, AlongTemperature(difference), start, hotter)
    return found + _wanted(along, difference, betas)


def _cooling(chain: PhaseChain, excitations: Excitations, branch: Branch) -> list[Place]:
    difference = branch.fixed
    betas = [1.0 / (kB * one) for one in branch.values]
    start = Start(0.0, -float(np.log(2.0)), chain.measure(0.0, difference))
    along = follow(chain, AlongTemperature(difference), start, betas)
    return _wanted(along, difference, betas)


def _outward(chain: PhaseChain, excitations: Excitations, branch: Branch) -> list[Place]:
    beta, known = 1.0 / (kB * branch.fixed), branch.known
    if known is None:
        raise AssertionError("a path outward begins at a place that is known")
    chain.settle(beta, known.difference)
    start = Start(
        beta * known.difference, beta * known.potential, known.moments, beta * known.error
    )
    values = [beta * one for one in branch.values]
    along = follow(chain, AlongPotential(beta), start, values)
    return [_place(beta, one.value / beta, one) for one in along]


def _coexistence(chain: PhaseChain, excitations: Excitations, branch: Branch) -> list[Place]:
    (difference,) = branch.values
    moments = chain.measure(1.0 / (kB * branch.fixed), difference)
    return [Place(branch.fixed, difference, float("nan"), float("nan"), moments)]


_FOLLOW = {
    "isotherm": _isotherm, "heating": _heating, "cooling": _cooling, "outward": _outward,
    "coexistence": _coexistence,
}  # fmt: skip


def _wanted(along: list[Followed], difference: float, betas: list[float]) -> list[Place]:
    return [
        _place(one.value, difference, one)
        for one in along[1:]
        if any(abs(one.value - beta) < _SAME * beta for beta in betas)
    ]


def _place(beta: float, difference: float, one: Followed) -> Place:
    return Place(1.0 / (kB * beta), difference, one.reduced / beta, one.error / beta, one.moments)


def _rows(found: list[Place]) -> Array:
    rows = [
        [one.temperature, one.difference, one.potential, one.error]
        + [getattr(one.moments, field.name) for field in fields(Moments)]
        for one in found
    ]
    return np.array(rows, float).reshape(-1, _COLUMNS)


def _places(rows: Array) -> list[Place]:
    return [
        Place(kelvin, difference, potential, error, Moments(*others))
        for kelvin, difference, potential, error, *others in rows.tolist()
    ]


def _read(path: FilePath) -> list[Place]:
    with kept_arrays(path, "path that is done") as arrays:
        rows = arrays["places"]
        if rows.ndim != 2 or rows.shape[1] != _COLUMNS or rows.dtype != float:
            raise ValueError(f"an array of shape {rows.shape}")
    return _places(rows)
