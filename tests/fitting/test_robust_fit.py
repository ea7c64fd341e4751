"""Huber's loss: factors, weights between steps, restarts, threads; and nothing without it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from training_data import emt_dataset, relabelled

from maxvolt.dataset import Dataset
from maxvolt.errors import FitError
from maxvolt.fitting import FitResult, FitSettings, compute_errors, fit
from maxvolt.fitting.robust_weights import LabelErrors, factors, scales
from maxvolt.potentials import MTP

QUICK = FitSettings(max_iterations=14, starts=1, start_iterations=2, robust=True)


@pytest.fixture(scope="module")
def clean() -> Dataset:
    return emt_dataset(["Cu"], 40)


@pytest.fixture(scope="module")
def spoilt(clean: Dataset) -> Dataset:
    """Forces of two structures are noise of 3 eV/Angstrom."""
    forces, generator = clean.forces.copy(), np.random.default_rng(1)
    for s in (6, 21):
        atoms = clean.atoms_of(s)
        forces[atoms] += 3.0 * generator.normal(size=forces[atoms].shape)
    return relabelled(clean, forces=forces)


def run(data: Dataset, **options: Any) -> FitResult:
    given = {"settings": QUICK, "threads": 1, "progress": False, **options}
    return fit(MTP(8, ["Cu"], 4.5, 1.8, 5), data, **given)


def same(one: FitResult, other: FitResult) -> None:
    np.testing.assert_array_equal(
        one.potential.model.parameters,  # type: ignore[attr-defined]
        other.potential.model.parameters,  # type: ignore[attr-defined]
    )
    assert one.members == other.members
    assert one.robust == other.robust


@given(st.floats(1e-4, 1e4), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_scales_of_normal_errors(size: float, seed: int) -> None:
    """The usual error is the standard deviation, and 18 % of the labels count less."""
    rng = np.random.default_rng(seed)
    normal = size * rng.standard_normal((20_000, 6))
    errors = LabelErrors(
        np.abs(normal[:, 0]),
        np.linalg.norm(normal[:, :3], axis=1),
        np.linalg.norm(normal, axis=1),
    )
    usual = scales(errors)
    np.testing.assert_allclose(usual, size, rtol=0.05)  # five standard errors of a median
    for found in factors(errors, usual).kinds():
        assert (found < 1).mean() == pytest.approx(0.18, abs=0.03)
        assert found.min() > 0.1


@given(st.lists(st.floats(0, 1e8), min_size=1, max_size=20))
def test_factors_bound_the_pull_of_a_label(sizes: list[float]) -> None:
    """Weight times error, the pull of a label, grows with the error up to a limit."""
    values = np.sort(sizes)
    nothing = np.full(0, np.nan)
    found = factors(LabelErrors(values, nothing, nothing), (1.0, 1.0, 1.0)).energies
    assert ((found > 0) & (found <= 1)).all()
    assert (np.diff(found * values) >= -1e-12).all()
    assert (found * values).max() <= 1.345 * (1 + 1e-12)


def test_labels_that_are_absent_have_no_factor(clean: Dataset) -> None:
    result = run(relabelled(clean, stresses=None))
    assert result.robust is not None
    assert result.robust.equations == {"energy": 40, "force": 960, "stress": 0}


def test_wrong_forces_hurt_less_and_are_named(clean: Dataset, spoilt: Dataset) -> None:
    test = emt_dataset(["Cu"], 30, seed=9)
    errors = {}
    for name, data, robust in (
        ("clean", clean, False),
        ("squares", spoilt, False),
        ("robust", spoilt, True),
    ):
        result = run(data, robust=robust)
        errors[name] = compute_errors(result.potential, test).total.force_components.rmse
    assert result.robust is not None
    assert {one.structure for one in result.robust.structures[:2]} == {6, 21}
    assert all(one.kind == "force" and one.factor < 0.2 for one in result.robust.structures[:2])
    assert errors["robust"] < 0.5 * (errors["squares"] + errors["clean"])


def test_without_the_option_there_is_no_report(clean: Dataset) -> None:
    assert run(clean, robust=False).robust is None


def test_threads_change_nothing(spoilt: Dataset) -> None:
    same(run(spoilt), run(spoilt, threads=2))


@pytest.mark.parametrize("stop", [3, 7, 10])
def test_a_restart_goes_on_to_the_same_last_bit(stop: int, spoilt: Dataset, tmp_path: Path) -> None:
    class StoppedError(Exception):
        pass

    count = 0

    def cut(_: object) -> None:
        nonlocal count
        count += 1
        if count == stop:
            raise StoppedError

    file = tmp_path / "fit.ckpt"
    with pytest.raises(StoppedError):
        run(spoilt, checkpoint=file, progress=cut)
    same(run(spoilt, checkpoint=file, restart=True), run(spoilt))


def test_a_raised_limit_goes_on_to_the_same_last_bit(spoilt: Dataset, tmp_path: Path) -> None:
    file = tmp_path / "fit.ckpt"
    few = replace(QUICK, max_iterations=10)
    run(spoilt, settings=few, checkpoint=file)
    same(run(spoilt, checkpoint=file, restart=True), run(spoilt))


def test_an_ensemble_reports_the_mean(spoilt: Dataset) -> None:
    result = run(spoilt, ensemble=2, max_iterations=4)
    assert result.robust is not None
    assert result.robust.to_dict()["structures"][0]["structure"] in (6, 21)
    assert any("robust loss" in line for line in result.robust.lines())


def test_a_checkpoint_of_squares_is_refused(spoilt: Dataset, tmp_path: Path) -> None:
    file = tmp_path / "fit.ckpt"
    run(spoilt, robust=False, max_iterations=3, checkpoint=file)
    with pytest.raises(FitError, match="other data, potential or settings"):
        run(spoilt, checkpoint=file, restart=True)
