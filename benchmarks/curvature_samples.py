"""Which structures should stand for all in the curvature of a large fit? An experiment.

    python benchmarks/curvature_samples.py --output docs/decisions

Every third structure of the published NbMoTaW set, level 16. From the same radial coefficients,
those of a short fit to every fifteenth structure, the same number of iterations is made with
samples of equal size: structures taken evenly from the file, at random, and in stretches of
consecutive ones, as whole portions are. Told are loss and damping at the end, and processor time.
Needs the reference data, and some minutes of a core. Writes curvature_samples.json.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

import maxvolt
from grades_report import shared_folder, write_results
from large_fits import CUTOFF, MIN_DIST, SETS
from maxvolt.fitting.objective import Objective
from maxvolt.fitting.settings import SolverSettings
from maxvolt.fitting.training_set import prepare
from maxvolt.fitting.variable_projection.levenberg_marquardt import FitState, first_state, iterate
from maxvolt.fitting.variable_projection.problem import Problem
from maxvolt.fitting.variable_projection.problem_builder import ProblemBuilder
from maxvolt.fitting.variable_projection.random_starts import random_radial_coeffs

LEVEL, THREADS, SAMPLED = 16, 2, 0.25
EVERY, EVERY_OF_START = 3, 15
STRETCH = 25
"""Consecutive structures of a sample in stretches; a portion has about as many."""


def samples(total: int) -> dict[str, NDArray[np.int64]]:
    """Indices of each kind of sample, all of one size."""
    size = round(SAMPLED * total)
    evenly = ((np.arange(size) + 0.5) * total / size).astype(np.int64)
    starts = ((np.arange(size // STRETCH) + 0.5) * total / (size // STRETCH)).astype(np.int64)
    stretches = np.unique(starts[:, None] + np.arange(STRETCH)) % total
    random = np.sort(np.random.default_rng(0).choice(total, size, replace=False))
    return {"evenly": evenly, "at random": random, "in stretches": np.sort(stretches)}


def problem(potential: maxvolt.MTP, dataset: maxvolt.Dataset) -> Problem:
    """Of all structures; what stands for them is set later."""
    return ProblemBuilder(_objective(dataset), THREADS).problem(potential)


def _objective(dataset: maxvolt.Dataset) -> Objective:
    return Objective(dataset, maxvolt.Weights(), "vibrations")


def with_sample(whole: Problem, dataset: maxvolt.Dataset, indices: NDArray[np.int64]) -> Problem:
    """The same, with some structures for the curvature."""
    potential = whole.potential
    part = replace(
        _objective(dataset).selected(indices), isolated_energies=whole.training_set.baseline
    )
    sample = prepare(part, potential.species, potential.cutoff, potential.n_parameters)
    return replace(whole, sample=sample)


def run(begun: Problem, radial: NDArray[np.float64], damping: float, count: int) -> FitState:
    """Iterate, and give the state at the end."""
    settings = SolverSettings(max_iterations=count, tolerance=1e-12)
    state = replace(first_state(begun, radial, settings.ridge), damping=damping)
    for found in iterate(begun, state, settings):
        state = found
    return state


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True, help="folder for the results")
    parser.add_argument("--iterations", type=int, default=8)
    parser.add_argument("--shared", type=Path, help="folder of the reference data")
    options = parser.parse_args()
    path, species, _ = SETS["nbmotaw"]
    dataset = maxvolt.read(shared_folder(options.shared) / "data" / path)
    potential = maxvolt.MTP(LEVEL, species, CUTOFF, MIN_DIST)
    results: dict[str, Any] = {"every": EVERY, "level": LEVEL, "iterations": options.iterations}
    with threadpool_limits(1, user_api="blas"):
        start = problem(potential, dataset.select(np.arange(0, len(dataset), EVERY_OF_START)))
        shape = potential.model.radial_coeffs.shape
        random = random_radial_coeffs(shape, np.random.default_rng(1)).ravel()
        begun = run(start, random, 1e-2, 14)
        data = dataset.select(np.arange(1, len(dataset), EVERY))
        whole = problem(potential, data)
        for name, indices in samples(len(data)).items():
            sampled = with_sample(whole, data, indices)
            seconds = time.process_time()
            state = run(sampled, begun.radial, begun.damping, options.iterations)
            results[name] = {
                "structures": len(indices),
                "equations": sampled.sample.n_equations if sampled.sample else 0,
                "equations_of_all": whole.training_set.n_equations,
                "loss": state.loss,
                "damping": state.damping,
                "processor_seconds": time.process_time() - seconds,
            }
            print(name, results[name], flush=True)
            write_results(options.output / "curvature_samples.json", results)


if __name__ == "__main__":
    main()
