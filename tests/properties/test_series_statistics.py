"""Means of correlated series: against the autoregressive process, whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maxvolt.properties.statistics import (
    correlation_time,
    equilibrated_from,
    series_mean,
    weighted_line,
)

PHI = 0.9
"""Of x_t = PHI x_(t-1) + noise, whose correlation is PHI^t."""

TIME = (1 + PHI) / (1 - PHI) / 2


def process(n: int, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=n) * np.sqrt(1 - PHI**2)
    series = np.empty(n)
    series[0] = noise[0] / np.sqrt(1 - PHI**2)
    for t in range(1, n):
        series[t] = PHI * series[t - 1] + noise[t]
    return series


def test_the_correlation_time_is_that_of_the_process():
    # The relative error of the estimate is about sqrt(2 (2 W + 1) / n) with the window W = 6 TIME.
    assert correlation_time(process(200_000, 1)) == pytest.approx(TIME, rel=3 * 0.034)


def test_independent_values_have_half_a_step():
    assert correlation_time(np.random.default_rng(2).normal(size=100_000)) == pytest.approx(
        0.5, abs=0.02
    )


def test_the_error_of_blocks_is_the_error_of_the_mean():
    n, runs = 4000, 60
    found = [series_mean(process(n, seed), 0) for seed in range(runs)]
    exact = np.sqrt(2 * TIME / n)
    scatter = np.std([one.mean for one in found], ddof=1)
    mean_error = float(np.mean([one.error for one in found]))
    assert scatter == pytest.approx(exact, rel=3 / np.sqrt(2 * runs))
    assert mean_error == pytest.approx(exact, rel=0.15)
    assert all(one.blocks >= 5 for one in found)


def test_means_lie_within_their_errors_as_often_as_they_should():
    found = [series_mean(process(4000, 100 + seed), 0) for seed in range(100)]
    within = sum(abs(one.mean) < 2 * one.error for one in found)
    assert 88 <= within <= 100  # 95 of 100 for a Gaussian, standard deviation 2.2


def test_the_beginning_that_is_not_equilibrium_is_left_out():
    series = process(4000, 5)
    series[:400] += 30 * np.exp(-np.arange(400) / 100)
    assert 200 <= equilibrated_from(series) <= 800
    assert abs(series_mean(series).mean) < 3 * np.sqrt(2 * TIME / 3600)


def test_fast_noise_on_something_slow_does_not_hide_it():
    """Noise shortens the correlation time; blocks must be as long as the slow part asks."""
    n, runs = 4000, 60
    noise = np.random.default_rng(9)
    slow = [process(n, 300 + seed) for seed in range(runs)]
    found = [series_mean(one + 3 * noise.normal(size=n), 0, correlation_time(one)) for one in slow]
    exact = np.sqrt((2 * TIME + 9) / n)
    assert np.mean([one.error for one in found]) == pytest.approx(exact, rel=0.15)


def test_a_run_of_a_few_correlation_times_says_so():
    short = [series_mean(process(200, seed), 0, TIME) for seed in range(100)]
    assert all(one.blocks < 5 for one in short)
    # Too large rather than too small: 200 values are 10 independent ones.
    within = sum(abs(one.mean) < 2 * one.error for one in short)
    assert within >= 88


def test_a_series_too_short_for_blocks_has_no_error():
    assert np.isnan(series_mean([1.0], 0).error)


@given(st.floats(-1e3, 1e3), st.floats(0.1, 1e3))
def test_shift_and_scale_go_through(shift, scale):
    series = process(300, 7)
    plain, moved = series_mean(series), series_mean(shift + scale * series)
    assert moved.mean == pytest.approx(shift + scale * plain.mean, rel=1e-9, abs=1e-9 * scale)
    assert moved.error == pytest.approx(scale * plain.error, rel=1e-6)


def test_a_line_is_found_with_its_error():
    x = [1e-3, 2e-3, 5e-4]
    coefficients, covariance = weighted_line(x, [900 + 2e3 * v for v in x], [1.0, 2.0, 0.5])
    assert coefficients == pytest.approx([900, 2e3])
    # Two points and equal errors: the error of the intercept is known by hand.
    _, two = weighted_line([1.0, 2.0], [0.0, 0.0], [3.0, 3.0])
    assert np.sqrt(two[0, 0]) == pytest.approx(3 * np.sqrt(5))
    assert covariance.shape == (2, 2)
