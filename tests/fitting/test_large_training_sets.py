"""What is done for large training sets only: parts that grow, and rows of some of the data."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from training_data import crystals, known_potential, labelled

from maxvolt.dataset import Dataset
from maxvolt.fitting import FitProgress, FitSettings, Weights, fit
from maxvolt.fitting.objective import Objective
from maxvolt.fitting.training_set import prepare
from maxvolt.fitting.variable_projection import random_starts, sampling
from maxvolt.fitting.variable_projection.elimination import eliminate, reduce
from maxvolt.fitting.variable_projection.problem import Problem, loss_and_gradient
from maxvolt.fitting.variable_projection.problem_builder import ProblemBuilder
from maxvolt.fitting.variable_projection.random_starts import part_sizes
from maxvolt.fitting.variable_projection.sampling import sampled_structures
from maxvolt.potentials import MTP
from maxvolt.potentials.mtp.binding import kernels
from maxvolt.potentials.mtp.model import compile_model

RIDGE = 1e-10


def data(count: int = 24) -> Dataset:
    return labelled(known_potential(8, ["Mo", "W"]), crystals(["Mo", "W"], count, seed=3))


def small() -> MTP:
    return MTP(6, ["Mo", "W"], 4.5, 2.0, 3)


@pytest.fixture
def few_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a set count as large that is not."""
    monkeypatch.setattr(sampling, "_ROWS_PER_PARAMETER", 1)
    monkeypatch.setattr(sampling, "_FEWEST_STRUCTURES", 6)
    monkeypatch.setattr(sampling, "_FEWEST_OF_PAIR", 2)


def problem_of(dataset: Dataset) -> Problem:
    objective = Objective(dataset, Weights(), "vibrations")
    return ProblemBuilder(objective, threads=1, most_atoms=4).problem(small())


def sample_of(dataset: Dataset) -> NDArray[np.int64] | None:
    potential, training_set = small(), problem_of(dataset).training_set
    return sampled_structures(dataset, training_set, 2, potential.n_parameters)


def coefficients(potential: MTP) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    generator = np.random.default_rng(4)
    radial = 0.05 * generator.normal(size=potential.model.n_radial)
    return radial, generator.normal(size=potential.n_parameters - len(radial))


# --------------------------------------------------------- rows by the radial coefficients of some


def test_small_sets_have_all_rows_in_double_precision() -> None:
    problem = problem_of(data())
    assert problem.sample is None
    assert problem.columns.precision == "double"
    assert all(problem.keeping)


@pytest.mark.usefixtures("few_are_enough")
def test_structures_are_chosen_evenly() -> None:
    dataset = data()
    chosen = sample_of(dataset)
    assert chosen is not None
    assert 6 <= len(chosen) <= 12
    assert np.ptp(np.diff(chosen)) <= 1
    assert chosen[0] < len(dataset) / len(chosen)


@pytest.mark.usefixtures("few_are_enough")
def test_large_sets_have_a_sample_and_single_precision() -> None:
    problem = problem_of(data())
    assert problem.sample is not None
    assert problem.sample.n_equations < problem.training_set.n_equations / 2
    np.testing.assert_array_equal(problem.sample.baseline, problem.training_set.baseline)
    assert problem.columns.precision == "single"
    assert not any(problem.keeping)  # J is of other structures


def test_half_of_the_structures_is_not_worthwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "_ROWS_PER_PARAMETER", 1)
    for fewest, expected in ((10, False), (14, True)):
        monkeypatch.setattr(sampling, "_FEWEST_STRUCTURES", fewest)
        assert (sample_of(data()) is None) == expected


@pytest.mark.usefixtures("few_are_enough")
def test_the_gradient_is_that_of_all_structures() -> None:
    problem = problem_of(data())
    radial, linear = coefficients(problem.potential)
    rows = problem.linear_equations(radial).rows
    found = problem.radial_equations(radial, linear, rows)
    _, gradient = loss_and_gradient(problem, radial, linear)
    expected = gradient[: len(radial)]
    scale = abs(expected).max()
    np.testing.assert_allclose(-2 * found.vector, expected, rtol=0, atol=1e-5 * scale)


@pytest.mark.usefixtures("few_are_enough")
def test_the_matrix_is_that_of_the_chosen_structures() -> None:
    problem = problem_of(data())
    radial, _ = coefficients(problem.potential)
    equations = problem.linear_equations(radial)
    solved = eliminate(equations, RIDGE)
    found = reduce(solved, problem.radial_equations(radial, solved.linear, equations.rows))
    a, j = [], []
    core = compile_model(problem.model(radial, solved.linear))
    assert problem.sample is not None
    for portion in problem.sample.portions:
        table = kernels.jacobian(core, portion.neighborhoods).table
        table *= np.sqrt(portion.weights)[:, None]
        j.append(table[:, : len(radial)])
        a.append(table[:, len(radial) :])
    linear_rows, radial_rows = np.concatenate(a), np.concatenate(j)
    # What is left of the radial columns beside those of the linear coefficients.
    scale = np.linalg.norm(linear_rows, axis=0)
    damped = np.concatenate([linear_rows / scale, np.sqrt(RIDGE) * np.eye(len(scale))])
    padded = np.concatenate([radial_rows, np.zeros((len(scale), len(radial)))])
    left = padded - damped @ np.linalg.lstsq(damped, padded, rcond=None)[0]
    expected = left.T @ left
    np.testing.assert_allclose(found.matrix, expected, rtol=0, atol=1e-4 * abs(expected).max())


