"""Calibrations: coverage, means and what they refuse."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from maxvolt.errors import DataError
from maxvolt.uncertainty import Calibration, HeldOutErrors, reliability_of_folds, reliability_on
from maxvolt.uncertainty.conformal import conformal_scores, effective
from maxvolt.uncertainty.error_model import ErrorModel, deviance, fit_error_model

Array = NDArray[np.float64]


def synthetic(structures: int, seed: int, *, alike: float = 0.3, atoms: int = 8) -> HeldOutErrors:
    """Errors proportional to a measure to the power 0.7; atoms of a structure share a factor."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(max(atoms // 2, 1), 2 * atoms, structures)
    owners = np.repeat(np.arange(structures), counts)
    measure = np.exp(rng.normal(size=structures)[owners] + 0.5 * rng.normal(size=len(owners)))
    shared = np.exp(alike * rng.normal(size=structures))[owners]
    errors = 0.1 * measure**0.7 * shared * rng.chisquare(3, len(owners)) ** 0.5
    largest = np.zeros(structures)
    np.maximum.at(largest, owners, measure)
    energies = 0.01 * largest**0.5 * np.abs(rng.normal(size=structures))
    return HeldOutErrors(
        ("measure",),
        largest[:, None],
        measure[:, None],
        rng.exponential(size=len(owners)),
        energies,
        errors,
        owners,
    )


def test_the_mean_is_found() -> None:
    errors = synthetic(500, 0, alike=0.0)
    model = fit_error_model(errors.sites, errors.force_errors)
    assert model.exponents[0] == pytest.approx(0.7, abs=0.05)
    expected = model.expected(errors.sites)
    np.testing.assert_allclose(np.mean(errors.force_errors / expected), 1.0, atol=0.005)
    order = np.argsort(expected)
    for part in np.array_split(order, 8):
        assert errors.force_errors[part].mean() == pytest.approx(expected[part].mean(), rel=0.1)


def test_a_measure_that_says_nothing_has_no_exponent() -> None:
    rng = np.random.default_rng(1)
    measures, errors = rng.exponential(size=(400, 2)), rng.exponential(size=400)
    measures[:, 1] = 1.0 / errors  # falls where errors grow
    model = fit_error_model(measures, errors)
    assert model.exponents[1] == 0.0
    assert (model.exponents >= 0).all()
    assert model.exponents[0] < 0.15


@given(st.floats(0.2, 3.0), st.floats(1e-4, 10.0), st.floats(1e-6, 2.0))
def test_thresholds_are_the_inverse(exponent: float, error: float, floor: float) -> None:
    model = ErrorModel(np.array([floor]), np.array([exponent]), 0.3, np.array([1.0]))
    value = model.measure_at(error)
    if value > 1e-9 * max(floor, 1e-3):
        assert model.expected(np.array([[value]]))[0] == pytest.approx(error, rel=1e-5)
    else:
        assert model.expected(np.array([[0.0]]))[0] >= error * (1 - 1e-5)


def test_thresholds_of_a_useless_measure_are_beyond_what_was_held_out() -> None:
    flat = ErrorModel(np.ones(1), np.zeros(1), 0.3, np.ones(1))
    assert flat.measure_at(0.2) == 0.0
    assert flat.measure_at(0.4) > 1.0
    assert flat.expected(np.array([[flat.measure_at(0.4)]]))[0] == pytest.approx(0.4)
    nothing = ErrorModel(np.ones(1), np.zeros(1), 0.0, np.ones(1))
    assert nothing.measure_at(0.1) == float("inf")
    two = ErrorModel(np.ones(2), np.ones(2), 0.3, np.ones(2))
    with pytest.raises(DataError, match="single measure"):
        two.measure_at(0.1)


