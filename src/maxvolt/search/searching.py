"""The loop of a search: propose, relax, write down, keep the best."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from ase import Atoms

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError, MaxvoltError
from maxvolt.files import make_folder
from maxvolt.sampling import Relaxation, RelaxationOutcome, SamplingResult, Thresholds
from maxvolt.sampling.processes import WorkerPool
from maxvolt.sampling.runner import run_tasks
from maxvolt.sampling.workers import CalculatorFactory, Task
from maxvolt.search.candidates import Candidate, Proposal, atoms_to_dict
from maxvolt.search.journal import Generation, Journal
from maxvolt.search.methods import method_of
from maxvolt.search.population import Population
from maxvolt.search.randomness import SearchMethod
from maxvolt.search.settings import SearchSettings
from maxvolt.search.space_groups import space_group

__all__ = ["JOURNAL", "TOGETHER", "Relax", "SearchResult", "Searching", "search"]

JOURNAL = "search.jsonl"
"""Name of the journal in the folder of a search."""

TOGETHER = 24
"""Candidates that one process relaxes at once: the same ones however many processes there are."""

Relax = Callable[[Relaxation], Sequence[SamplingResult]]
"""Relaxes the candidates of a generation; the results of parts in their order."""


@dataclass(frozen=True, slots=True, eq=False)
class SearchResult:
    """What a search has found.

    Attributes
    ----------
    settings
    population
        The best distinct structures, the lowest first.
    candidates
        All that were relaxed, in their order.
    extrapolative
        Structures that extrapolated on the way of candidates, without labels.
    """

    settings: SearchSettings
    population: Population
    candidates: tuple[Candidate, ...]
    extrapolative: tuple[Atoms, ...] = ()

    @property
    def best(self) -> Candidate | None:
        """The lowest structure; None where no candidate was relaxed."""
        return self.population.members[0] if len(self.population) else None

    @property
    def n_breaks(self) -> int:
        """Candidates that the potential failed."""
        return sum(one.is_break for one in self.candidates)

    def structures(self) -> Dataset:
        """The population with its energies, as a `Dataset`."""
        return Dataset.from_atoms([one.labelled() for one in self.population.members])

    def to_dict(self) -> dict[str, Any]:
        """Plain values, units in the keys."""
        rows = zip(self.population.members, self.population.heights, strict=True)
        return {
            "candidates": len(self.candidates),
            "relaxed": sum(one.is_relaxed for one in self.candidates),
            "broken": self.n_breaks,
            "population": [
                {
                    "space_group": space_group(one.atoms),
                    "formula": one.atoms.get_chemical_formula("metal"),
                    "atoms": len(one.atoms),
                    "enthalpy_eV_per_atom": one.enthalpy / len(one.atoms),
                    "energy_eV": one.energy,
                    "height_eV_per_atom": float(height),
                    "candidate": one.number,
                    "generation": one.generation,
                    "origin": one.origin,
                    "grade": one.grade,
                }
                for one, height in rows
            ],
        }


@dataclass(slots=True, eq=False)
class Searching:
    """A search while it goes on, generation by generation.

    Parameters
    ----------
    settings
    method
        Proposes candidates.
    relax
        Relaxes them.
    journal
        Keeps generations, and holds those that are done; None: nothing is kept.
    """

    settings: SearchSettings
    method: SearchMethod
    relax: Relax
    journal: Journal | None = None
    candidates: list[Candidate] = field(default_factory=list)
    extrapolative: list[Atoms] = field(default_factory=list)
    generation: int = 0

    def result(
        self,
        *,
        progress: Callable[[int], None] | None = None,
        ends: Callable[[Sequence[Candidate]], bool] = lambda _: False,
    ) -> SearchResult:
        """Go on until all generations are done.

        Parameters
        ----------
        progress
            Told the number of candidates that are done.
        ends
            Asked after each generation, with its candidates, whether to end here.
        """
        population = Population(self.settings)
        done = [] if self.journal is None else list(self.journal.generations)
        while self.generation < self.settings.generations:
            if self.generation < len(done):
                made = done[self.generation]
            else:
                made = self._made(self.method.propose(self.generation))
                if self.journal is not None:
                    self.journal.append(made)
            candidates, extrapolative = made
            self.candidates += candidates
            self.extrapolative += extrapolative
            population = population.with_candidates(candidates)
            self.method.learn(candidates, population)
            self.generation += 1
            if progress is not None:
                progress(len(candidates))
            if ends(candidates):
                break
        found = tuple(self.candidates), tuple(self.extrapolative)
        return SearchResult(self.settings, population, *found)

    def _made(self, proposals: Sequence[Proposal]) -> Generation:
        """Relax the candidates of a generation."""
        settings, first = self.settings, len(self.candidates)
        task = Relaxation(
            "search",
            Dataset.from_atoms([one.atoms for one in proposals]),
            pressure=settings.pressure,
            force_tolerance=settings.force_tolerance,
            stress_tolerance=settings.stress_tolerance,
            cell=not settings.cluster,
            max_steps=settings.max_steps,
            limits=settings.limits,
            first=first,
        )
        results = self.relax(task)
        outcomes: list[RelaxationOutcome] = [one for part in results for one in part.candidates]
        if len(outcomes) < len(proposals):
            lost = next(part.message for part in results if not part.candidates)
            raise MaxvoltError(
                f"search, generation {self.generation}: candidates were lost: {lost}"
            )
        candidates = [
            Candidate.of(first + k, self.generation, proposal, outcome, settings.pressure)
            for k, (proposal, outcome) in enumerate(zip(proposals, outcomes, strict=True))
        ]
        return candidates, [atoms for part in results for atoms in part.extrapolative]


def search(
    calculator_factory: CalculatorFactory,
    settings: SearchSettings,
    folder: str | Path | None = None,
    *,
    thresholds: Thresholds | None = None,
    seeds: Sequence[Atoms] = (),
    potential: str = "",
    executor: Executor | int = 1,
    together: int = TOGETHER,
    progress: Callable[[int], None] | None = None,
) -> SearchResult:
    """Search for the structures of the lowest energy.

    What is in the folder already is not made again, so that a search goes on after a kill, and that
    one that has ended can be given more generations; all that it has count, also where fewer are
    asked for. The result does not depend on kills, nor on the number of processes.

    Parameters
    ----------
    calculator_factory
        Makes a calculator, see `maxvolt.iterate_scenarios`: any of ASE with forces, and with
        stresses for crystals.
    settings
        What is searched for.
    folder
        Where the journal is kept; None: nowhere.
    thresholds
        From which grades on structures are kept, and relaxations stopped; None: 2 and 10.
    seeds
        Structures to begin with.
    potential
        What identifies the calculator: a folder of another one is refused.
    executor
        An executor of `concurrent.futures`, or the number of processes of this machine.
    together
        Candidates of a generation that one process relaxes at once. Fewer let more processes work,
        and cost more time of each; energies change in their last digits.
    progress
        Told the number of candidates that are done.

    Returns
    -------
    result

    Raises
    ------
    DataError
        The settings or `together` are impossible, or a seed is not what they ask for; the journal
        is damaged, or of another search.
    MaxvoltError
        A library is missing, or a process was lost.
    """
    rule = Thresholds() if thresholds is None else thresholds
    asked = {
        **settings.to_dict(),
        "potential": potential,
        "select": rule.select,
        "break": rule.stop,
        "seeds": [atoms_to_dict(atoms, info=False) for atoms in seeds],
    }
    if together < 1:
        raise DataError(f"search: together must be at least 1, not {together}")
    if together != TOGETHER:
        asked["together"] = together
    method = method_of(settings, seeds)  # told before there is a folder, if something is missing
    pool = None if executor == 1 else WorkerPool(executor)
    with _journal(folder, asked) as journal:
        relax = partial(_relaxed, calculator_factory, rule, pool, together)
        if journal is not None:  # a search is never made shorter than it is
            generations = max(settings.generations, len(journal.generations))
            settings = replace(settings, generations=generations)
        searching = Searching(settings, method, relax, journal)
        if pool is None:
            return searching.result(progress=progress)
        with pool:
            return searching.result(progress=progress)


def _relaxed(
    factory: CalculatorFactory,
    thresholds: Thresholds,
    pool: WorkerPool | None,
    together: int,
    task: Relaxation,
) -> list[SamplingResult]:
    """Relax some candidates at once in each process."""
    structures = task.structures
    parts = [
        replace(
            task,
            structures=structures.select(
                list(range(first, min(first + together, len(structures))))
            ),
            part=first // together,
            first=task.first + first,
        )
        for first in range(0, len(structures), together)
    ]
    tasks = [Task(part, thresholds, 0) for part in parts]
    results = list(run_tasks(tasks, factory, pool))
    return sorted(results, key=lambda result: result.part)


@contextmanager
def _journal(folder: str | Path | None, asked: dict[str, Any]) -> Iterator[Journal | None]:
    """The journal of a folder, which no other process works on at the same time."""
    if folder is None:
        yield None
        return
    path = Path(folder)
    try:
        make_folder(path)
    except (FileExistsError, NotADirectoryError) as error:
        raise DataError(f"{path}: is a file; give the name of a folder") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be made: {error.strerror or error}") from error
    with _alone(path / JOURNAL):
        yield Journal(path / JOURNAL, asked)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the journal for this process; the system lets go of it when the process ends."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise DataError(f"{path}: cannot be opened: {error.strerror or error}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(
                f"{path}: another process works on this search; wait until it has ended"
            ) from None
        yield
    finally:
        os.close(descriptor)
