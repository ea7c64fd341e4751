"""Temperature-composition diagrams of binary alloys on a lattice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from ase.units import kB
from numpy.typing import ArrayLike, NDArray

from maxvolt.errors import SettingsError
from maxvolt.files import make_folder
from maxvolt.potentials.lattice.potential import LowRankPotential
from maxvolt.potentials.lattice.supercells import Supercell
from maxvolt.properties.lattice.phases.branches import Branch, Branches, Place, Sweeps
from maxvolt.properties.lattice.phases.ensemble import has_left
from maxvolt.properties.lattice.phases.equilibrium import (
    Coexistence,
    Equilibrium,
    equilibrium,
    resolved,
)
from maxvolt.properties.lattice.phases.ground_states import GroundState, ground_states
from maxvolt.properties.lattice.phases.plan import PhaseDiagramSettings, Plan
from maxvolt.properties.lattice.phases.sheets import Sheet, averaged
from maxvolt.properties.statistics import weighted_line
from maxvolt.threads import map_ranges, thread_count

__all__ = ["PhaseDiagram", "consolute_temperature", "phase_diagram"]

Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]

_AS_FOLLOWED = 0.05
"""Concentration from which a place of coexistence is at most away from its phase as followed."""

_ISING = 0.3265
"""Critical exponent of the order parameter in three dimensions: A. Pelissetto and E. Vicari, Phys.
Rep. 368, 549 (2002)."""


@dataclass(frozen=True, slots=True, eq=False)
class PhaseDiagram:
    """What is stable at each temperature.

    Attributes
    ----------
    species
        The two.
    states
        Ground states, by rising share of the second species.
    equilibria
        One for each temperature, rising.
    """

    species: tuple[str, ...]
    states: list[GroundState]
    equilibria: list[Equilibrium]

    def name(self, sheet: Sheet) -> str:
        """Name of an ordered phase, or ``solution``."""
        return self.states[sheet.phase].name if sheet.ordered else "solution"

    def mixing(self, one: Equilibrium, count: int = 80) -> dict[str, list[Any]]:
        """Free energy of mixing of the stable phases, eV per site, against the concentration.

        It is relative to the pure elements, whose free energy on the lattice is their energy.
        """
        found: dict[str, list[Any]] = {
            key: [] for key in ("difference", "concentration", "free_energy", "error", "phase")
        }
        first, last = self.states[0].energy, self.states[-1].energy
        spaced = np.linspace(0, len(one.differences) - 1, count).astype(int)
        for place in spaced[one.stable[spaced] >= 0].tolist():
            sheet, difference = one.sheets[one.stable[place]], float(one.differences[place])
            (potential,), (error,) = sheet.grand_potential([difference])
            share = float(sheet.share([difference])[0][0])
            free = potential + difference * share - (1 - share) * first - share * last
            row = (difference, share, float(free), float(error), self.name(sheet))
            for key, value in zip(found, row, strict=True):
                found[key].append(value)
        return found

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values; K, eV per site, shares of the second species."""
        return {
            "species": list(self.species),
            "ground_states": [
                {"name": one.name, "concentration": one.concentration, "energy": one.energy,
                 "sites": len(one.occupation)}
                for one in self.states
            ],
            "temperatures": [self._at(one) for one in self.equilibria],
        }  # fmt: skip

    def _at(self, one: Equilibrium) -> dict[str, Any]:
        return {
            "temperature": one.temperature,
            "two_phase_regions": [
                {
                    "phases": [self.name(two.left), self.name(two.right)],
                    "concentrations": list(two.concentrations), "errors": list(two.errors),
                    "difference": two.difference, "difference_error": two.difference_error,
                    "crossing": two.crossing,
                }
                for two in one.coexistences
            ],
            "continuous_boundaries": [
                {"phases": [self.name(two.left), self.name(two.right)],
                 "concentration": two.concentration, "error": two.concentration_error,
                 "difference": two.difference, "difference_error": two.difference_error}
                for two in one.boundaries
            ],
            "not_followed": [list(gap) for gap in one.uncovered()],
            "mixing": self.mixing(one),
        }  # fmt: skip


