"""Uncertainty in physical units: expected errors of forces and energies, with stated coverage.

Names are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

from maxvolt.lazy_names import imported

if TYPE_CHECKING:
    from maxvolt.uncertainty.calibrating import calibrate
    from maxvolt.uncertainty.calibration import CalibratedError, Calibration, HeldOutErrors
    from maxvolt.uncertainty.cross_validation import cross_validated_errors
    from maxvolt.uncertainty.expected_errors import ErrorBounds, ExpectedErrors
    from maxvolt.uncertainty.held_out import held_out_errors
    from maxvolt.uncertainty.measures import (
        CommitteeMeasure,
        ForceDeviationMeasure,
        GradeMeasure,
        Measure,
        Measured,
        PosteriorMeasure,
    )
    from maxvolt.uncertainty.posterior import Deviations, Posterior, read_posterior
    from maxvolt.uncertainty.query import ErrorQuery
    from maxvolt.uncertainty.reliability import Reliability, reliability_of_folds, reliability_on
    from maxvolt.uncertainty.uncertainty import Uncertainty, read_uncertainty

MeasureName = Literal["posterior", "grade", "committee", "posterior forces"]
"""Measures that can be made of a training set."""

MEASURES: tuple[MeasureName, ...] = get_args(MeasureName)

DEFAULT_MEASURE: MeasureName = "posterior"
"""What expected errors are made of where nothing else is asked for."""

_HOME = {
    "CalibratedError": "maxvolt.uncertainty.calibration:CalibratedError",
    "Calibration": "maxvolt.uncertainty.calibration:Calibration",
    "CommitteeMeasure": "maxvolt.uncertainty.measures:CommitteeMeasure",
    "Deviations": "maxvolt.uncertainty.posterior:Deviations",
    "ErrorBounds": "maxvolt.uncertainty.expected_errors:ErrorBounds",
    "ErrorQuery": "maxvolt.uncertainty.query:ErrorQuery",
    "ExpectedErrors": "maxvolt.uncertainty.expected_errors:ExpectedErrors",
    "ForceDeviationMeasure": "maxvolt.uncertainty.measures:ForceDeviationMeasure",
    "GradeMeasure": "maxvolt.uncertainty.measures:GradeMeasure",
    "HeldOutErrors": "maxvolt.uncertainty.calibration:HeldOutErrors",
    "Measure": "maxvolt.uncertainty.measures:Measure",
    "Measured": "maxvolt.uncertainty.measures:Measured",
    "Posterior": "maxvolt.uncertainty.posterior:Posterior",
    "PosteriorMeasure": "maxvolt.uncertainty.measures:PosteriorMeasure",
    "Reliability": "maxvolt.uncertainty.reliability:Reliability",
    "Uncertainty": "maxvolt.uncertainty.uncertainty:Uncertainty",
    "calibrate": "maxvolt.uncertainty.calibrating:calibrate",
    "cross_validated_errors": "maxvolt.uncertainty.cross_validation:cross_validated_errors",
    "held_out_errors": "maxvolt.uncertainty.held_out:held_out_errors",
    "read_posterior": "maxvolt.uncertainty.posterior:read_posterior",
    "read_uncertainty": "maxvolt.uncertainty.uncertainty:read_uncertainty",
    "reliability_of_folds": "maxvolt.uncertainty.reliability:reliability_of_folds",
    "reliability_on": "maxvolt.uncertainty.reliability:reliability_on",
}

__all__ = [
    "DEFAULT_MEASURE",
    "MEASURES",
    "CalibratedError",
    "Calibration",
    "CommitteeMeasure",
    "Deviations",
    "ErrorBounds",
    "ErrorQuery",
    "ExpectedErrors",
    "ForceDeviationMeasure",
    "GradeMeasure",
    "HeldOutErrors",
    "Measure",
    "MeasureName",
    "Measured",
    "Posterior",
    "PosteriorMeasure",
    "Reliability",
    "Uncertainty",
    "calibrate",
    "cross_validated_errors",
    "held_out_errors",
    "read_posterior",
    "read_uncertainty",
    "reliability_of_folds",
    "reliability_on",
]


def __getattr__(name: str) -> Any:
    value = imported(__name__, _HOME, name)
    globals()[name] = value
    return value
