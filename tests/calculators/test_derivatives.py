"""Shares of atoms in the stress, and the Hessian."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import PropertyNotImplementedError
from ase.vibrations import VibrationsData
from numpy.typing import NDArray
from test_copies import crystal, random_potential
from test_options import Plain

import maxvolt
from maxvolt.calculators import MaxvoltCalculator


def cluster() -> Atoms:
    positions = [[0, 0, 0], [2.4, 0, 0.2], [0.1, 2.5, 0], [1.3, 1.2, 2.2], [3.3, 2.6, 0.4]]
    return Atoms("CuAuCuCuAu", positions)


@pytest.mark.parametrize("members", [1, 2])
def test_shares_add_up_to_the_stress(members: int) -> None:
    ensemble = maxvolt.Ensemble(tuple(random_potential(seed, 8) for seed in range(members)))
    atoms = crystal() * (2, 1, 1)
    atoms.calc = MaxvoltCalculator(ensemble)
    shares = atoms.get_stresses()
    assert shares.shape == (8, 6)
    assert abs(atoms.get_stress()).max() > 1e-3
    np.testing.assert_allclose(shares.sum(axis=0), atoms.get_stress(), rtol=0, atol=1e-13)
    tensors = atoms.calc.get_property("atomic_virials", atoms)
    full = tensors.sum(axis=0) / atoms.get_volume()
    np.testing.assert_allclose(full, atoms.get_stress(voigt=False), rtol=0, atol=1e-13)
    assert abs(tensors - tensors.transpose(0, 2, 1)).max() > 1e-3  # no symmetry in one share
    assert atoms.get_stresses(voigt=False).shape == (8, 3, 3)


def test_shares_give_the_heat_flux() -> None:
    """d/dt of sum_i x_i U_i, less what moves with the atoms, is - sum_i W_i v_i, equation (13a)."""
    potential, atoms = random_potential(3, 8), cluster()
    velocities = np.random.default_rng(0).normal(size=(5, 3))

    def site_energies(time: float) -> NDArray[np.float64]:
        moved = atoms.copy()
        moved.positions += time * velocities
        return potential.evaluate(moved).site_energies

    rates = (site_energies(1e-5) - site_energies(-1e-5)) / 2e-5
    power = (potential.evaluate(atoms).forces * velocities).sum(axis=1)
    flux = ((rates + power)[:, None] * atoms.positions).sum(axis=0)
    shares = MaxvoltCalculator(potential).get_atomic_virials(atoms)
    np.testing.assert_allclose(-np.einsum("iab,ib->a", shares, velocities), flux, atol=1e-7)
    assert abs(flux).max() > 0.1


def test_stresses_are_computed_on_request_only_and_need_a_cell() -> None:
    atoms = crystal()
    atoms.calc = MaxvoltCalculator(random_potential(0))
    energy = atoms.get_potential_energy()
    assert "stresses" not in atoms.calc.results
    shares = atoms.get_stresses()
    assert atoms.calc.results["energy"] == energy
    assert "stresses" in atoms.calc.export_properties()
    atoms.positions[0] += 0.1
    assert abs(atoms.get_stresses() - shares).max() > 1e-4
    open_atoms = cluster()
    open_atoms.calc = atoms.calc
    with pytest.raises(PropertyNotImplementedError, match="periodic in three directions"):
        open_atoms.get_stresses()


def test_potentials_without_shares_are_named() -> None:
    class Numbers(Plain):
        def evaluate_neighborhoods(self, where, *, threads=None, precision="double"):
            return random_potential(0).evaluate_neighborhoods(where)

    calculator = MaxvoltCalculator(Numbers())
    with pytest.raises(PropertyNotImplementedError, match=r"\(Numbers\) does not share out"):
        calculator.get_stresses(crystal())


@pytest.mark.parametrize("kind", ["crystal", "cluster"])
def test_hessian_is_the_derivative_of_the_forces(kind: str) -> None:
    atoms = crystal() if kind == "crystal" else cluster()
    potential = random_potential(1, 8)
    calculator = MaxvoltCalculator(potential)
    hessian = calculator.get_hessian(atoms)
    n = 3 * len(atoms)
    assert hessian.shape == (n, n)
    np.testing.assert_array_equal(hessian, hessian.T)
    scale = abs(hessian).max()
    # Along a random direction, by a formula of fourth order and another step.
    direction, forces = np.random.default_rng(1).normal(size=(len(atoms), 3)), {}
    for step in (-2, -1, 1, 2):
        moved = atoms.copy()
        moved.positions += 2e-3 * step * direction
        forces[step] = potential.evaluate(moved).forces
    slope = (8 * (forces[1] - forces[-1]) - (forces[2] - forces[-2])) / (12 * 2e-3)
    np.testing.assert_allclose(hessian @ direction.ravel(), -slope.ravel(), atol=2e-5 * scale)
    # All atoms moved together feel nothing.
    together = np.tile(np.eye(3), (len(atoms), 1))
    np.testing.assert_allclose(hessian @ together, 0, atol=1e-6 * scale)
    assert VibrationsData.from_2d(atoms, hessian).get_energies().shape == (n,)


def test_hessian_of_an_ensemble_is_the_mean_and_leaves_the_results() -> None:
    members = tuple(random_potential(seed) for seed in range(2))
    atoms = crystal()
    calculator = MaxvoltCalculator(maxvolt.Ensemble(members))
    energy = calculator.get_property("energy", atoms)
    each = [MaxvoltCalculator(member).get_hessian(atoms) for member in members]
    found = calculator.get_hessian(atoms)
    np.testing.assert_allclose(found, np.mean(each, axis=0), atol=1e-7 * abs(found).max())
    assert calculator.get_property("energy", atoms) == energy
    assert calculator.get_property("energy", atoms, allow_calculation=False) == energy


def test_a_shell_of_neighbours_at_the_cutoff_is_warned_of() -> None:
    potential = random_potential(0)  # cutoff 4.5 A
    atoms = bulk("Cu", a=4.5, cubic=True)
    with pytest.warns(UserWarning, match=r"12 pairs .* as far apart as the cutoff of 4\.5 A"):
        MaxvoltCalculator(potential).get_hessian(atoms)
    MaxvoltCalculator(potential).get_hessian(bulk("Cu", a=4.49, cubic=True))  # no warning
