"""Conductivity of processes whose correlation is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from ase import units
from scipy.signal import lfilter

from maxvolt.properties.conductivity.flux_correlation import W_MK, integrate_flux

STEP, VOLUME, TEMPERATURE = 0.01, 5000.0, 700.0
SCALE = W_MK / (VOLUME * units.kB * TEMPERATURE**2)


def process(steps: int, decay: float, generator: np.random.Generator) -> np.ndarray:
    """Forget exponentially, each component on its own: variance 1."""
    past = 20 + round(20 / (1 - decay))
    noise = generator.standard_normal((past + steps, 3)) * np.sqrt(1 - decay**2)
    return lfilter([1.0], [1.0, -decay], noise, axis=0)[past:]


def integral(decay: float) -> float:
    """Sum of decay^t by trapezoids."""
    return STEP * (0.5 + decay / (1 - decay))


def test_a_process_has_its_integral_and_its_error():
    """Two decays, as a crystal has: vibrations that end soon, and phonons."""
    generator = np.random.default_rng(4)
    found = []
    for _ in range(40):
        runs = [
            2 * process(8000, 0.6, generator) + process(8000, 0.97, generator) for _ in range(3)
        ]
        found.append(integrate_flux(runs, STEP, VOLUME, TEMPERATURE))
    exact = SCALE * (4 * integral(0.6) + integral(0.97))
    values = np.array([one.value for one in found])
    errors = np.array([one.error for one in found])
    assert all(one.converged for one in found)
    # Nothing is cut off: the mean of forty has an error of its own.
    assert values.mean() == pytest.approx(exact, abs=3 * values.std(ddof=1) / np.sqrt(40))
    # Of deviations from the truth, two of three are within the error, and 95 % within two; forty
    # of them tell these shares to some hundredths.
    away = np.abs(values - exact) / errors
    assert 0.45 < np.mean(away < 1) < 0.9
    assert np.mean(away < 2) > 0.8
    assert errors.mean() < 0.15 * exact


def test_the_mean_over_runs_is_that_of_all_products():
    generator = np.random.default_rng(1)
    runs = [process(400, 0.8, generator) for _ in range(2)]
    found = integrate_flux(runs, STEP, VOLUME, TEMPERATURE, cutoff_time=20 * STEP)
    products = [
        np.mean([np.mean(run[: 400 - lag] * run[lag:]) for run in runs]) for lag in range(21)
    ]
    expected = SCALE * STEP * np.sum([(a + b) / 2 for a, b in itertools.pairwise(products)])
    assert found.value == pytest.approx(expected, rel=1e-9)
    assert found.correlation[20] == pytest.approx(products[20] / products[0], rel=1e-9)
    assert found.cutoff_time == pytest.approx(0.2)


def test_a_series_that_is_too_short_is_said_to_be():
    generator = np.random.default_rng(2)
    slow = [process(200, 0.999, generator) for _ in range(3)]
    found = integrate_flux(slow, STEP, VOLUME, TEMPERATURE)
    assert not found.converged
    assert found.cutoff_time == pytest.approx(50 * STEP)


def test_a_single_component_of_a_single_run_has_no_error_of_the_mean():
    series = process(4000, 0.8, np.random.default_rng(3))[:, :1]
    found = integrate_flux([series], STEP, VOLUME, TEMPERATURE, cutoff_time=0.2)
    assert np.isnan(found.running_error).all()
    assert found.blocks == 40
    assert 0 < found.error < found.value
