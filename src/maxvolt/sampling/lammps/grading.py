"""What LAMMPS compares: grades, also those at which given errors are expected."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from maxvolt.calculators.ase import MaxvoltCalculator
from maxvolt.errors import DataError
from maxvolt.sampling.rule import Thresholds
from maxvolt.selection import ActiveSet, QueryStrategy
from maxvolt.uncertainty import ErrorQuery, Uncertainty

__all__ = ["Grading", "grade_thresholds"]


@dataclass(frozen=True, slots=True, eq=False)
class Grading:
    """What LAMMPS compares, and how it is told.

    Attributes
    ----------
    active_set
        By which LAMMPS grades.
    thresholds
        Grades.
    asked
        The thresholds that were asked for, perhaps expected errors.
    uncertainty
        What makes expected errors of grades, where such were asked for.
    """

    active_set: ActiveSet
    thresholds: Thresholds
    asked: Thresholds
    uncertainty: Uncertainty | None = None

    @classmethod
    def of(cls, calculator: object, thresholds: Thresholds) -> Grading:
        """Take what grades a calculator.

        Raises
        ------
        DataError
            It is no active set, nor expected errors by grades.
        """
        query: QueryStrategy | None = None
        if isinstance(calculator, MaxvoltCalculator):
            query = calculator.query
        thresholds.check_unit(query)
        if isinstance(query, ErrorQuery):
            uncertainty = query.uncertainty
            as_grades = grade_thresholds(uncertainty, thresholds)
            assert uncertainty.active_set is not None
            return cls(uncertainty.active_set, as_grades, thresholds, uncertainty)
        if isinstance(query, ActiveSet):
            return cls(query, thresholds, thresholds)
        raise DataError(
            "LAMMPS grades by an active set only, not by a committee; give a "
            "maxvolt.Calculator with query=maxvolt.ActiveSet"
        )

    def told(self, grades: NDArray[np.float64]) -> NDArray[np.float64]:
        """Make of grades what was asked for; NaN stays."""
        if self.uncertainty is None:
            return grades
        model = self.uncertainty.calibration.force.alone["grade"]
        return model.expected(grades[:, None])


def grade_thresholds(uncertainty: Uncertainty, thresholds: Thresholds) -> Thresholds:
    """Give the grades at which errors as large as the thresholds are expected.

    Raises
    ------
    DataError
        Grades are no measure of the errors, or tell nothing of them.
    """
    force = uncertainty.calibration.force
    if uncertainty.active_set is None or "grade" not in force.alone:
        raise DataError(
            f"LAMMPS compares grades, and these expected errors are made of "
            f'{" and ".join(uncertainty.calibration.names)}: calibrate with measures=["grade"]'
        )
    select, stop = (
        force.measure_at(error, "grade") for error in (thresholds.select, thresholds.stop)
    )
    if not 0 < select <= stop < inf:
        raise DataError(
            f"no grades stand for expected force errors of {thresholds.select:g} and "
            f"{thresholds.stop:g} {thresholds.unit}: grades of this training set tell too little "
            "of the errors; give grades as thresholds, or more structures that differ"
        )
    return Thresholds(select, stop)