@pytest.mark.parametrize("alike", [0.0, 0.3, 1.5])
@pytest.mark.parametrize("strict", [True, False])
def test_coverage_on_exchangeable_structures(alike: float, strict: bool) -> None:
    """Over many calibrations with 40 structures, new structures are covered as stated."""
    trials, found = 40, []
    for trial in range(trials):
        errors = synthetic(80, 100 + trial, alike=alike)
        chosen = np.arange(40)
        calibration = Calibration.from_errors(errors.select(chosen), force_length=False)
        new = errors.select(np.arange(40, 80))
        expected = calibration.force.expected(new.sites)
        inside = new.force_errors <= calibration.force.bounds(expected, 0.8, strict=strict)
        found.append(inside.mean())
    mean, error = np.mean(found), np.std(found, ddof=1) / np.sqrt(trials)
    assert mean > 0.8 - 3 * error
    assert mean < 0.8 + 3 * error + (0.8 / 30 if strict else 0.01)


def test_bounds_are_in_bins_where_conditional_coverage_asks_for_it() -> None:
    rng = np.random.default_rng(2)
    owners = np.arange(600)
    expected = np.exp(rng.normal(size=600))
    same = expected * rng.exponential(size=600)
    assert len(conformal_scores(expected, same, owners).scores) == 1
    wider = expected * np.where(expected > 1, 3.0, 0.3) * rng.exponential(size=600)
    scores = conformal_scores(expected, wider, owners)
    assert len(scores.scores) > 1
    inside = wider <= scores.bounds(expected, 0.8)
    for part in (expected < 0.5, expected > 2):
        assert inside[part].mean() == pytest.approx(0.8, abs=0.1)


def test_effective_number_of_structures() -> None:
    assert effective(np.repeat(np.arange(10), 7)) == pytest.approx(10)
    assert effective(np.array([0, 0, 0, 0, 1])) == pytest.approx(25 / 17)


def test_no_bound_where_there_are_too_few() -> None:
    errors = synthetic(8, 3)
    force = Calibration.from_errors(errors).force
    assert np.isinf(force.bounds(np.ones(1), 0.99, strict=True)).all()
    assert np.isfinite(force.bounds(np.ones(1), 0.5, strict=True)).all()
    for bad in (0.0, 1.0, -1.0, float("nan")):
        with pytest.raises(DataError, match="coverage"):
            force.bounds(np.ones(1), bad)


def test_what_cannot_be_calibrated() -> None:
    errors = synthetic(20, 4)
    with pytest.raises(DataError, match="too few"):
        Calibration.from_errors(errors.select(np.arange(4)))
    nothing = dataclasses.replace(errors, force_errors=np.zeros_like(errors.force_errors))
    with pytest.raises(DataError, match="no error differs from zero"):
        Calibration.from_errors(nothing)


@pytest.mark.parametrize("structures", [5, 6, 9, 10])
def test_what_can_be_calibrated_has_tables(structures: int) -> None:
    errors = synthetic(structures, 4)
    found = reliability_of_folds(errors)
    assert len(found.errors) == len(errors.force_errors)
    assert np.isfinite(found.expected).all()
    assert 0 <= found.coverage[0].forces <= 1
    with pytest.raises(DataError, match="1 structures with forces are too few"):
        reliability_of_folds(errors.select(np.arange(2)))


def test_a_calibration_of_few_structures_warns() -> None:
    (warning,) = Calibration.from_errors(synthetic(5, 4)).warnings
    assert warning.startswith("5 structures with forces are few")
    assert "about 50" in warning
    assert Calibration.from_errors(synthetic(50, 4)).warnings == ()


def test_force_length_is_used_where_it_helps() -> None:
    errors = synthetic(200, 5)
    assert not Calibration.from_errors(errors).uses_force_length
    longer = dataclasses.replace(errors, force_errors=errors.force_errors * errors.force_lengths)
    assert Calibration.from_errors(longer).uses_force_length
    assert not Calibration.from_errors(longer, force_length=False).uses_force_length


