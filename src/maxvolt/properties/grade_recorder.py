"""A calculator that remembers the largest extrapolation grade it has met."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

__all__ = ["GradeRecorder"]


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
        The structure with that grade, without a calculator.
    """

    def __init__(self, inner: Any) -> None:
        Calculator.__init__(self)
        self.inner = inner
        self.implemented_properties = list(inner.implemented_properties)
        self.largest_grade: float | None = None
        self.farthest: Atoms | None = None

    @property
    def potential(self) -> Any:
        """The potential of the other calculator; None where it has none."""
        return getattr(self.inner, "potential", None)

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
        if grade is None or (self.largest_grade is not None and grade <= self.largest_grade):
            return
        self.largest_grade = float(grade)
        self.farthest = None if self.inner.atoms is None else self.inner.atoms.copy()
