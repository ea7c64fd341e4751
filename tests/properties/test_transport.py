"""Diffusion and viscosity: random walks and processes whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from nearest_bonds import NearestBonds

from maxvolt.errors import SettingsError
from maxvolt.properties import compute_property
from maxvolt.properties.dynamic.averages import few_blocks
from maxvolt.properties.dynamic.green_kubo import green_kubo_viscosity
from maxvolt.properties.dynamic.mean_square_displacement import (
    mean_square_displacement,
    slopes_of_blocks,
)
from maxvolt.properties.dynamic.preparation import Prepared
from maxvolt.properties.dynamic.production import Production
from maxvolt.properties.dynamic.recorded import Recorded
from maxvolt.properties.dynamic.transport import DiffusionSettings, TransportSettings, _by_kinisi
from maxvolt.units import GPA_PER_EV_A3
from promises import needs

STEP = 0.1
"""Angstrom; standard deviation along each axis: the slope is 3 STEP^2 a step."""


def walk(steps: int, atoms: int, seed: int = 1) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return 50 + STEP * np.cumsum(generator.standard_normal((steps, atoms, 3)), axis=0)


def test_displacements_are_those_of_all_pairs_of_frames():
    positions = walk(30, 4)
    expected = [
        np.mean(((positions[lag:] - positions[: 30 - lag]) ** 2).sum(axis=2)) for lag in range(30)
    ]
    assert np.allclose(mean_square_displacement(positions), expected, atol=1e-10)


def test_atoms_that_fly_go_as_the_square_of_time():
    velocity = np.array([0.01, 0.02, -0.02])
    positions = np.arange(50)[:, None, None] * velocity + np.zeros((1, 5, 1))
    found = mean_square_displacement(positions)
    assert np.allclose(found, 9e-4 * np.arange(50) ** 2, atol=1e-9)


def test_a_random_walk_has_its_slope_and_its_error():
    found = []
    for seed in range(30):
        slopes = slopes_of_blocks(walk(1000, 50, seed), 5, 10)
        found.append((slopes.mean(), slopes.std(ddof=1) / np.sqrt(5)))
    means, errors = np.array(found).T
    exact = 3 * STEP**2
    assert means.mean() == pytest.approx(exact, abs=4 * means.std(ddof=1) / np.sqrt(30))
    assert means.std(ddof=1) < 0.05 * exact
    # Of the error of the mean of five: 1 / sqrt(8) of its value, each of thirty.
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(means.std(ddof=1), rel=0.4)


def test_kinisi_finds_the_same_slope():
    needs("kinisi")
    frames = walk(400, 60)
    frames -= frames.mean(axis=1, keepdims=True) - 10
    recorded = Recorded(
        *(np.zeros(0) for _ in range(7)),
        frame_steps=np.arange(1, 401),
        frame_cells=np.zeros(0),
        frames=frames,
        timestep=50.0,
        last=Atoms("Al60", frames[-1], cell=[20.0] * 3, pbc=True),
    )
    run = Production(
        Prepared(recorded.last, 50.0, 1.0, False, (), (), recorded.last.get_scaled_positions()),
        recorded,
    )
    settings = DiffusionSettings(estimate="kinisi", production_time=20.0)
    value, error = _by_kinisi(run, "Al", settings)
    exact = STEP**2 / 2 / 50 * 1e4 * 59 / 60  # the centre of mass is at rest
    assert error < 0.1 * exact
    assert value == pytest.approx(exact, abs=4 * error)


def stresses(steps: int, decay: float, seed: int) -> np.ndarray:
    """Isotropic stress that forgets exponentially: an Ornstein-Uhlenbeck process of each part."""
    generator = np.random.default_rng(seed)
    noise = generator.standard_normal((steps, 6)) * np.sqrt(1 - decay**2)
    noise[0] /= np.sqrt(1 - decay**2)
    series = np.empty((steps, 6))
    series[0] = noise[0]
    for t in range(1, steps):
        series[t] = decay * series[t - 1] + noise[t]
    # Of a tensor of independent parts: those on the diagonal have twice the variance.
    series[:, :3] *= np.sqrt(2)
    return 1e-3 * series + [0.02, 0.02, 0.02, 0, 0, 0]  # a pressure makes no difference


@pytest.mark.parametrize("cutoff", [None, 500.0])
def test_the_viscosity_of_a_process_is_its_integral(cutoff):
    decay, value_time, volume, temperature = 0.9, 5.0, 1500.0, 900.0
    found = green_kubo_viscosity(
        stresses(40_000, decay, 1), value_time, volume, temperature, cutoff
    )
    integral = 1e-6 * value_time * (1 + decay) / (1 - decay) / 2  # by trapezoids
    exact = volume / (units.kB * temperature) * integral * 1e-3 * GPA_PER_EV_A3
    assert found.value == pytest.approx(exact, abs=4 * found.error)
    assert found.error < 0.1 * exact
    assert found.correlation[0] == 1.0
    assert found.cutoff_time == pytest.approx(cutoff or 20 * 9.5 * 5.0, rel=0.2)
    assert found.running[round(found.cutoff_time / value_time)] == found.value


def test_the_error_of_the_viscosity_is_its_scatter():
    found = [green_kubo_viscosity(stresses(4000, 0.8, k), 5.0, 1500.0, 900.0) for k in range(30)]
    values = np.array([one.value for one in found])
    errors = np.array([one.error for one in found])
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(values.std(ddof=1), rel=0.4)


def test_a_crystal_is_said_not_to_flow():
    short = {"phase": "solid", "temperature": 50.0, "atoms": 32, "equilibration_time": 0.3,
             "production_time": 0.5}  # fmt: skip
    cut = {**short, "cutoff_time": 0.1}
    found = compute_property("viscosity", NearestBonds(), bulk("Cu", a=3.5), cut)
    assert any("nothing flows" in text for text in found.warnings)
    assert any(
        text.startswith("viscosity: only 2 independent blocks (5 are needed)")
        for text in found.warnings
    )
    short["diffusive_from"] = 0.02
    found = compute_property("self-diffusion", NearestBonds(), bulk("Cu", a=3.5), short)
    assert any("nothing flows" in text for text in found.warnings)
    assert "self-diffusion, in this cell" in found.values
    assert not {"self-diffusion", "finite-size correction"} & set(found.values)


def test_a_long_series_has_blocks_enough():
    blocks = green_kubo_viscosity(stresses(4000, 0.8, 1), 5.0, 1500.0, 900.0).blocks
    assert few_blocks("viscosity", blocks) == ()
    assert "only 1 independent block (" in few_blocks("viscosity", 1)[0]


def test_settings_of_transport_are_checked():
    for wrong, message in (
        ({"production_time": 10.0}, "20 ps or more"),
        ({"diffusive_from": 0.0}, "diffusive_from"),
        ({"estimate": "guess"}, "blocks or kinisi"),
    ):
        with pytest.raises(SettingsError, match=message):
            DiffusionSettings(**wrong)
    with pytest.raises(SettingsError, match="cutoff_time"):
        TransportSettings(cutoff_time=-1.0)
