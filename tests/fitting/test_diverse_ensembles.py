"""Members of an ensemble that differ: structures drawn with replacement, starts kept apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_data import crystals, emt_dataset, known_potential, labelled, relabelled

from maxvolt.dataset import Dataset
from maxvolt.errors import FitError
from maxvolt.fitting import FitProgress, FitResult, FitSettings, Weights, fit
from maxvolt.fitting.objective import Objective
from maxvolt.fitting.variable_projection.distinct_minima import (
    largest_angle,
    nearest_minimum,
)
from maxvolt.fitting.variable_projection.random_starts import random_radial_coeffs
from maxvolt.potentials import MTP, Ensemble

APART = FitSettings(max_iterations=30, ensemble=2, resampling="none", starts_apart=True, seed=8)
"""With a seed whose first two starts end in one minimum."""
BOOTSTRAP = replace(APART, resampling="bootstrap", starts_apart=False)


def several_minima() -> Dataset:
    """Data of a real interaction, which `small` describes in two ways, 58 degrees apart."""
    return emt_dataset(["Cu"], 12)


def small() -> MTP:
    return MTP(6, ["Cu"], 5.0, 1.9, 3)


def run(settings: FitSettings, data: Dataset | None = None, **options: Any) -> FitResult:
    given = {"threads": 1, "progress": False, **options}
    return fit(small(), several_minima() if data is None else data, settings, **given)


def minima(result: FitResult) -> list[np.ndarray[Any, Any]]:
    assert isinstance(result.potential, Ensemble)
    return [member.model.radial_coeffs for member in result.potential.members]  # type: ignore[attr-defined]


def bits(result: FitResult) -> list[bytes]:
    assert isinstance(result.potential, Ensemble)
    return [member.model.parameters.tobytes() for member in result.potential.members]  # type: ignore[attr-defined]


def closest(result: FitResult) -> float:
    found = minima(result)
    return min(nearest_minimum(one, found[:number]) for number, one in enumerate(found) if number)


def relative_spread(result: FitResult) -> float:
    errors = result.ensemble_training_errors
    assert errors is not None
    return errors.force_spread / errors.mean_prediction.total.force_components.rmse


def after(iterations: int) -> Callable[[FitProgress], None]:
    """A progress report that ends the fit after so many iterations."""
    left = [iterations]

    def report(_: FitProgress) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt

    return report


@pytest.fixture(scope="module")
def apart() -> FitResult:
    return run(APART)


@pytest.fixture(scope="module")
def together() -> FitResult:
    return run(replace(APART, starts_apart=False, starts=1))


# --------------------------------------------------------------------- angles of minima


@given(seed=st.integers(0, 2**32 - 1))
def test_what_changes_no_prediction_changes_no_angle(seed: int) -> None:
    rng = np.random.default_rng(seed)
    radial = random_radial_coeffs((2, 2, 3, 4), rng)
    # Multiples of lower functions and other lengths: an upper triangular matrix over mu.
    mixing = np.triu(0.5 * rng.normal(size=(3, 3)), 1) + np.diag([2.0, -1.0, 0.5])
    assert largest_angle(radial, np.einsum("abkr,kl->ablr", radial, mixing)) < 1e-5


def test_the_angle_of_two_known_functions() -> None:
    radial = np.zeros((1, 1, 2, 3))
    radial[0, 0, 0, 0] = radial[0, 0, 1, 1] = 1.0
    turned = radial.copy()
    turned[0, 0, 1] = [0.0, np.cos(0.5), np.sin(0.5)]
    assert largest_angle(radial, turned) == pytest.approx(np.degrees(0.5))
    # The same two functions in the other order span another space first.
    assert largest_angle(radial, radial[:, :, ::-1]) == pytest.approx(90.0)
    assert nearest_minimum(radial, []) == np.inf


# --------------------------------------------------------------------- starts kept apart


def test_starts_kept_apart_end_in_different_minima(apart: FitResult, together: FitResult) -> None:
    # Without it both end in one minimum, to the accuracy of a fit, so that nothing is left of the
    # spread; the two minima describe the forces in ways that differ as much as they are wrong.
    assert closest(together) < 1.0
    assert relative_spread(together) < 1e-3
    assert closest(apart) > 50.0
    assert relative_spread(apart) > 1 / 3
    assert not any("starts_apart" in text for text in apart.warnings)


def test_starts_kept_apart_are_no_poor_minima(apart: FitResult) -> None:
    losses = [member.losses[-1] for member in apart.members]
    assert max(losses) < 2.25 * min(losses)
    assert all(member.finished for member in apart.members)


def test_the_first_member_is_that_without_it(apart: FitResult, together: FitResult) -> None:
    assert bits(apart)[0] == bits(together)[0]


def test_one_minimum_is_said_to_be_one() -> None:
    # One radial function of two polynomials: all starts end in the same.
    data = labelled(known_potential(2, ["Mo"], size=2), crystals(["Mo"], 12))
    result = fit(
        MTP(2, ["Mo"], 4.5, 2.0, 2), data, replace(APART, ensemble=2), threads=1, progress=False
    )
    assert any("all 4 starts ran to the minimum of an earlier one" in w for w in result.warnings)
    assert len(result.members) == 2


def test_members_fitted_one_by_one_are_kept_apart_too(apart: FitResult) -> None:
    assert isinstance(apart.potential, Ensemble)
    # Without others, the first start of this seed ends where the first member does.
    alone = replace(APART, ensemble=1, starts=1)
    assert isinstance(first := run(alone).potential, MTP)
    assert largest_angle(first.model.radial_coeffs, minima(apart)[0]) < 1e-5
    result = run(alone, apart_from=apart.potential.members[:1])
    assert isinstance(result.potential, MTP)
    assert nearest_minimum(result.potential.model.radial_coeffs, minima(apart)[:1]) > 50.0


def test_potentials_of_another_form_are_refused() -> None:
    for other in (small(), known_potential(8, ["Cu"]), known_potential(6, ["Mo"], size=3)):
        with pytest.raises(FitError, match="apart_from: expected trained potentials with the same"):
            run(APART, apart_from=[other])


# --------------------------------------------------------------------- bootstrap


def test_a_bootstrap_sample_has_as_many_structures_drawn_with_replacement() -> None:
    data = relabelled(labelled(known_potential(4, ["Mo"]), crystals(["Mo"], 400, repeat=1)),
                      weights=np.full(400, 2.0))  # fmt: skip
    objective = Objective(data, Weights(), "vibrations")
    samples = [objective.resampled(0, member, "bootstrap") for member in range(20)]
    sizes = np.array([len(sample.dataset) for sample in samples])
    # 1 - 1/e of the structures; 400 (1/e - 2/e^2) = 39 is the variance of their number.
    assert sizes.mean() == pytest.approx(400 * (1 - np.exp(-1)), abs=4 * np.sqrt(39 / 20))
    for sample in samples:
        # Weights are whole numbers of copies, times 2, and the loss is that of 400 structures.
        copies = sample.dataset.weights * 400 / (2.0 * len(sample.dataset))
        np.testing.assert_allclose(copies, np.rint(copies), atol=1e-12)
        assert copies.sum() == pytest.approx(400)
    assert not np.array_equal(samples[0].dataset.weights, samples[1].dataset.weights)


def test_a_bootstrap_sample_is_a_training_set_with_copies() -> None:
    """A loss with weights is that of structures repeated: fits from one start agree."""
    data = several_minima()
    settings = replace(BOOTSTRAP, ensemble=1, max_iterations=4, starts=1, seed=5)
    sample = Objective(data, Weights(), "vibrations").resampled(5, 0, "bootstrap").dataset
    copies = np.rint(sample.weights * len(data) / len(sample)).astype(int)
    repeated = relabelled(sample, weights=np.ones(len(sample))).select(
        np.repeat(np.arange(len(sample)), copies)
    )
    start = run(replace(settings, resampling="none", max_iterations=1)).potential
    options: dict[str, Any] = {"threads": 1, "progress": False}
    drawn = fit(start, data, settings, **options)  # type: ignore[arg-type]
    with_copies = fit(start, repeated, replace(settings, resampling="none"), **options)  # type: ignore[arg-type]
    np.testing.assert_allclose(drawn.members[0].losses, with_copies.members[0].losses, rtol=1e-7)


def test_bootstrap_members_differ_where_the_same_data_give_one() -> None:
    # One minimum, so that starts make no difference and other data do.
    data = labelled(known_potential(8, ["Mo"]), crystals(["Mo"], 16))
    settings = replace(BOOTSTRAP, max_iterations=60, tolerance=1e-6, starts=4)
    spreads = {}
    for resampling in ("none", "bootstrap"):
        result = fit(
            MTP(2, ["Mo"], 4.5, 2.0, 3),
            data,
            replace(settings, resampling=resampling),
            threads=1,
            progress=False,
        )
        spreads[resampling] = relative_spread(result)
    assert spreads["none"] < 1e-3
    assert spreads["bootstrap"] > 0.05


def test_a_sample_has_all_elements() -> None:
    data = emt_dataset(["Cu", "Au"], 12)
    numbers = np.where(data.numbers == 79, 29, data.numbers)
    numbers[data.offsets[3]] = 79  # gold in one structure only
    rare = relabelled(data, numbers=numbers)
    objective = Objective(rare, Weights(), "vibrations")
    for member in range(10):
        sample = objective.resampled(0, member, "bootstrap").dataset
        assert set(sample.numbers.tolist()) == {29, 79}


# --------------------------------------------------------------------- determinism, checkpoints


@pytest.mark.parametrize("settings", [APART, BOOTSTRAP], ids=["apart", "bootstrap"])
def test_a_seed_decides_the_ensemble(settings: FitSettings, apart: FitResult) -> None:
    short = replace(settings, max_iterations=8)
    first = run(short)
    assert bits(run(short, threads=2)) == bits(first)
    assert bits(run(replace(short, seed=1))) != bits(first)


@pytest.mark.parametrize("settings", [APART, BOOTSTRAP], ids=["apart", "bootstrap"])
def test_a_fit_cut_off_goes_on_bit_for_bit(settings: FitSettings, tmp_path: Path) -> None:
    seen: list[FitProgress] = []
    whole = run(settings, progress=seen.append)
    for iterations in (1, len(seen) // 3, len(seen) // 2, len(seen) - 3, len(seen)):
        checkpoint = tmp_path / f"{iterations}.npz"
        with pytest.raises(KeyboardInterrupt):
            run(settings, checkpoint=checkpoint, progress=after(iterations))
        again = run(settings, checkpoint=checkpoint, restart=True)
        assert bits(again) == bits(whole)
        assert again.members == whole.members
        assert again.warnings == whole.warnings


def test_a_checkpoint_belongs_to_what_was_kept_away_from(apart: FitResult, tmp_path: Path) -> None:
    assert isinstance(apart.potential, Ensemble)
    alone, checkpoint = replace(APART, ensemble=1, max_iterations=3), tmp_path / "fit.npz"
    run(alone, checkpoint=checkpoint, apart_from=apart.potential.members[:1])
    with pytest.raises(FitError, match="the checkpoint belongs to a fit with other data"):
        run(alone, checkpoint=checkpoint, restart=True, apart_from=apart.potential.members[1:])
