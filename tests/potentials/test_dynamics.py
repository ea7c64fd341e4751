"""A physical check: molecular dynamics without a thermostat keeps its energy."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.md.verlet import VelocityVerlet
from make_potentials import copper
from numpy.typing import NDArray

import maxvolt


def hot_crystal(seed: int = 1) -> Atoms:
    atoms: Atoms = bulk("Cu", a=3.62, cubic=True) * (2, 2, 2)
    masses = atoms.get_masses()[:, None]
    velocities = np.random.default_rng(seed).normal(size=(len(atoms), 3))
    velocities *= np.sqrt(units.kB * 600.0 / masses)
    atoms.set_velocities(velocities - (masses * velocities).sum(axis=0) / masses.sum())
    atoms.calc = maxvolt.Calculator(copper(), threads=1)
    return atoms


def energies(step: float, duration: float) -> tuple[NDArray[np.float64], Atoms]:
    """Total energy per atom along a trajectory; step and duration in fs."""
    atoms = hot_crystal()
    dynamics = VelocityVerlet(atoms, timestep=step * units.fs)
    found = []
    dynamics.attach(lambda: found.append(atoms.get_total_energy() / len(atoms)))
    dynamics.run(round(duration / step))
    return np.array(found), atoms


def test_the_crystal_is_stable() -> None:
    atoms = bulk("Cu", a=3.62, cubic=True)
    potential = copper()
    at_rest = potential.evaluate(atoms)
    np.testing.assert_allclose(at_rest.forces, 0.0, atol=1e-10)
    atoms.rattle(0.1, seed=0)
    assert potential.evaluate(atoms).energy > at_rest.energy + 0.05


def test_energy_is_conserved_and_better_with_a_shorter_step() -> None:
    coarse, atoms = energies(4.0, 400.0)
    fine, _ = energies(2.0, 400.0)
    assert 150 < atoms.get_temperature() < 600  # half of it went into the lattice
    kinetic = 1.5 * units.kB * 300.0
    assert np.ptp(fine) < 0.01 * kinetic
    # The error of velocity Verlet is of second order in the step, and there is no drift.
    assert np.std(coarse) / np.std(fine) == pytest.approx(4.0, rel=0.35)
    drift = abs(fine[len(fine) // 2 :].mean() - fine[: len(fine) // 2].mean())
    assert drift < 0.002 * kinetic


def test_momentum_is_conserved() -> None:
    _, atoms = energies(4.0, 200.0)
    momentum = atoms.get_momenta().sum(axis=0)
    np.testing.assert_allclose(momentum, 0.0, atol=1e-9 * abs(atoms.get_momenta()).sum())
