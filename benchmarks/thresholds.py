"""What do thresholds miss? Grades and expected errors of five systems against true errors.

    python benchmarks/thresholds.py                # minutes; needs the reference data
    python benchmarks/thresholds.py --report       # tables and figures only

The systems and their shifted splits are those of benchmarks/uncertainty.py: the held-out structures
are of other kinds than the training set. Expected errors are calibrated by cross-validation of the
training set alone, as a campaign does it. A structure is above a threshold if one of its atoms is;
it is badly described if the root mean square of its force errors is above three times that of the
training set. Each system goes to thresholds.json as soon as it is measured, and is not repeated.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import maxvolt
from grade_correlation import BAD
from grades_report import shared_folder
from maxvolt import MTP, ActiveSet, Dataset, FitSettings
from maxvolt.files import replacing
from maxvolt.potentials import Potential
from maxvolt.uncertainty import GradeMeasure, HeldOutErrors, held_out_errors, reliability_on
from thresholds_report import write_report
from uncertainty import ITERATIONS, SYSTEMS, System, split

MEASURES = ("grade", "posterior", "committee", "posterior forces")
GRADES = np.geomspace(1.0, 100.0, 41)
FACTORS = np.geomspace(0.5, 20.0, 41)
"""Thresholds of expected errors, over the force error of the training set."""
BINS = 12

Array = NDArray[np.float64]


def main() -> None:
    """Measure what is not yet in the file, then write tables and figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, help="folder of the reference data")
    parser.add_argument("--report", action="store_true", help="write tables and figures only")
    parser.add_argument("--output", type=Path, default=Path("docs/uncertainty"), help="folder")
    parser.add_argument("--page", type=Path, default=Path("docs/how-to/thresholds.md"))
    options = parser.parse_args()
    path = options.output / "thresholds.json"
    found = json.loads(path.read_text(encoding="utf-8"))["systems"] if path.exists() else []
    done = {one["system"] for one in found}
    for system in () if options.report else SYSTEMS:
        if system.name not in done:
            found.append(measure(system, shared_folder(options.shared) / "data"))
            _write(path, found)
            print(system.name, flush=True)
    write_report(found, options.output, options.page)


def _write(path: Path, found: Sequence[dict[str, Any]]) -> None:
    document = {
        "maxvolt": maxvolt.__version__,
        "command": "python benchmarks/thresholds.py",
        "settings": {"max_iterations": ITERATIONS, "bad": BAD},
        "systems": list(found),
    }
    with replacing(path) as file:
        file.write((json.dumps(document, indent=1) + "\n").encode())


def measure(system: System, data: Path) -> dict[str, Any]:
    """Fit, calibrate by cross-validation, and compare with the labels of the held-out structures.

    Lengths of force errors are meant throughout, eV/Angstrom.
    """
    training, held_out = split(system, "shifted", data)
    settings = FitSettings(max_iterations=ITERATIONS, starts=2)
    untrained = MTP(system.level, training.species, system.cutoff, system.min_dist)
    result = maxvolt.fit(untrained, training, settings, threads=1)
    of_training = np.sqrt(3) * result.training_errors.total.force_components.rmse
    return {
        "system": system.name,
        "training": len(training),
        "held_out": len(held_out),
        "training_error": of_training,
        "grades": _grades(result.potential, training, held_out, BAD * of_training),
        "expected": {
            name: _expected(name, result.potential, training, held_out, settings, of_training)
            for name in MEASURES
        },
    }


def _grades(
    potential: Potential, training: Dataset, held_out: Dataset, limit: float
) -> dict[str, Any]:
    """Misses of thresholds of grades, and the mean error of the atoms around each grade."""
    assert isinstance(potential, MTP)
    active = ActiveSet.from_dataset(potential, training, mode="neighborhood", threads=1)
    errors = held_out_errors(potential, [GradeMeasure(active)], held_out, threads=1)
    return {
        **_misses(errors, errors.sites[:, 0], GRADES, limit),
        "errors": _means(errors.sites[:, 0], errors.force_errors),
    }


def _expected(
    name: str,
    potential: Potential,
    training: Dataset,
    held_out: Dataset,
    settings: FitSettings,
    of_training: float,
) -> dict[str, Any]:
    """Misses of thresholds of expected errors."""
    calibrated = maxvolt.calibrate(potential, None, training, name, settings=settings, threads=1)
    errors = held_out_errors(potential, calibrated.measures, held_out, threads=1)
    expected = reliability_on(calibrated.calibration, errors).expected
    force = calibrated.calibration.force
    at_grades = (
        {f"{g:g}": force.expected_at(g, name) for g in (2.0, 10.0)} if name == "grade" else {}
    )
    return {
        **_misses(errors, expected, of_training * FACTORS, BAD * of_training),
        "errors": _means(expected, errors.force_errors),
        "expected_at_grade": at_grades,
    }


def _misses(
    errors: HeldOutErrors, values: Array, thresholds: Array, limit: float
) -> dict[str, Any]:
    """Numbers of bad structures that thresholds miss, and of good ones above them."""
    owners, n = errors.owners, len(errors.structures)
    squares = np.bincount(owners, errors.force_errors**2, n)
    bad = np.sqrt(squares / np.bincount(owners, minlength=n)) > limit
    largest = np.full(n, -np.inf)
    np.maximum.at(largest, owners, values)
    above = largest[None, :] > thresholds[:, None]
    return {
        "bad": int(bad.sum()),
        "good": int((~bad).sum()),
        "thresholds": thresholds.tolist(),
        "missed": (bad & ~above).sum(axis=1).tolist(),
        "false_alarms": (~bad & above).sum(axis=1).tolist(),
    }


def _means(values: Array, errors: Array) -> list[tuple[float, float]]:
    """Mean value and mean error of bins with the same number of atoms each."""
    order = np.array_split(np.argsort(values, kind="stable"), BINS)
    return [(float(values[one].mean()), float(errors[one].mean())) for one in order if len(one)]


if __name__ == "__main__":
    main()
