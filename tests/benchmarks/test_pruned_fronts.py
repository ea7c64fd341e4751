"""Fronts of plain and pruned potentials, and the derivatives of the embedding that was tried."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk

import maxvolt
import nonlinear_embedding
import pruning


def point(level: int, stage: int, time: float, error: float) -> pruning.Point:
    return {"level": level, "stage": stage, "us_per_atom": time, "force_meV_per_A": error}


POINTS = [
    point(12, 0, 1.0, 200.0),
    point(16, 0, 4.0, 100.0),
    point(16, 1, 2.0, 100.0),
    point(16, 2, 1.0, 141.421356),
    point(16, 3, 1.5, 190.0),  # behind the front
]


def test_times_at_equal_error_lie_on_the_pruned_front() -> None:
    assert pruning.faster_at_equal_error(POINTS) == pytest.approx({16: 2.0})
    between = [*POINTS, point(14, 0, 3.0, 118.920711)]  # half-way, in logarithms
    assert pruning.faster_at_equal_error(between)[14] == pytest.approx(3 / np.sqrt(2))


def test_times_of_the_other_program_have_a_front_of_their_own() -> None:
    others = [{**one, "motep_us_per_atom": 10 * one["us_per_atom"] ** 2} for one in POINTS]
    assert pruning.faster_at_equal_error(others, "motep_us_per_atom") == pytest.approx({16: 4.0})


def test_errors_at_equal_time_are_of_the_best_that_is_no_slower() -> None:
    assert pruning.better_at_equal_time(POINTS) == pytest.approx({12: 0.70710678, 16: 1.0})


@pytest.fixture(scope="module")
def known() -> tuple[nonlinear_embedding.Problem, np.ndarray]:
    """Equations with the labels of a potential, and its linear coefficients."""
    generator = np.random.default_rng(0)
    untrained = maxvolt.MTP(8, ["Mo"], 4.2, 2.0, 4)
    model = untrained.model
    potential = untrained.with_coefficients(
        0.05 * generator.normal(size=model.radial_coeffs.shape),
        np.array([-3.0]),
        generator.normal(size=model.moment_coeffs.shape),
    )
    structures = []
    for _ in range(2):
        atoms = bulk("Mo", cubic=True) * (2, 1, 1)
        atoms.positions += 0.1 * generator.normal(size=(len(atoms), 3))
        structures.append(atoms)
    dataset = maxvolt.Dataset.from_atoms(structures)
    found = potential.evaluate_dataset(dataset)
    labelled = maxvolt.Dataset.from_arrays(
        **{n: getattr(dataset, n) for n in ("offsets", "numbers", "positions", "cells", "pbc")},
        energies=found.energies,
        forces=found.forces,
    )
    linear = np.concatenate([[-3.0], potential.model.moment_coeffs])
    return nonlinear_embedding.Problem(nonlinear_embedding.sites_of(potential, labelled)), linear


def test_without_a_second_output_it_is_the_potential(
    known: tuple[nonlinear_embedding.Problem, np.ndarray],
) -> None:
    problem, linear = known
    found, _ = problem.predicted(np.concatenate([linear, np.zeros(len(linear) - 1)]))
    size = abs(problem.labels).max()
    np.testing.assert_allclose(found, problem.labels, rtol=0, atol=1e-6 * size)  # single precision


def test_derivatives_by_all_coefficients(
    known: tuple[nonlinear_embedding.Problem, np.ndarray],
) -> None:
    problem, linear = known
    generator = np.random.default_rng(1)
    coefficients = np.concatenate([linear, linear[1:] * generator.normal(size=len(linear) - 1)])
    _, rows = problem.predicted(coefficients)
    for number in range(len(coefficients)):
        step = np.zeros_like(coefficients)
        step[number] = 0.01
        more, less = (problem.predicted(coefficients + s * step)[0] for s in (1, -1))
        numeric = (more - less) / 0.02
        size = abs(rows[:, number]).max()
        np.testing.assert_allclose(numeric, rows[:, number], rtol=0, atol=1e-3 * size + 1e-5)
