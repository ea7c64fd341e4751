"""Ring polymers: modes, free motion, harmonic oscillators of n beads, constraints."""

from __future__ import annotations

import numpy as np
import pytest
from ase import units
from numpy.typing import NDArray
from scipy.linalg import expm

from maxvolt.errors import EvaluationError
from maxvolt.properties.reaction_rates import LEPS, Bimolecular
from maxvolt.properties.reaction_rates.coordinates import Line
from maxvolt.properties.reaction_rates.dynamics import (
    Centroids,
    biased_step,
    constrained_step,
    free_step,
    onto_surface,
)
from maxvolt.properties.reaction_rates.ring_polymers import (
    HBAR,
    RingPolymers,
    RingPolymerState,
    normal_modes,
)

Array = NDArray[np.float64]

MASS = 1.0
FREQUENCY = 2000.0 * units.invcm / HBAR
EXCHANGE = Bimolecular((0,), (1, 2), (((1, 2), (0, 1)), ((1, 2), (0, 2))), 4.5)
STRAIGHT = np.array([[0.0, 0.0, 0.0], [0.93, 0.0, 0.0], [1.86, 0.0, 0.0]])


def oscillator(x: Array) -> tuple[Array, Array]:
    stiffness = MASS * FREQUENCY**2
    return 0.5 * stiffness * (x**2).sum(axis=(1, 2)), -stiffness * x


def nothing(x: Array) -> tuple[Array, Array]:
    return np.zeros(len(x)), np.zeros_like(x)


def total_energy(polymers: RingPolymers, state: RingPolymerState) -> Array:
    """Of the ring polymers, springs too, shape (R,)."""
    kinetic = (state.momenta**2 / polymers.masses).sum(axis=(0, 2, 3)) / 2
    omega = polymers.frequencies[:, None, None, None]
    pulls = (polymers.masses * (omega * state.positions) ** 2).sum(axis=(0, 2, 3)) / 2
    return np.asarray(kinetic + pulls + state.energies.sum(axis=0))


def springs(beads: int) -> Array:
    """Second derivatives of the springs between neighbouring beads, over mass and omega_n^2."""
    matrix = np.zeros((beads, beads))
    for j in range(beads):
        after = (j + 1) % beads
        matrix[j, j] += 1
        matrix[after, after] += 1
        matrix[j, after] -= 1
        matrix[after, j] -= 1
    return matrix


@pytest.mark.parametrize("beads", [1, 2, 5, 8])
def test_modes_diagonalise_the_springs(beads: int) -> None:
    matrix, sines = normal_modes(beads)
    np.testing.assert_allclose(matrix.T @ matrix, np.eye(beads), atol=1e-14)
    found = matrix.T @ springs(beads) @ matrix
    np.testing.assert_allclose(found, np.diag((2 * sines) ** 2), atol=1e-13)


def test_free_ring_polymers_move_exactly() -> None:
    beads, temperature, timestep = 6, 300.0, 3.0
    generator = np.random.default_rng(0)
    polymers = RingPolymers(nothing, np.array([MASS]), temperature, beads, timestep)
    state = polymers.state(np.zeros((1, 1, 1)), generator)
    matrix, _ = normal_modes(beads)
    begin = np.concatenate([polymers.bead_positions(state), state.momenta]).ravel()
    begin[beads:] = matrix @ begin[beads:]
    free_step(polymers, state)
    omega_n = beads * units.kB * temperature / HBAR
    generator_matrix = np.zeros((2 * beads, 2 * beads))
    generator_matrix[:beads, beads:] = np.eye(beads) / MASS
    generator_matrix[beads:, :beads] = -MASS * omega_n**2 * springs(beads)
    expected = expm(generator_matrix * timestep * units.fs) @ begin
    np.testing.assert_allclose(polymers.bead_positions(state).ravel(), expected[:beads], rtol=1e-9)
    np.testing.assert_allclose(matrix @ state.momenta.ravel(), expected[beads:], rtol=1e-9)


def exact_energy(beads: int, temperature: float) -> float:
    """Energy of an oscillator of n beads, by the virial: 2 V with its exact spread of positions."""
    _, sines = normal_modes(beads)
    kt = units.kB * temperature
    omega = 2 * beads * kt / HBAR * sines
    return float(kt * (FREQUENCY**2 / (omega**2 + FREQUENCY**2)).sum())


@pytest.mark.parametrize("beads", [1, 4, 16])
def test_the_energy_of_an_oscillator_is_that_of_n_beads(beads: int) -> None:
    temperature = 500.0
    generator = np.random.default_rng(1)
    polymers = RingPolymers(oscillator, np.array([MASS]), temperature, beads, 0.2, 10.0)
    state = polymers.state(np.zeros((400, 1, 3)), generator)
    line = Line(1.0)
    centroids = Centroids.of(state, polymers, line)
    energies = []
    for step in range(700):
        centroids = biased_step(
            polymers, state, line, centroids, centroids.values, np.zeros(400), generator
        )
        if step >= 300:
            energies.append(2 * state.energies.mean(axis=0) / 3)
    of_replicas = np.mean(energies, axis=0)
    error = of_replicas.std(ddof=1) / np.sqrt(len(of_replicas))
    exact = exact_energy(beads, temperature)
    assert error < 0.03 * exact
    assert of_replicas.mean() == pytest.approx(exact, abs=4 * error)


def test_many_beads_are_quantum() -> None:
    quantum = 0.5 * HBAR * FREQUENCY / np.tanh(0.5 * HBAR * FREQUENCY / (units.kB * 300.0))
    assert exact_energy(1, 300.0) == pytest.approx(units.kB * 300.0)
    assert exact_energy(128, 300.0) == pytest.approx(quantum, rel=2e-3)


def test_a_constraint_holds_and_momenta_stay_along_the_surface() -> None:
    generator = np.random.default_rng(2)
    masses = np.array([1.0, 2.0, 3.0])
    polymers = RingPolymers(LEPS(), masses, 300.0, 8, 0.2)
    state = polymers.state(np.repeat(STRAIGHT[None], 5, axis=0), generator)
    onto_surface(polymers, state, EXCHANGE, 0.99)
    for _ in range(50):
        constrained_step(polymers, state, EXCHANGE, 0.99, generator)
    centroids = Centroids.of(state, polymers, EXCHANGE)
    np.testing.assert_allclose(centroids.values, 0.99, atol=1e-10)
    speed = centroids.velocities(state, polymers)
    np.testing.assert_allclose(speed, 0.0, atol=1e-12)
    assert np.ptp(state.centroids, axis=0).max() > 0.05


def test_free_steps_keep_the_energy() -> None:
    masses = np.ones(3)
    changes = []
    for timestep in (0.1, 0.05):
        polymers = RingPolymers(LEPS(), masses, 300.0, 4, timestep)
        state = polymers.state(np.repeat(STRAIGHT[None], 3, axis=0), np.random.default_rng(3))
        before = total_energy(polymers, state)
        for _ in range(round(10 / timestep)):
            free_step(polymers, state)
        changes.append(np.abs(total_energy(polymers, state) - before).max())
    assert changes[0] < 0.02
    assert changes[1] < 0.4 * changes[0]  # second order: a quarter


def test_what_is_not_finite_is_refused() -> None:
    def broken(x: Array) -> tuple[Array, Array]:
        return np.full(len(x), np.nan), np.zeros_like(x)

    polymers = RingPolymers(broken, np.ones(1), 300.0, 2, 0.1)
    with pytest.raises(EvaluationError, match="shorter timestep"):
        polymers.state(np.zeros((1, 1, 1)), np.random.default_rng(0))
