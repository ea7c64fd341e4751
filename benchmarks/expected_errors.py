"""How far expected errors can be believed, and what measures of them cost.

    python benchmarks/expected_errors.py --output docs/benchmarks

Potentials of level 12 are fitted to published training sets of molybdenum and silicon, calibrated
by cross-validation of these alone, and tried on the published test sets. Times are of one process
with one thread. Needs the reference data; about three minutes. Writes expected_errors.json and
prints tables.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import maxvolt
from grades_report import shared_folder, write_results
from maxvolt import MTP, ActiveSet, Dataset, Posterior
from maxvolt.uncertainty import (
    CommitteeMeasure,
    ForceDeviationMeasure,
    GradeMeasure,
    PosteriorMeasure,
    held_out_errors,
    reliability_on,
)

MEASURES = ("grade", "posterior", "posterior forces", "committee")
ELEMENTS = ("Mo", "Si")
LEVELS = (8, 12, 16)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True, help="folder for the results")
    parser.add_argument("--element", action="append", choices=ELEMENTS, help="only these")
    parser.add_argument("--shared", type=Path, help="folder of the reference data")
    options = parser.parse_args()
    data = shared_folder(options.shared) / "data"
    results: dict[str, Any] = {
        "reliability": {
            element: reliability_of(element, data / "mlearn")
            for element in options.element or ELEMENTS
        },
        "times_relative_to_energy_and_forces": {str(level): times(level, data) for level in LEVELS},
    }
    write_results(options.output / "expected_errors.json", results)


def reliability_of(element: str, folder: Path) -> dict[str, Any]:
    """Coverage and rank correlations on a test set, calibrated on the training set alone."""
    training = maxvolt.read(folder / f"{element}_train.xyz")
    test = maxvolt.read(folder / f"{element}_test.xyz")
    potential = fitted(training, element, 12, 15)
    found = {}
    for name in MEASURES:
        calibrated = maxvolt.calibrate(potential, None, training, name, threads=1)
        errors = held_out_errors(potential, calibrated.measures, test, threads=1)
        told = reliability_on(calibrated.calibration, errors)
        nine = told.coverage[3]
        found[name] = {
            "rank_correlation_of_measure": told.correlations[name],
            "rank_correlation_of_expected_error": told.correlations["expected error"],
            "with_force_length": calibrated.calibration.uses_force_length,
            "coverage_of_90_percent": nine.forces,
            "mean_expected_eV_per_A": float(told.expected.mean()),
            "mean_error_eV_per_A": float(told.errors.mean()),
        }
        print(element, name, *(f"{value:.3g}" for value in found[name].values()))
    return found


def times(level: int, data: Path) -> dict[str, float]:
    """Time of each measure of 2000 atoms over that of energy and forces."""
    training = maxvolt.read(data / "mlearn" / "Mo_train.xyz")
    few = training.select(list(range(0, len(training), 4)))
    potential = fitted(few, "Mo", level, 5)
    posterior = Posterior.from_dataset(potential, few, threads=1)
    where = potential.neighborhoods(maxvolt.read(data / "bench" / "Mo2000.xyz"))
    active = ActiveSet.from_dataset(potential, few, mode="neighborhood", threads=1)
    measures = (
        GradeMeasure(active),
        PosteriorMeasure(posterior),
        ForceDeviationMeasure(posterior),
        CommitteeMeasure(posterior.ensemble(5)),
    )
    whole = best(lambda: potential.evaluate_neighborhoods(where, threads=1))
    found = {
        measure.name: best(lambda one=measure: one.measure_neighborhoods(where, threads=1)) / whole  # type: ignore[misc]
        for measure in measures
    }
    print(level, *(f"{name} {value:.1f}" for name, value in found.items()))
    return found


def fitted(training: Dataset, element: str, level: int, iterations: int) -> MTP:
    """Fit a potential from one random start, with one thread."""
    shortest = maxvolt.minimum_distances(training).overall
    untrained = MTP(level, [element], 5.0, round(0.95 * shortest, 2))
    result = maxvolt.fit(
        untrained, training, starts=1, max_iterations=iterations, progress=False, threads=1
    )
    assert isinstance(result.potential, MTP)
    return result.potential


def best(work: Callable[[], object], repeats: int = 5) -> float:
    """Shortest of several times, seconds."""
    found = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return min(found)


if __name__ == "__main__":
    main()
