"""Deviations of forces by all parameters, or by the linear ones alone, beside the true errors.

    python benchmarks/linear_posterior.py

One potential of each system of uncertainty.py, fitted to its exchangeable training set, and at most
60 held-out structures: Spearman's rank correlation of the deviation of each force with its error.
Needs the reference data; about three minutes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

import maxvolt
from grades_report import markdown_table, shared_folder
from maxvolt import MTP, Posterior
from uncertainty import ITERATIONS, SYSTEMS, System, split

MOST = 60


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, help="folder of the reference data")
    data = shared_folder(parser.parse_args().shared) / "data"
    rows = [[system.name, *(f"{one:.2f}" for one in ranks(system, data))] for system in SYSTEMS]
    print(markdown_table(["", "all parameters", "linear ones", "length of the force"], rows))


def ranks(system: System, data: Path) -> tuple[float, float, float]:
    """Rank correlations with the errors of the forces on atoms."""
    training, held_out = split(system, "exchangeable", data)
    order = np.random.default_rng(0).permutation(len(held_out))[:MOST]
    held_out = held_out.select(np.sort(order))
    untrained = MTP(system.level, training.species, system.cutoff, system.min_dist)
    result = maxvolt.fit(untrained, training, max_iterations=ITERATIONS, starts=2, threads=1)
    assert isinstance(result.potential, MTP)
    posterior = Posterior.from_dataset(result.potential, training, threads=1)
    where = result.potential.neighborhoods(held_out)
    forces = result.potential.evaluate_neighborhoods(where).forces
    errors = np.linalg.norm(forces - held_out.forces, axis=1)
    measures = (
        posterior.force_deviations(where),
        posterior.linear_force_deviations(where),
        np.linalg.norm(forces, axis=1),
    )
    of_all, of_linear, of_length = (float(spearmanr(one, errors).statistic) for one in measures)
    return of_all, of_linear, of_length


if __name__ == "__main__":
    main()