def test_missing_labels_are_left_out() -> None:
    errors = synthetic(60, 6)
    forces, energies = errors.force_errors.copy(), errors.energy_errors.copy()
    forces[errors.owners < 20] = np.nan
    energies[3:] = np.nan
    found = Calibration.from_errors(
        dataclasses.replace(errors, force_errors=forces, energy_errors=energies)
    )
    assert found.n_structures == 40
    assert found.energy is None


def test_reliability_counts_what_it_says() -> None:
    errors = synthetic(300, 7)
    found = reliability_of_folds(errors, thresholds=(0.2,))
    assert len(found.errors) == len(errors.force_errors)
    for row in found.coverage:
        assert row.forces == pytest.approx(row.stated, abs=0.04)
        assert row.energies == pytest.approx(row.stated, abs=0.08)
    (misses,) = found.misses
    large = found.errors >= 0.4
    assert misses.atoms == large.sum()
    assert misses.missed_atoms == pytest.approx((found.expected[large] < 0.2).mean())
    told = found.expected >= 0.2
    assert misses.false_atoms == pytest.approx((found.errors[told] < 0.1).mean())
    assert found.correlations["measure"] > 0.5
    assert abs(found.correlations["force length"]) < 0.1
    assert sum(count for _, _, count in found.diagram()) == len(found.errors)
    assert found.to_dict()["atoms"] == len(found.errors)
    other = reliability_on(Calibration.from_errors(errors), synthetic(300, 8))
    assert other.coverage[3].forces == pytest.approx(0.9, abs=0.03)


def test_the_diagram_is_drawn(tmp_path) -> None:
    figure = reliability_of_folds(synthetic(60, 9)).figure()
    figure.savefig(tmp_path / "diagram.png")
    assert (tmp_path / "diagram.png").stat().st_size > 1000


def test_deviance_prefers_the_truth() -> None:
    rng = np.random.default_rng(3)
    expected = np.exp(rng.normal(size=2000))
    errors = expected * rng.exponential(size=2000)
    assert deviance(expected, errors) < deviance(np.full(2000, errors.mean()), errors)


def power_law(model: ErrorModel, measures: np.ndarray) -> np.ndarray:
    """Equation (45), as it is written."""
    return model.prefactor * ((measures + model.floors) ** model.exponents).prod(axis=1)


@pytest.mark.parametrize("exponents", [(0.0, 0.0), (0.4, 0.2), (1.5, 0.0)])
def test_errors_grow_beyond_all_that_was_held_out(exponents: tuple[float, float]) -> None:
    """A measure that told nothing where all structures are alike must not say so of others."""
    model = ErrorModel(np.array([0.1, 0.0]), np.array(exponents), 0.02, np.array([2.0, 3.0]))
    inside = np.array([[2.0, 3.0], [0.5, 1.0], [0.0, 3.0]])
    assert model.expected(inside) == pytest.approx(power_law(model, inside), rel=1e-12)
    at = model.expected(np.array([[2.0, 3.0]]))[0]
    tenfold = 10 * (2.0 + 0.1) - 0.1  # with its floor
    (found,) = model.expected(np.array([[tenfold, 3.0]]))
    assert found == pytest.approx(at * 10 ** max(exponents[0], 1.0), rel=1e-12)
    rising = np.column_stack([np.linspace(0, 50, 400), np.linspace(0.1, 9, 400)])
    assert (np.diff(model.expected(rising)) >= 0).all()


def test_a_measure_that_hardly_varies_has_no_steep_law() -> None:
    """Its prefactor would overflow, and errors of other structures be no numbers."""
    rng = np.random.default_rng(0)
    scatter = rng.normal(size=12)
    model = fit_error_model(1e-5 * (1 + 1e-4 * scatter[:, None]), np.exp(scatter))
    assert 0 < model.exponents[0] <= 10
    assert np.isfinite(model.expected(np.array([[0.0], [1e-5], [1e-3]]))).all()
