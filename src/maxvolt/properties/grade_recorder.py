"""A calculator that remembers the largest extrapolation grade it has met."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from numpy.typing import NDArray

from maxvolt.properties.shells import interaction_cutoff
from maxvolt.sampling.batch import Batch
from maxvolt.sampling.batch_neighbors import BatchNeighbors
from maxvolt.sampling.evaluators import Evaluated, Evaluator, evaluator_of

__all__ = ["GradeRecorder", "meet_frames"]


class GradeRecorder(Calculator):
    """Ask another calculator, and remember the largest ``grade`` among its results.

    Parameters
    ----------
    inner
        What calculates, a `maxvolt.Calculator` with an active set for instance.

    Attributes
    ----------
    largest_grade
        None where no grade was met.
    farthest
        The structure with that grade, without a calculator; None where a simulation met it.
    frames
        Some structures of simulations that it was used for.
    """

    def __init__(self, inner: Any) -> None:
        Calculator.__init__(self)
        self.inner = inner
        self.implemented_properties = list(inner.implemented_properties)
        self.largest_grade: float | None = None
        self.farthest: Atoms | None = None
        self.frames: list[Atoms] = []

    @property
    def potential(self) -> Any:
        """The potential of the other calculator; None where it has none."""
        return getattr(self.inner, "potential", None)

    @property
    def cutoff(self) -> float | None:
        """Cutoff of the other calculator, Angstrom; None where it does not say it."""
        return interaction_cutoff(self.inner)

    def meet(self, grade: float) -> None:
        """Take note of a grade that a simulation has met."""
        if self.largest_grade is None or grade > self.largest_grade:
            self.largest_grade, self.farthest = grade, None

    def check_state(self, atoms: Atoms, tol: float = 1e-15) -> list[str]:
        """List what has changed, as the other calculator sees it."""
        changes: list[str] = self.inner.check_state(atoms, tol)
        return changes

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """Calculate and remember the grade."""
        self.inner.calculate(atoms, properties, system_changes)
        self.atoms = self.inner.atoms
        self.results = dict(self.inner.results)
        grade = self.results.get("grade")
        if grade is not None and self._is_larger(grade) and self.inner.atoms is not None:
            self._remember(float(grade), self.inner.atoms.copy())

    def batch_evaluator(self) -> Evaluator:
        """Evaluate many structures as the other calculator does, and remember the grade."""
        return _RecordingEvaluator(self, evaluator_of(self.inner))

    def record(self, batch: Batch, found: Evaluated) -> None:
        """Remember the largest grade of a batch, where it is larger than before."""
        if not found.has_grades or np.isnan(found.grades).all():
            return
        index = int(np.nanargmax(found.grades))
        if self._is_larger(found.grades[index]):
            self._remember(float(found.grades[index]), batch.atoms(index))

    def _is_larger(self, grade: float) -> bool:
        return self.largest_grade is None or grade > self.largest_grade

    def _remember(self, grade: float, atoms: Atoms) -> None:
        self.largest_grade, self.farthest = grade, atoms


def meet_frames(calculator: Any, frames: Sequence[Atoms], above: float | None = None) -> None:
    """Hand structures of a simulation in another program over, and have them graded.

    Parameters
    ----------
    calculator
        Nothing is done where it is no `GradeRecorder`.
    frames
        Of the simulation.
    above : Angstrom, optional
        Of slabs: where each atom has a grade, those of atoms at lower z do not count.
    """
    if not isinstance(calculator, GradeRecorder):
        return
    calculator.frames += frames
    if getattr(calculator.inner, "query", None) is None:
        return
    for frame in frames:
        asked = frame.copy()
        asked.calc = calculator if above is None else calculator.inner
        asked.get_potential_energy()
        if above is not None:
            found = calculator.inner.results
            upper = frame.positions[:, 2] > above
            calculator.meet(
                float(np.max(found["grades"][upper]) if "grades" in found else found["grade"])
            )


class _RecordingEvaluator:
    """Evaluates as another evaluator does, and lets a recorder see it."""

    def __init__(self, recorder: GradeRecorder, inner: Evaluator) -> None:
        self._recorder, self._inner = recorder, inner
        self.reach, self.together = inner.reach, inner.together

    def evaluate(
        self, batch: Batch, neighbors: BatchNeighbors, skip: NDArray[np.bool_], *, stress: bool
    ) -> Evaluated:
        """Evaluate the structures that are not to be skipped."""
        found = self._inner.evaluate(batch, neighbors, skip, stress=stress)
        self._recorder.record(batch, found)
        return found