@pytest.mark.usefixtures("few_are_enough")
def test_fits_with_some_rows_end_where_those_with_all_do(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = data(64)
    settings = FitSettings(starts=1, tolerance=1e-6)
    monkeypatch.setitem(prepare.__kwdefaults__, "most_atoms", 8)
    monkeypatch.setattr(sampling, "_ROWS_PER_PARAMETER", 15)
    monkeypatch.setattr(sampling, "_FEWEST_STRUCTURES", 32)
    some = fit(small(), dataset, settings=settings, threads=1).members[0]
    monkeypatch.setattr(sampling, "_ROWS_PER_PARAMETER", 1e9)
    every = fit(small(), dataset, settings=settings, threads=1).members[0]
    assert some.finished == every.finished == "converged"
    assert some.losses != every.losses  # rows have been left out
    assert some.losses[-1] == pytest.approx(every.losses[-1], rel=1e-4)


def with_a_rare_species(count: int) -> Dataset:
    """Crystals of molybdenum, the last two with tungsten."""
    structures = crystals(["Mo"], count, seed=5)
    for atoms in structures[-2:]:
        atoms.symbols[::2] = "W"
    return labelled(known_potential(8, ["Mo", "W"]), structures)


@pytest.mark.usefixtures("few_are_enough")
def test_pairs_that_are_rare_are_among_the_chosen_rows() -> None:
    dataset = with_a_rare_species(60)
    chosen = sample_of(dataset)
    assert chosen is not None
    assert {58, 59} <= set(chosen.tolist())
    assert len(chosen) < 30
    problem = problem_of(dataset)
    radial, linear = coefficients(problem.potential)
    rows = problem.linear_equations(radial).rows
    found = problem.radial_equations(radial, linear, rows)
    assert (np.diag(found.matrix) > 0).all()


@pytest.mark.usefixtures("few_are_enough")
def test_fits_with_some_rows_fit_rare_pairs_too(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = with_a_rare_species(60)
    start = known_potential(6, ["Mo", "W"], size=3, seed=2)
    settings = FitSettings(tolerance=1e-6, max_iterations=40)
    monkeypatch.setitem(prepare.__kwdefaults__, "most_atoms", 4)
    some = fit(start, dataset, settings=settings, threads=1).members[0]
    monkeypatch.setattr(sampling, "_ROWS_PER_PARAMETER", 1e9)
    every = fit(start, dataset, settings=settings, threads=1).members[0]
    assert some.losses[-1] < 1.1 * every.losses[-1]


# ------------------------------------------------------------------------------- parts that grow


@pytest.mark.parametrize(
    ("n_linear", "n_equations", "expected"),
    [
        (10, 20_000, [3_000]),
        (10, 36_000, [3_000, 18_000]),
        (93, 540_000, [3_720, 22_320, 133_920]),
        (289, 540_000, [11_560, 69_360]),
        (93, 10, [3_720]),
    ],
)
def test_sizes_of_parts(n_linear: int, n_equations: int, expected: list[int]) -> None:
    assert part_sizes(n_linear, n_equations) == expected


def test_starts_go_from_part_to_part(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[FitProgress] = []
    settings = FitSettings(max_iterations=30, starts=4, start_iterations=6, tolerance=1e-9)
    dataset = data(40)
    monkeypatch.setattr(random_starts, "_LEAST_EQUATIONS", 60)
    monkeypatch.setattr(random_starts, "_EQUATIONS_PER_COEFFICIENT", 1)
    monkeypatch.setattr(random_starts, "_GROWTH", 3)
    result = fit(small(), dataset, settings=settings, threads=1, progress=told.append)
    told = [news for news in told if news.starts == 4]
    # Four starts on the smallest part, two on the next, one on those behind it and on all data.
    on_parts = [news.start for news in told if news.start < 4]
    rounds = [on_parts[0]]
    for start in on_parts:
        if start != rounds[-1]:
            rounds.append(start)
    assert rounds[:4] == [0, 1, 2, 3]
    assert len(set(rounds[4:])) == 2
    assert told[-1].start == 4
    assert told[-1].finished
    losses = result.members[0].losses
    assert list(losses) == sorted(losses, reverse=True)
    assert told[-1].loss == losses[-1]


# ---------------------------------------------------------------------------------------- the end


def test_a_fit_that_is_at_its_end_says_so_at_once() -> None:
    dataset = data()
    first = fit(small(), dataset, settings=FitSettings(starts=1, tolerance=1e-6), threads=1)
    again = fit(first.potential, dataset, settings=FitSettings(tolerance=1e-4), threads=1)
    (member,) = again.members
    assert member.finished == "converged"
    assert len(member.losses) == 2  # as it begins, and as it ends
    assert member.losses[1] == pytest.approx(first.members[0].losses[-1], rel=1e-5)
