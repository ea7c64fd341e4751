"""Relaxation of many candidates as a scenario: atoms and cells, each with its own end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

from ase.calculators.calculator import Calculator

from maxvolt.sampling.evaluators import EvaluatesBatches
from maxvolt.sampling.relaxation_settings import RelaxationSettings
from maxvolt.sampling.relaxing_batch import Relaxed, RelaxingBatch
from maxvolt.sampling.results import SamplingResult
from maxvolt.sampling.rule import Thresholds
from maxvolt.sampling.scenario import Progress

__all__ = ["Relaxation"]

_PART = 4000
"""Atoms of a part, which is one task of a worker: about a second for small candidates."""


@dataclass(frozen=True, slots=True, eq=False)
class Relaxation(RelaxationSettings):
    """Relaxation of a batch of candidates under the two-threshold rule.

    Parameters
    ----------
    name
        Name of the scenario; it becomes the group of the structures found.
    structures
        The candidates: a `Dataset`, or one or several ``ase.Atoms``. Constraints FixAtoms,
        FixCartesian and FixScaled hold; where the cell is relaxed, atoms that are held keep their
        scaled coordinates.
    pressure : eV/Angstrom^3
        External pressure; it needs `cell`.
    force_tolerance : eV/Angstrom
        Largest force left on any atom, without what constraints take away.
    stress_tolerance : eV/Angstrom^3
        Largest component of stress plus pressure left; 0.01 GPa.
    cell
        Whether cells are relaxed too; all candidates must then be periodic in three directions.
    strains
        Which components of the strain (xx yy zz yz xz xy) the cells may take, and which of the
        stress must vanish.
    max_steps
        Evaluations after which a candidate is stopped.
    max_step, min_step : Angstrom
        Longest and shortest step.
    record_every
        Structures are kept for selection at every so many steps and at the break. The rule is
        applied at each step.
    limits
        Distances at which a candidate is stopped.
    part, first
        Number of this part, and index of its first candidate, where it was split off.
    """

    @property
    def total_steps(self) -> int:
        """Number of candidates."""
        return len(self.structures)

    def split(self) -> tuple[Self, ...]:
        """Cut it into parts of some hundreds of small candidates, or of few large ones."""
        return tuple(
            replace(
                self,
                structures=self.structures.select(chosen),
                part=self.part + number,
                first=self.first + chosen.start,
            )
            for number, chosen in enumerate(self.structures.portions(_PART))
        )

    def run(
        self,
        calculator: Calculator,
        thresholds: Thresholds,
        *,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> SamplingResult:
        """Relax all candidates; see `Scenario.run`. There is no chance in it: no seed matters."""
        began = time.perf_counter()
        outcomes, extrapolative = [], []
        for relaxed in self.iterate(calculator, thresholds):
            outcomes.append(relaxed.outcome)
            extrapolative.append((relaxed.outcome.index, relaxed.extrapolative))
            if progress is not None:
                progress(1)
        extrapolative.sort(key=lambda item: item[0])
        kept = [atoms for _, frames in extrapolative for atoms in frames]
        seconds = time.perf_counter() - began
        return SamplingResult.of_relaxations(self.name, self.part, outcomes, kept, seconds)

    def iterate(
        self, calculator: Calculator | EvaluatesBatches, thresholds: Thresholds
    ) -> Iterator[Relaxed]:
        """Yield the candidates one by one as they are done, not in their order."""
        return RelaxingBatch(self, calculator, thresholds).relaxed()
