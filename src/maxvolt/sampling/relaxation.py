"""Relaxation of many candidates as a scenario: atoms and cells, each with its own end."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from ase.calculators.calculator import Calculator

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.limits import PRESSURE_GPA, STEPS
from maxvolt.sampling.held import check_constraints
from maxvolt.sampling.relaxing_batch import Relaxed, RelaxingBatch
from maxvolt.sampling.results import SamplingResult
from maxvolt.sampling.rule import Limits, Thresholds
from maxvolt.sampling.scenario import Progress
from maxvolt.units import GPA_PER_EV_A3

__all__ = ["Relaxation"]

_PART = 4000
"""Atoms of a part, which is one task of a worker: about a second for small candidates."""


@dataclass(frozen=True, slots=True, eq=False)
class Relaxation:
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
        Longest force left on any atom, without what constraints take away.
    stress_tolerance : eV/Angstrom^3
        Largest component of stress plus pressure left; 0.01 GPa.
    cell
        Whether cells are relaxed too; all candidates must then be periodic in three directions.
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

    name: str
    structures: Dataset
    pressure: float = 0.0
    force_tolerance: float = 1e-3
    stress_tolerance: float = 0.01 / GPA_PER_EV_A3
    cell: bool = True
    max_steps: int = 500
    max_step: float = 0.1
    min_step: float = 1e-8
    record_every: int = 10
    limits: Limits = field(default_factory=Limits)
    part: int = 0
    first: int = 0

    def __post_init__(self) -> None:
        try:
            structures = check_constraints(self.structures, center=False)
        except DataError as error:
            raise DataError(f"relaxation {self.name!r}: {error}") from error
        object.__setattr__(self, "structures", structures)
        for name in ("force_tolerance", "stress_tolerance", "max_step", "min_step"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                self._refuse(f"{name} must be a number above 0, not {value!r}")
        if self.record_every < 1:
            self._refuse(f"record_every must be at least 1, not {self.record_every!r}")
        try:
            STEPS.check("max_steps", self.max_steps, DataError)
            PRESSURE_GPA.check("pressure", self.pressure * GPA_PER_EV_A3, DataError)
        except DataError as error:
            self._refuse(str(error))
        if self.pressure and not self.cell:
            self._refuse("a pressure acts on the cell, which is not relaxed; set cell=True")
        if not len(self.structures):
            self._refuse("there is no structure to relax")
        flat = np.flatnonzero(~self.structures.pbc.all(axis=1))
        if self.cell and len(flat):
            self._refuse(
                f"structure {flat[0]} is not periodic in three directions, so its cell cannot be "
                "relaxed; set cell=False (--fixed-cell)"
            )

    def _refuse(self, what: str) -> None:
        raise DataError(f"relaxation {self.name!r}: {what}")

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
        begin = time.perf_counter()
        outcomes, extrapolative = [], []
        for relaxed in self.iterate(calculator, thresholds):
            outcomes.append(relaxed.outcome)
            extrapolative.append((relaxed.outcome.index, relaxed.extrapolative))
            if progress is not None:
                progress(1)
        extrapolative.sort(key=lambda item: item[0])
        kept = [atoms for _, frames in extrapolative for atoms in frames]
        seconds = time.perf_counter() - begin
        return SamplingResult.of_relaxations(self.name, self.part, outcomes, kept, seconds)

    def iterate(self, calculator: Calculator, thresholds: Thresholds) -> Iterator[Relaxed]:
        """Yield the candidates one by one as they are done, not in their order."""
        return RelaxingBatch(self, calculator, thresholds).relaxed()
