"""A search as a scenario: its relaxations run under the two-threshold rule."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.sampling import Relaxation, SamplingResult, StopReason, Thresholds
from maxvolt.sampling.scenario import KeepsJournal, Progress
from maxvolt.search.candidates import Candidate
from maxvolt.search.journal import Journal
from maxvolt.search.methods import method_of
from maxvolt.search.searching import Searching, SearchResult
from maxvolt.search.settings import SearchSettings

__all__ = ["StructureSearch"]


@dataclass(frozen=True, slots=True, eq=False)
class StructureSearch(KeepsJournal):
    """A search for the structures of the lowest energy.

    It ends with the first generation in which too many candidates break, so that the potential
    learns what stopped them before more is searched with it. One in which no candidate comes to
    rest has failed.

    Parameters
    ----------
    name
        Name of the scenario.
    settings
        What is searched for; its seed is added to that of the run.
    copies
        Independent searches, each a part of its own.
    break_share
        Share of the candidates of a generation that may break without ending the search.
    seeds
        Structures to begin with: what was found before.
    part
        Number of this part.

    Raises
    ------
    DataError
        They are impossible; the message names the parameter.
    """

    name: str
    settings: SearchSettings
    copies: int = 1
    break_share: float = 0.0
    seeds: Dataset | None = None
    part: int = 0

    def __post_init__(self) -> None:
        if self.copies < 1 or not 0 <= self.break_share < 1:
            raise DataError(
                f"search {self.name!r}: expected copies of at least 1 and break_share from 0 to "
                f"below 1; got {self.copies} and {self.break_share}"
            )

    @property
    def structures(self) -> Dataset:
        """Seeds, or the candidates of the first generation."""
        if self.seeds is not None and len(self.seeds):
            return self.seeds
        return self.first_candidates()

    @property
    def total_steps(self) -> int:
        """Number of candidates, without seeds."""
        return self.copies * self.settings.generations * self.settings.population

    def first_candidates(self) -> Dataset:
        """Random structures of the first generation."""
        proposals = method_of(self.settings).propose(0)
        return Dataset.from_atoms([proposal.atoms for proposal in proposals])

    def check(self) -> None:
        """Look for the libraries that it needs.

        Raises
        ------
        MaxvoltError
            Says what to install, or which structure it cannot begin with.
        """
        method_of(self.settings, self._seeds())

    def split(self) -> tuple[StructureSearch, ...]:
        """Return the independent searches."""
        return tuple(replace(self, copies=1, part=self.part + k) for k in range(self.copies))

    def run(
        self,
        calculator: Calculator,
        thresholds: Thresholds,
        *,
        seed: int,
        progress: Progress | None = None,
        journal: Path | None = None,
    ) -> SamplingResult:
        """Search; see `Scenario.run`.

        Parameters
        ----------
        journal
            Where generations are written down, from which an interrupted search goes on.
        """
        began = time.perf_counter()
        settings = replace(self.settings, seed=self.settings.seed + seed)
        seeds = self._seeds()

        def relax(task: Relaxation) -> list[SamplingResult]:
            calculator.reset()  # nothing of an earlier generation must be left in its results
            return [task.run(calculator, thresholds)]

        kept = None
        if journal is not None:
            rule = {"select": thresholds.select, "break": thresholds.stop, "part": self.part}
            kept = Journal(journal, {**settings.to_dict(), **rule}, strict=False)
        searching = Searching(settings, method_of(settings, seeds), relax, kept)
        found = searching.result(progress=progress, ends=self._has_broken)
        return self._sampled(found, searching.generation, began)

    def _seeds(self) -> list[Atoms]:
        return [] if self.seeds is None else self.seeds.to_atoms()

    def _has_broken(self, candidates: Sequence[Candidate]) -> bool:
        broken = sum(one.is_break for one in candidates)
        return broken > self.break_share * len(candidates)

    def _sampled(self, found: SearchResult, generations: int, began: float) -> SamplingResult:
        """What a campaign reads of it."""
        all_of_them = len(found.candidates)
        counts = Counter(str(one.reason) for one in found.candidates)
        texts = ", ".join(f"{number} {reason}" for reason, number in sorted(counts.items()))
        newest = [one for one in found.candidates if one.generation == generations - 1]
        broken = [one.reason for one in newest if one.is_break]
        stopped = self._has_broken(newest)
        reason = broken[0] if stopped else StopReason.FINISHED
        message = f"{generations} of {self.settings.generations} generations: {texts}"
        if not stopped and found.best is None:
            reason = StopReason.FAILED
            message += f"; no candidate came to rest: {found.candidates[0].message}"
        last = found.best or found.candidates[-1]
        return SamplingResult(
            scenario=self.name,
            part=self.part,
            reason=reason,
            message=message,
            steps=0 if reason is StopReason.FAILED else all_of_them - found.n_breaks,
            total_steps=max(self.total_steps, all_of_them) if stopped else all_of_them,
            extrapolative=Dataset.from_atoms([self._own(one) for one in found.extrapolative]),
            last=last.atoms,
            grades=np.array([one.grade for one in found.candidates]),
            seconds=time.perf_counter() - began,
            findings=found.structures(),
        )

    def _own(self, atoms: Atoms) -> Atoms:
        atoms.info.update(config_type=self.name, scenario=self.name, part=self.part)
        return atoms
