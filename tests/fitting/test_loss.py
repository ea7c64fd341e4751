"""The loss, its gradient and its normal equations, against their definitions."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from ase import Atoms
from numpy.typing import NDArray
from training_data import crystals, known_potential, labelled, relabelled

from maxvolt.dataset import Dataset
from maxvolt.errors import FitError
from maxvolt.fitting import Scaling, Weights
from maxvolt.fitting.objective import Objective, equation_weights
from maxvolt.fitting.training_set import MOST_ATOMS, prepare
from maxvolt.fitting.variable_projection.elimination import Reduced, eliminate, radial_step, reduce
from maxvolt.fitting.variable_projection.normal_equations import LinearEquations, RadialEquations
from maxvolt.fitting.variable_projection.problem import (
    Problem,
    loss_and_gradient,
    root_mean_squares,
)
from maxvolt.potentials import MTP
from maxvolt.potentials.mtp.basis.repulsion import ZBL
from maxvolt.potentials.mtp.binding import kernels
from maxvolt.potentials.mtp.model import compile_model

SPECIES = ("Mo", "W")
WEIGHTS = Weights(energy=1.3, forces=0.07, stress=0.011)
SCALINGS: tuple[Scaling, ...] = get_args(Scaling)


def mixed_dataset() -> Dataset:
    """Structures of different size, some labels missing, weights, a cluster and a slab."""
    structures = [
        *crystals(SPECIES, 3, repeat=1),
        *crystals(SPECIES, 3, repeat=2, seed=1),
        *crystals(SPECIES, 1, repeat=3, seed=2),
    ]
    structures[1].pbc = False
    structures[4].pbc = [True, True, False]
    full = labelled(known_potential(6, SPECIES, seed=5), structures)
    energies, forces, stresses = full.energies.copy(), full.forces.copy(), full.stresses.copy()
    energies[2] = np.nan
    forces[full.offsets[3] : full.offsets[4]] = np.nan
    stresses[5] = np.nan
    stresses[4] = 0.3  # of a slab: cannot be computed, must not count
    return relabelled(
        full,
        energies=energies + np.array([0.1, -0.2, 0.3, 0.0, 0.5, -0.1, 0.2]),
        forces=forces + 0.05 * np.random.default_rng(0).normal(size=forces.shape),
        stresses=stresses,
        weights=np.array([1.0, 2.0, 0.5, 1.0, 3.0, 1.0, 0.0]),
    )


def loss_by_definition(
    potential: MTP, dataset: Dataset, weights: Weights, scaling: Scaling
) -> float:
    """Equations (7), (11) and (12), label by label."""
    predicted = potential.evaluate_dataset(dataset, threads=1)
    total = 0.0
    for s in range(len(dataset)):
        atoms = slice(dataset.offsets[s], dataset.offsets[s + 1])
        n = int(dataset.counts[s])
        of_energy, of_forces = {
            "vibrations": (1 / n, 1.0),
            "molecules": (1.0, 1.0),
            "structures": (1 / n**2, 1 / n),
        }[scaling]
        loss = 0.0
        if not np.isnan(dataset.energies[s]):
            error = predicted.energies[s] - dataset.energies[s]
            loss += weights.energy * of_energy * error**2
        if not np.isnan(dataset.forces[atoms]).any():
            error = predicted.forces[atoms] - dataset.forces[atoms]
            loss += weights.forces * of_forces * (error**2).sum()
        if dataset.pbc[s].all() and not np.isnan(dataset.stresses[s]).any():
            virial = dataset.volumes[s] * (predicted.stresses[s] - dataset.stresses[s])
            xx, yy, zz, yz, xz, xy = virial
            nine = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
            loss += weights.stress * of_energy * (nine**2).sum()
        total += dataset.weights[s] * loss
    return total / len(dataset)


def problem_of(
    potential: MTP,
    dataset: Dataset,
    weights: Weights = WEIGHTS,
    scaling: Scaling = "vibrations",
    isolated: NDArray[np.float64] | None = None,
    *,
    threads: int = 1,
    most_atoms: int = MOST_ATOMS,
) -> Problem:
    prepared = prepare(
        Objective(dataset, weights, scaling, isolated),
        potential.species,
        potential.cutoff,
        potential.n_parameters,
        most_atoms=most_atoms,
    )
    return Problem(potential, prepared, threads)


def some_coefficients(potential: MTP) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    generator = np.random.default_rng(4)
    radial = 0.05 * generator.normal(size=potential.model.n_radial)
    linear = generator.normal(size=potential.n_parameters - len(radial))
    return radial, linear


def equations_of(
    problem: Problem, radial: NDArray[np.float64], linear: NDArray[np.float64]
) -> tuple[LinearEquations, RadialEquations]:
    of_linear = problem.linear_equations(radial)
    return of_linear, problem.radial_equations(radial, linear, of_linear.rows)


def reduced_equations(problem: Problem, radial: NDArray[np.float64], ridge: float) -> Reduced:
    of_linear = problem.linear_equations(radial)
    solved = eliminate(of_linear, ridge)
    return reduce(solved, problem.radial_equations(radial, solved.linear, of_linear.rows))


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("repulsion", [None, ZBL(1.0, 2.6)])
def test_loss_is_the_sum_over_all_labels(scaling: Scaling, repulsion: ZBL | None) -> None:
    dataset = mixed_dataset()
    potential = MTP(8, SPECIES, 4.5, 2.0, 3, repulsion=repulsion)
    problem = problem_of(potential, dataset, scaling=scaling)
    radial, linear = some_coefficients(potential)
    trained = problem.trained(radial, linear)
    expected = loss_by_definition(trained, dataset, WEIGHTS, scaling)
    assert loss_and_gradient(problem, radial, linear)[0] == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(
    "weights",
    [Weights(1, 0, 0), Weights(0, 1, 0), Weights(0, 0, 1), Weights(), Weights(2, 0.3, 0.01)],
)
def test_each_kind_of_label_has_its_weight(weights: Weights) -> None:
    dataset = mixed_dataset()
    potential = MTP(6, SPECIES, 4.5, 2.0, 3)
    problem = problem_of(potential, dataset, weights)
    radial, linear = some_coefficients(potential)
    expected = loss_by_definition(problem.trained(radial, linear), dataset, weights, "vibrations")
    assert loss_and_gradient(problem, radial, linear)[0] == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("repulsion", [None, ZBL(1.0, 2.6)])
def test_gradient_is_the_derivative_of_the_loss(repulsion: ZBL | None) -> None:
    dataset = mixed_dataset()
    potential = MTP(8, SPECIES, 4.5, 2.0, 3, repulsion=repulsion)
    problem = problem_of(potential, dataset)
    radial, linear = some_coefficients(potential)
    _, gradient = loss_and_gradient(problem, radial, linear)
    parameters, step = np.concatenate([radial, linear]), 1e-6
    numeric = np.empty_like(gradient)
    for p in range(len(parameters)):
        losses = []
        for sign in (1, -1):
            changed = parameters.copy()
            changed[p] += sign * step
            losses.append(
                loss_and_gradient(problem, changed[: len(radial)], changed[len(radial) :])[0]
            )
        numeric[p] = (losses[0] - losses[1]) / (2 * step)
    for part in (slice(0, len(radial)), slice(len(radial), None)):
        scale = abs(gradient[part]).max()
        np.testing.assert_allclose(gradient[part], numeric[part], rtol=0, atol=1e-6 * scale)


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("repulsion", [None, ZBL(1.0, 2.6)])
def test_normal_equations_give_the_loss_and_its_gradient(
    scaling: Scaling, repulsion: ZBL | None
) -> None:
    potential = MTP(8, SPECIES, 4.5, 2.0, 3, repulsion=repulsion)
    problem = problem_of(potential, mixed_dataset(), scaling=scaling)
    radial, linear = some_coefficients(potential)
    loss, gradient = loss_and_gradient(problem, radial, linear)
    equations, radial_ones = equations_of(problem, radial, linear)
    n = len(radial)
    for matrix in (equations.matrix, radial_ones.matrix):
        np.testing.assert_allclose(matrix, matrix.T, rtol=1e-12, atol=0)
    assembled = (
        linear @ equations.matrix @ linear - 2 * equations.vector @ linear + equations.constant
    )
    assert assembled == pytest.approx(loss, rel=1e-9)
    for slope, expected in (
        (-2 * radial_ones.vector, gradient[:n]),
        (2 * (equations.matrix @ linear - equations.vector), gradient[n:]),
    ):
        np.testing.assert_allclose(slope, expected, rtol=0, atol=1e-9 * abs(expected).max())


def test_the_gauss_newton_matrix_is_that_of_the_residuals() -> None:
    potential = MTP(6, SPECIES, 4.5, 2.0, 3)
    problem = problem_of(potential, mixed_dataset())
    radial, linear = some_coefficients(potential)
    equations, radial_ones = equations_of(problem, radial, linear)
    everything = np.concatenate([radial, linear])
    n, step = len(radial), 1e-6

    def residuals(values: NDArray[np.float64]) -> NDArray[np.float64]:
        core = compile_model(problem.model(values[:n], values[n:]))
        return np.concatenate(
            [
                np.sqrt(portion.weights)
                * (portion.rows(kernels.evaluate(core, portion.neighborhoods)) - portion.labels)
                for portion in problem.training_set.portions
            ]
        )

    rows = np.stack(
        [
            (residuals(everything + step * unit) - residuals(everything - step * unit)) / (2 * step)
            for unit in np.eye(len(everything))
        ],
        axis=1,
    )
    expected = rows.T @ rows
    for found, part in (
        (equations.matrix, expected[n:, n:]),
        (radial_ones.coupling, expected[n:, :n]),
        (radial_ones.matrix, expected[:n, :n]),
    ):
        np.testing.assert_allclose(found, part, rtol=0, atol=1e-6 * abs(part).max())


@pytest.mark.parametrize("room", [0, 4_000])
def test_rows_that_are_not_kept_are_made_again(room: int) -> None:
    potential = MTP(6, SPECIES, 4.5, 2.0, 3)
    problem = problem_of(potential, mixed_dataset(), most_atoms=4)
    radial, linear = some_coefficients(potential)
    kept, expected = equations_of(problem, radial, linear)
    assert all(rows is not None for rows in kept.rows)
    some, found = equations_of(replace(problem, kept_bytes=room), radial, linear)
    assert {rows is None for rows in some.rows} == ({True} if room == 0 else {True, False})
    for name in ("matrix", "coupling", "vector"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


@pytest.mark.parametrize("threads", [2, 3, 16])
def test_equations_are_the_same_bit_for_bit_on_any_number_of_threads(threads: int) -> None:
    potential = MTP(8, SPECIES, 4.5, 2.0, 3)
    dataset = Dataset.concatenate([mixed_dataset()] * 3)
    radial, linear = some_coefficients(potential)
    one, several = (problem_of(potential, dataset, threads=t, most_atoms=4) for t in (1, threads))
    for found, expected in zip(
        equations_of(several, radial, linear), equations_of(one, radial, linear), strict=True
    ):
        np.testing.assert_array_equal(found.matrix, expected.matrix)
        np.testing.assert_array_equal(found.vector, expected.vector)
    found_loss, found_gradient = loss_and_gradient(several, radial, linear)
    loss, gradient = loss_and_gradient(one, radial, linear)
    assert found_loss == loss
    np.testing.assert_array_equal(found_gradient, gradient)
    assert root_mean_squares(several, radial, linear) == root_mean_squares(one, radial, linear)


@pytest.mark.parametrize("atoms", [1, 4, 9])
def test_portions_do_not_matter(atoms: int) -> None:
    potential = MTP(6, SPECIES, 4.5, 2.0, 3)
    dataset = mixed_dataset()
    radial, linear = some_coefficients(potential)
    whole = problem_of(potential, dataset)
    assert len(whole.training_set.portions) == 1
    expected = equations_of(whole, radial, linear)
    loss, gradient = loss_and_gradient(whole, radial, linear)
    parts = problem_of(potential, dataset, most_atoms=atoms)
    assert len(parts.training_set.portions) > 3
    for one, other in zip(equations_of(parts, radial, linear), expected, strict=True):
        scale = abs(other.matrix).max()
        np.testing.assert_allclose(one.matrix, other.matrix, rtol=1e-10, atol=1e-14 * scale)
        scale = abs(other.vector).max()
        np.testing.assert_allclose(one.vector, other.vector, rtol=1e-9, atol=1e-14 * scale)
    again, slope = loss_and_gradient(parts, radial, linear)
    assert again == pytest.approx(loss, rel=1e-12)
    np.testing.assert_allclose(slope, gradient, rtol=1e-9, atol=1e-12 * abs(gradient).max())


def test_root_mean_squares_are_those_of_the_error_report() -> None:
    from maxvolt.fitting import compute_errors
    from maxvolt.units import GPA_PER_EV_A3

    dataset = mixed_dataset()
    dataset = relabelled(dataset, weights=np.ones(len(dataset)))  # errors know no weights
    potential = MTP(6, SPECIES, 4.5, 2.0, 3)
    problem = problem_of(potential, dataset)
    radial, linear = some_coefficients(potential)
    found = root_mean_squares(problem, radial, linear)
    expected = compute_errors(problem.trained(radial, linear), dataset).total
    assert found.energy == pytest.approx(expected.energy_per_atom.rmse, rel=1e-9)
    assert found.force == pytest.approx(expected.force_components.rmse, rel=1e-9)
    assert found.stress * GPA_PER_EV_A3 == pytest.approx(expected.stress_components.rmse, rel=1e-9)


def test_root_mean_squares_without_labels_are_nan() -> None:
    full = labelled(known_potential(4, ["Mo"]), crystals(["Mo"], 3))
    dataset = relabelled(full, stresses=np.full((3, 6), np.nan), forces=None)
    potential = MTP(4, ["Mo"], 4.5, 2.0, 3)
    found = root_mean_squares(problem_of(potential, dataset), *some_coefficients(potential))
    assert np.isfinite(found.energy)
    assert np.isnan(found.force)
    assert np.isnan(found.stress)


# --------------------------------------------------------------------- elimination


def test_elimination_is_the_linear_least_squares_solution() -> None:
    potential = MTP(8, SPECIES, 4.5, 2.0, 3)
    problem = problem_of(potential, mixed_dataset())
    radial, linear = some_coefficients(potential)
    found = eliminate(problem.linear_equations(radial), 1e-14)
    loss, gradient = loss_and_gradient(problem, radial, found.linear)
    assert found.loss == pytest.approx(loss, rel=1e-7)
    start, slope = loss_and_gradient(problem, radial, linear)
    assert loss < start
    assert abs(gradient[len(radial) :]).max() < 1e-8 * abs(slope[len(radial) :]).max()


def test_gradient_and_matrix_of_the_reduced_problem() -> None:
    potential = MTP(6, SPECIES, 4.5, 2.0, 3)
    problem = problem_of(potential, mixed_dataset())
    radial, _ = some_coefficients(potential)

    def best(coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
        return eliminate(problem.linear_equations(coefficients), 1e-14).linear

    here = reduced_equations(problem, radial, 1e-14)
    step, direction = 1e-5, np.random.default_rng(1).normal(size=len(radial))
    plus, minus = radial + step * direction, radial - step * direction
    slope = sum(
        sign * loss_and_gradient(problem, c, best(c))[0] for sign, c in ((1, plus), (-1, minus))
    ) / (2 * step)
    assert -2 * here.vector @ direction == pytest.approx(slope, rel=1e-5)
    assert (np.linalg.eigvalsh(here.matrix) > -1e-9 * abs(here.matrix).max()).all()


def test_damping_shortens_a_step() -> None:
    potential = MTP(6, SPECIES, 4.5, 2.0, 3)
    problem = problem_of(potential, mixed_dataset())
    radial, _ = some_coefficients(potential)
    here = reduced_equations(problem, radial, 1e-10)
    steps = [radial_step(here, damping) for damping in (1e-4, 1.0, 1e4)]
    lengths = [np.linalg.norm(step.radial) for step in steps]
    assert lengths[0] > lengths[1] > lengths[2] > 0
    assert all(step.predicted > 0 for step in steps)
    assert steps[0].predicted > steps[1].predicted > steps[2].predicted


# --------------------------------------------------------------------- given energies of atoms


def test_given_isolated_energies_are_no_unknowns() -> None:
    potential = MTP(6, SPECIES, 4.5, 2.0, 3)
    given = np.array([-1.25, -2.5])
    problem = problem_of(potential, mixed_dataset(), isolated=given)
    radial, _ = some_coefficients(potential)
    found = eliminate(problem.linear_equations(radial), 1e-10)
    np.testing.assert_array_equal(found.linear[:2], 0.0)
    trained = problem.trained(radial, found.linear)
    assert trained.evaluate(Atoms("Mo")).energy == -1.25
    assert trained.evaluate(Atoms("W")).energy == -2.5
    coupling = equations_of(problem, radial, found.linear)[1].coupling
    np.testing.assert_array_equal(coupling[:2], 0.0)
    assert abs(coupling[2:]).max() > 0
    free = problem_of(potential, mixed_dataset())
    better = eliminate(free.linear_equations(radial), 1e-10)
    assert better.loss < found.loss


# --------------------------------------------------------------------- weights


@pytest.mark.parametrize(
    "values", [(-1, 0, 1), (0, 0, 0), (np.nan, 1, 1), (1, np.inf, 1), (1, 1, -1e-9)]
)
def test_weights_out_of_range_are_refused(values: tuple[float, float, float]) -> None:
    with pytest.raises(FitError, match="expected weights >= 0"):
        Weights(*values)


def test_default_weights_are_those_of_the_paper() -> None:
    assert Weights() == Weights(1.0, 0.01, 0.001)


def test_unknown_scalings_are_refused() -> None:
    with pytest.raises(FitError, match="vibrations, molecules, structures; got 'atoms'"):
        equation_weights(mixed_dataset(), Weights(), "atoms")  # type: ignore[arg-type]


def test_equations_without_a_label_have_no_weight() -> None:
    dataset = mixed_dataset()
    found = equation_weights(dataset, Weights(), "vibrations")
    assert found.energies[2] == found.energies[6] == 0
    assert not found.forces[dataset.offsets[3] : dataset.offsets[4]].any()
    assert not found.virials[[1, 4, 5]].any()
    assert found.virials[0].tolist() == pytest.approx(
        (np.array([1, 1, 1, 2, 2, 2]) * 0.001 / 2 / 7).tolist()
    )
    prepared = problem_of(MTP(4, SPECIES, 4.5, 2.0, 3), dataset).training_set
    energies, forces, stresses = 5, 2 + 2 + 2 + 4 + 4, 3
    assert prepared.n_equations == energies + 3 * forces + 6 * stresses