def phase_diagram(
    potential: LowRankPotential,
    arrangements: Iterable[tuple[Supercell, NDArray[np.integer[Any]]]],
    settings: PhaseDiagramSettings,
    *,
    folder: str | Path | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> PhaseDiagram:
    """Follow all phases, and find which are stable.

    Parameters
    ----------
    potential
        Energies; of two species, both on all sites.
    arrangements
        Candidates for ground states; those on the convex hull are followed.
    settings
        Temperatures, size, lengths.
    folder
        Keeps each path that is done; the same call goes on from there.
    threads
        That simulate at once; None: as many as there are cores.
    progress
        Begins a bar of so many steps with a name; what it yields is told how many were done.

    Raises
    ------
    SettingsError
        The potential is of other species.
    """
    states = ground_states(potential, arrangements)
    if folder is not None:
        make_folder(Path(folder))
    sweeps = Sweeps(settings.repeats, settings.equilibration, settings.production, settings.seed)
    branches = Branches(potential, states, sweeps, None if folder is None else Path(folder))
    plan = Plan(branches, settings)
    found: dict[Branch, list[Place]] = {}
    bars = progress or _no_bar

    def follow(name: str, todo: list[Branch]) -> None:
        with bars(name, len(todo)) as advance:
            ranges = [(number, number + 1) for number in range(len(todo))]
            done = map_ranges(
                lambda first, _: branches.places(todo[first]), ranges, thread_count(threads)
            )
            for branch, places in zip(todo, done, strict=True):
                found[branch] = places
                advance(1)

    follow("known limits", plan.first())
    follow("phases", plan.outward(found))
    rough = [equilibrium(kelvin, plan.sheets(found, kelvin)) for kelvin in plan.temperatures]
    again = [[_coexisting(one.temperature, two, settings.runs) for two in one.coexistences]
             for one in rough]  # fmt: skip
    follow("coexistence", [
        branch for at_one in again for both in at_one for side in both for branch in side
    ])  # fmt: skip
    equilibria = [
        resolved(one, [
            _refined(one.temperature, two, [[found[branch][0] for branch in side] for side in both])
            for two, both in zip(one.coexistences, at_one, strict=True)
        ])
        for one, at_one in zip(rough, again, strict=True)
    ]  # fmt: skip
    return PhaseDiagram(potential.species, states, equilibria)


def _no_bar(name: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
    return nullcontext(lambda _: None)


def _coexisting(kelvin: float, one: Coexistence, runs: int) -> list[list[Branch]]:
    """Simulations of each of two phases where they coexist."""
    return [
        [
            Branch(
                sheet.phase, "coexistence", kelvin, (one.difference,), run,
                float("nan") if sheet.ordered else share,
            )
            for run in range(runs)
        ]
        for sheet, share in zip((one.left, one.right), one.concentrations, strict=True)
    ]  # fmt: skip


def _refined(kelvin: float, one: Coexistence, again: list[list[Place]]) -> Coexistence:
    """Take concentrations from these simulations, unless a phase has been left."""
    shares, errors = [], []
    before = zip((one.left, one.right), one.concentrations, one.errors, strict=True)
    for places, (sheet, share, error) in zip(again, before, strict=True):
        found = [place.moments for place in places]
        mean, noise = averaged(
            [run.concentration for run in found], [run.concentration_error for run in found]
        )
        response = float(np.mean([run.susceptibility for run in found])) / (kB * kelvin)
        lost = any(has_left(run, ordered=sheet.ordered) for run in found)
        if lost or abs(mean - share) > max(_AS_FOLLOWED, 4 * noise):
            mean, noise, response = share, error, 0.0
        shares.append(mean)
        errors.append(float(np.hypot(noise, response * one.difference_error)))
    refined = replace(one, concentrations=(shares[0], shares[1]), errors=(errors[0], errors[1]))
    # Near a critical point each simulation visits both phases: then paths know more of them.
    return one if one.is_wide and not refined.is_wide and refined.allows(one) else refined


def consolute_temperature(
    temperatures: Sequence[float], widths: ArrayLike, errors: ArrayLike, exponent: float = _ISING
) -> tuple[float, float]:
    """Extrapolate where a two-phase region closes: its width to the power 1/exponent is linear.

    Parameters
    ----------
    temperatures : K
        Near the critical one; at least two.
    widths, errors
        Differences of the concentrations of both phases.
    exponent
        Of the order parameter, 0.3265 in three dimensions and 1/8 in two.

    Returns
    -------
    temperature, error : K

    Raises
    ------
    SettingsError
        There are fewer than two, or widths do not fall.
    """
    width, noise = np.asarray(widths, float), np.asarray(errors, float)
    if len(width) < 2 or (width <= 0).any() or (noise <= 0).any():
        raise SettingsError("a consolute temperature needs two widths, and errors, above zero")
    powers = width ** (1 / exponent)
    spread = powers * noise / (exponent * width)
    (level, slope), covariance = weighted_line(temperatures, powers.tolist(), spread.tolist())
    if slope >= 0:
        raise SettingsError("the two-phase region does not become narrower with the temperature")
    found = -level / slope
    gradient = np.array([-1.0, level / slope]) / slope
    return float(found), float(np.sqrt(gradient @ covariance @ gradient))
