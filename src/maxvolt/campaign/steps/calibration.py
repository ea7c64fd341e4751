"""Which errors of the new potential are to be expected: its measure, calibrated on its own data."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from maxvolt.campaign.record.folder import errors_file
from maxvolt.campaign.record.storage import StepResult
from maxvolt.campaign.settings.stages import Settings
from maxvolt.campaign.steps.step_runner import StepRunner
from maxvolt.dataset import Dataset
from maxvolt.errors import DataError, FitError
from maxvolt.executors.kinds import Kind
from maxvolt.potentials import load
from maxvolt.sampling import Thresholds
from maxvolt.uncertainty import HeldOutErrors, Uncertainty, reliability_of_folds
from maxvolt.uncertainty.calibrating import calibrated_with_errors

__all__ = ["calibrate_potential"]


def calibrate_potential(runner: StepRunner, training: Dataset, fitted: str) -> StepResult:
    """Calibrate the potential of this iteration by cross-validation of its training set.

    The expected errors go to a file beside the potential. Where the training set is too small
    there is none, and the record says why.

    Parameters
    ----------
    runner
        Of the iteration.
    training
        The training set.
    fitted
        Fingerprint of the inputs of the fit.
    """
    context, settings = runner.context, runner.settings
    files = tuple(runner.folder.potential_files(settings.potential))
    product = errors_file(files)

    def make() -> StepResult:
        uncertainty, result = context.compute(
            _calibrated, files, training, settings, context.threads(Kind.FITTING)
        )
        if uncertainty is None:
            product.unlink(missing_ok=True)
        else:
            uncertainty.write(product)
        found: StepResult = result
        return found

    inputs = (training, fitted, settings.fit, settings.selection)
    return runner.step("calibration", inputs, make, products=[product])


def _calibrated(
    files: Sequence[Path], training: Dataset, settings: Settings, threads: int
) -> tuple[Uncertainty | None, StepResult]:
    """Calibrate; the record tells the errors at the thresholds, arrays how far to believe them."""
    began = time.perf_counter()
    measure = settings.selection.measure
    record: dict[str, Any] = {"measure": measure, "calibrated": False}
    if settings.selection.unit:
        record["grades"] = list(settings.selection.grades)
    # Sums in another order would differ in their last bits.
    with threadpool_limits(1, user_api="blas"):
        try:
            uncertainty, errors = calibrated_with_errors(
                *(load(files), None, training, measure),
                settings=settings.fit.settings(1),
                threads=threads,
            )
            if settings.selection.unit and settings.has_lammps:
                uncertainty.check_compilable()
        except (DataError, FitError) as error:
            record |= {"reason": str(error), "seconds": time.perf_counter() - began}
            return None, StepResult(record)
        thresholds = _thresholds(settings, uncertainty)
        arrays, doubt = _reliability(errors, [row["expected_eV_per_A"] for row in thresholds])
    if not settings.selection.unit and not uncertainty.calibration.force.is_told_by("grade"):
        doubt = "; ".join(filter(None, ["grades tell nothing of these errors", doubt]))
    record |= {
        "calibrated": True,
        "source": uncertainty.calibration.source,
        "thresholds": thresholds,
        "reason": doubt,
        "seconds": time.perf_counter() - began,
    }
    return uncertainty, StepResult(record, arrays=arrays)


def _thresholds(settings: Settings, uncertainty: Uncertainty) -> list[dict[str, Any]]:
    """Thresholds as expected errors, and as the grades at which these are expected."""
    wanted: Thresholds = settings.selection.thresholds
    force = uncertainty.calibration.force
    rows = []
    for name, value in (("select", wanted.select), ("break", wanted.stop)):
        expected, grade = value, None
        if not wanted.unit:
            expected, grade = force.expected_at(value, "grade"), value
        elif "grade" in force.alone and force.is_told_by("grade"):
            grade = force.measure_at(value, "grade")
        known = None if grade is None or math.isinf(grade) else grade
        rows.append({"threshold": name, "grade": known, "expected_eV_per_A": expected})
    return rows


def _reliability(
    errors: HeldOutErrors, thresholds: Sequence[float]
) -> tuple[dict[str, np.ndarray[Any, Any]], str]:
    """How errors and expectations compare, and why that is not known where it is not."""
    try:
        found = reliability_of_folds(errors, thresholds=thresholds)
    except DataError as error:
        return {}, f"how far the calibration can be believed is not known: {error}"
    document = json.dumps(_without_nan(found.to_dict()))
    arrays = {
        "expected": found.expected,
        "errors": found.errors,
        "reliability": np.array(document),
    }
    return arrays, ""


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
