"""Monte Carlo at falling temperatures in drawn supercells, until an arrangement extrapolates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from maxvolt.campaign.lattice.drawing import draw_arrangement, new_among
from maxvolt.campaign.lattice.settings import LatticeSettings, WalksSection
from maxvolt.campaign.record.fingerprints import derived_seed
from maxvolt.fitting.lattice import Arrangement
from maxvolt.potentials.lattice import Chain, Hamiltonian, LowRankEnsemble, LowRankPotential
from maxvolt.selection.lattice import ArrangementSelection, LatticeActiveSet, LatticeCommittee
from maxvolt.threads import map_ranges

__all__ = ["Grader", "Walk", "grader_of", "run_walks"]


class Grader(Protocol):
    """What tells how far arrangements extrapolate: an active set or a committee."""

    def grade(self, arrangements: Sequence[Arrangement]) -> NDArray[np.float64]:
        """Grades of arrangements, shape (m,)."""

    def select(
        self, candidates: Sequence[Arrangement], *, threshold: float, limit: int | None = None
    ) -> ArrangementSelection:
        """Select candidates above the threshold, at most `limit` of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """What a walk has found.

    Attributes
    ----------
    candidates
        Arrangements with grades above `select`, up to the one at which it ended.
    largest
        Largest grade.
    is_break
        Whether it ended at a grade of `break` or more.
    steps, total
        Graded arrangements until its end, and those of a whole walk.
    """

    candidates: list[Arrangement]
    largest: float
    is_break: bool
    steps: int
    total: int


def grader_of(
    ensemble: LowRankEnsemble, training: Sequence[Arrangement], settings: LatticeSettings
) -> Grader:
    """What the settings ask for; an active set is that of the first member."""
    selection = settings.selection
    if selection.strategy == "committee":
        return LatticeCommittee(ensemble, selection.scale)
    return LatticeActiveSet(ensemble.members[0], tuple(training), selection.damping)


def run_walks(
    ensemble: LowRankEnsemble,
    grader: Grader,
    settings: LatticeSettings,
    iteration: int,
    refused: Sequence[Arrangement],
    threads: int,
    progress: Callable[[int, int], None],
) -> list[Walk]:
    """Run all walks of an iteration, some at once.

    Parameters
    ----------
    ensemble
        Each walk follows one of its members, in turn.
    grader
        Of arrangements on the way.
    settings
        Of walks, supercells, thresholds.
    iteration
        Of which the random numbers are.
    refused
        Arrangements that cannot be labelled: walks pass them by.
    threads
        How many walks at once.
    progress
        Is told how many walks are done, and of how many.
    """
    found: list[Walk] = []
    count = settings.walks.walks

    def run(number: int, _: int) -> list[Arrangement]:
        seed = derived_seed(settings.campaign.seed, "walk", iteration, number)
        generator = np.random.default_rng(seed)
        start = draw_arrangement(ensemble.parent, settings.drawn, generator)
        member = ensemble.members[number % len(ensemble.members)]
        return _snapshots(member, start, settings.walks, int(generator.integers(2**62)))

    for snapshots in map_ranges(run, [(number, 0) for number in range(count)], threads):
        grades = grader.grade(snapshots)
        if refused:
            kinds = ensemble.members[0].environments
            new = new_among(ensemble.parent, kinds, refused, snapshots)
            # What is no first occurrence either has its grade there.
            grades[np.setdiff1d(np.arange(len(snapshots)), new)] = 0.0
        found.append(_judged(snapshots, grades, settings))
        progress(len(found), count)
    return found


def _snapshots(
    potential: LowRankPotential, start: Arrangement, walks: WalksSection, seed: int
) -> list[Arrangement]:
    """The start, and arrangements at intervals."""
    chain = Chain(Hamiltonian.of(potential, start.supercell), start.occupation, seed)
    attempts = walks.sweeps // walks.snapshots * len(start.occupation)
    found = [start]
    for temperature in walks.temperatures:
        for _ in range(walks.snapshots):
            chain.run(temperature, attempts)
            found.append(replace(start, occupation=chain.occupation))
    return found


def _judged(snapshots: list[Arrangement], grades: NDArray[Any], settings: LatticeSettings) -> Walk:
    """Apply both thresholds."""
    selection = settings.selection
    breaks = np.flatnonzero(grades >= selection.break_)
    steps = int(breaks[0]) + 1 if len(breaks) else len(snapshots)
    above = np.flatnonzero(grades[:steps] > selection.select)
    if selection.strategy == "committee" and len(above):
        # A committee cannot say which of them are alike, and those of a walk are.
        above = above[[int(np.argmax(grades[above]))]]
    return Walk(
        [snapshots[number] for number in above],
        float(grades[:steps].max()),
        bool(len(breaks)),
        steps,
        len(snapshots),
    )
