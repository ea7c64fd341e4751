"""What LAMMPS compares with thresholds: grades, or expected errors."""

from __future__ import annotations

from dataclasses import dataclass

from maxvolt.calculators.ase import MaxvoltCalculator
from maxvolt.errors import DataError
from maxvolt.sampling.rule import Thresholds
from maxvolt.selection import ActiveSet, QueryStrategy
from maxvolt.uncertainty import ErrorQuery, Uncertainty

__all__ = ["Grading"]


@dataclass(frozen=True, slots=True, eq=False)
class Grading:
    """What LAMMPS compares.

    Attributes
    ----------
    by
        What the compiled model is written from.
    thresholds
        Grades by an active set, expected force errors by an uncertainty.
    """

    by: ActiveSet | Uncertainty
    thresholds: Thresholds

    @classmethod
    def of(cls, calculator: object, thresholds: Thresholds) -> Grading:
        """Take what grades a calculator.

        Raises
        ------
        DataError
            It is no active set, nor expected errors by measures that LAMMPS computes.
        """
        query: QueryStrategy | None = None
        if isinstance(calculator, MaxvoltCalculator):
            query = calculator.query
        thresholds.check_unit(query)
        if isinstance(query, ErrorQuery):
            query.uncertainty.check_compilable()
            return cls(query.uncertainty, thresholds)
        if isinstance(query, ActiveSet):
            return cls(query, thresholds)
        raise DataError(
            "LAMMPS grades by an active set or by expected errors, not by a committee; give a "
            "maxvolt.Calculator with query=maxvolt.ActiveSet or maxvolt.ErrorQuery"
        )

    @property
    def species(self) -> tuple[str, ...]:
        """Symbols of the species of the potential."""
        return self.by.species

    @property
    def column(self) -> str:
        """Of ``compute pair``: the largest grade, or the largest expected error."""
        return "2" if self.thresholds.unit else "1"
