"""What physics asks of a potential: nothing changes that must not change."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import make_supercell
from hypothesis import given, settings
from hypothesis import strategies as st
from make_potentials import random_potential
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from maxvolt.potentials import MTP, Evaluation
from maxvolt.potentials.mtp.basis.repulsion import ZBL
from maxvolt.units import VOIGT

SPECIES = ("Mo", "W", "O")
POTENTIALS: dict[str, MTP] = {
    "level 12": random_potential(12, SPECIES),
    "level 8, ZBL": random_potential(8, SPECIES, repulsion=ZBL(0.9, 1.9), seed=1),
    "level 10, RBShapeev": random_potential(10, SPECIES, kind="RBShapeev", seed=2),
    "level 8, RBChebyshev_repuls": random_potential(8, SPECIES, kind="RBChebyshev_repuls"),
}


@st.composite
def structures(draw: st.DrawFn, *, pbc: tuple[bool, bool, bool] | None = None) -> Atoms:
    """A few atoms, none closer than 1.1 A to another or an image."""
    seed = draw(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    side = draw(st.sampled_from([2.4, 3.1, 4.4, 6.0]))
    cell = side * (np.eye(3) + generator.uniform(-0.25, 0.25, size=(3, 3)))
    periodic = draw(st.tuples(*[st.booleans()] * 3)) if pbc is None else pbc
    wanted = draw(st.integers(1, 7))
    atoms = Atoms(cell=cell, pbc=periodic)
    for _ in range(12 * wanted):
        candidate = atoms + Atoms("X", [generator.uniform(0, 1, 3) @ cell])
        images = Atoms(candidate.symbols, candidate.positions, cell=cell, pbc=periodic)
        if len(images) == 1 or shortest(images) > 1.1:
            atoms = images
        if len(atoms) == wanted:
            break
    atoms.symbols = generator.choice(SPECIES, size=len(atoms))
    return atoms


def shortest(atoms: Atoms) -> float:
    distances = atoms.get_all_distances(mic=bool(atoms.pbc.any()))
    return float(distances[np.triu_indices(len(atoms), 1)].min())


def names() -> st.SearchStrategy[str]:
    return st.sampled_from(list(POTENTIALS))


def tensor(stress: NDArray[np.float64]) -> NDArray[np.float64]:
    full = np.empty((3, 3))
    for value, (a, b) in zip(stress, VOIGT, strict=True):
        full[a, b] = full[b, a] = value
    return full


def close(found: NDArray[np.float64], expected: NDArray[np.float64], scale: float) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * max(scale, 1.0))


def force_scale(evaluation: Evaluation) -> float:
    return float(abs(evaluation.forces).max())


CHECKED = settings(deadline=None, max_examples=25)


@given(names(), structures(), st.integers(0, 2**32 - 1))
@CHECKED
def test_rotation_rotates_forces_and_stress(name: str, atoms: Atoms, seed: int) -> None:
    rotation = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
    if seed % 2:
        rotation = -rotation  # inversion as well
    turned = Atoms(
        atoms.symbols,
        atoms.positions @ rotation.T,
        cell=atoms.cell.array @ rotation.T,
        pbc=atoms.pbc,
    )
    one, other = POTENTIALS[name].evaluate(atoms), POTENTIALS[name].evaluate(turned)
    close(other.site_energies, one.site_energies, abs(one.site_energies).max())
    close(other.forces, one.forces @ rotation.T, force_scale(one))
    assert (one.stress is None) == (other.stress is None) == (not atoms.pbc.all())
    if one.stress is not None and other.stress is not None:
        scale = abs(one.stress).max()
        np.testing.assert_allclose(
            tensor(other.stress),
            rotation @ tensor(one.stress) @ rotation.T,
            rtol=1e-9,
            atol=1e-9 * scale,
        )


@given(names(), structures(), st.integers(0, 2**32 - 1))
@CHECKED
def test_permutation_of_atoms_permutes_forces(name: str, atoms: Atoms, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(atoms))
    one, other = POTENTIALS[name].evaluate(atoms), POTENTIALS[name].evaluate(atoms[order])
    close(other.site_energies, one.site_energies[order], abs(one.site_energies).max())
    close(other.forces, one.forces[order], force_scale(one))


@given(names(), structures(), st.lists(st.floats(-50, 50), min_size=3, max_size=3))
@CHECKED
def test_translation_changes_nothing(name: str, atoms: Atoms, by: list[float]) -> None:
    moved = atoms.copy()
    moved.positions += by
    one, other = POTENTIALS[name].evaluate(atoms), POTENTIALS[name].evaluate(moved)
    close(other.site_energies, one.site_energies, abs(one.site_energies).max())
    close(other.forces, one.forces, force_scale(one))


@given(names(), structures(), st.integers(0, 2**32 - 1))
@CHECKED
def test_other_images_of_atoms_change_nothing(name: str, atoms: Atoms, seed: int) -> None:
    shifts = np.random.default_rng(seed).integers(-4, 5, size=(len(atoms), 3)) * atoms.pbc
    moved = atoms.copy()
    moved.positions += shifts @ atoms.cell.array
    one, other = POTENTIALS[name].evaluate(atoms), POTENTIALS[name].evaluate(moved)
    close(other.site_energies, one.site_energies, abs(one.site_energies).max())
    close(other.forces, one.forces, force_scale(one))


MATRICES = [
    np.diag([2, 1, 1]),
    np.diag([2, 2, 2]),
    np.diag([1, 3, 2]),
    np.array([[1, 1, 0], [0, 1, 0], [0, -1, 1]]),  # another cell of the same lattice
    np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]),
]


@given(names(), structures(pbc=(True, True, True)), st.sampled_from(MATRICES))
@CHECKED
def test_supercells_repeat_the_unit_cell(
    name: str, atoms: Atoms, matrix: NDArray[np.int64]
) -> None:
    large = make_supercell(atoms, matrix, wrap=False, order="cell-major")
    copies = len(large) // len(atoms)
    assert copies == round(abs(np.linalg.det(matrix)))
    one, other = POTENTIALS[name].evaluate(atoms), POTENTIALS[name].evaluate(large)
    assert other.energy == pytest.approx(copies * one.energy, rel=1e-9, abs=1e-9)
    close(other.site_energies, np.tile(one.site_energies, copies), abs(one.site_energies).max())
    close(other.forces, np.tile(one.forces, (copies, 1)), force_scale(one))
    assert one.stress is not None
    assert other.stress is not None
    np.testing.assert_allclose(other.stress, one.stress, rtol=0, atol=1e-9 * abs(one.stress).max())


@given(names(), structures(), structures())
@CHECKED
def test_energies_of_distant_parts_add_up(name: str, one: Atoms, other: Atoms) -> None:
    one, other = one.copy(), other.copy()
    for part in (one, other):
        part.pbc = False
    other.positions += [40.0, 0.0, 0.0]
    together = POTENTIALS[name].evaluate(one + other)
    apart = [POTENTIALS[name].evaluate(one), POTENTIALS[name].evaluate(other)]
    assert together.energy == pytest.approx(sum(e.energy for e in apart), rel=1e-10)
    scale = max(map(force_scale, apart))
    close(together.forces, np.concatenate([e.forces for e in apart]), scale)


@given(names(), structures())
@CHECKED
def test_forces_add_up_to_zero_and_site_energies_to_the_energy(name: str, atoms: Atoms) -> None:
    found = POTENTIALS[name].evaluate(atoms)
    assert found.energy == pytest.approx(found.site_energies.sum(), rel=1e-13)
    np.testing.assert_allclose(found.forces.sum(axis=0), 0, atol=1e-9 * max(force_scale(found), 1))


@given(names(), structures(pbc=(False, False, False)))
@CHECKED
def test_clusters_feel_no_torque(name: str, atoms: Atoms) -> None:
    found = POTENTIALS[name].evaluate(atoms)
    torque = np.cross(atoms.positions, found.forces).sum(axis=0)
    np.testing.assert_allclose(torque, 0.0, atol=1e-8 * max(force_scale(found), 1.0))


@given(names(), structures(pbc=(True, True, True)))
@settings(deadline=None, max_examples=10)
def test_stress_is_the_derivative_of_the_energy_by_strain(name: str, atoms: Atoms) -> None:
    found = POTENTIALS[name].evaluate(atoms)
    assert found.stress is not None
    numeric = np.empty(6)
    step = 1e-6
    for v, (a, b) in enumerate(VOIGT):
        energies = []
        for sign in (1, -1):
            strain = np.zeros((3, 3))
            strain[a, b] += 0.5 * sign * step
            strain[b, a] += 0.5 * sign * step
            strained = atoms.copy()
            strained.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
            energies.append(POTENTIALS[name].evaluate(strained).energy)
        numeric[v] = (energies[0] - energies[1]) / (2 * step * atoms.get_volume())
    np.testing.assert_allclose(found.stress, numeric, rtol=0, atol=2e-6 * abs(found.stress).max())


def test_energy_and_forces_vanish_smoothly_at_the_cutoff() -> None:
    potential = POTENTIALS["level 12"]
    alone = potential.evaluate(Atoms("Mo")).energy + potential.evaluate(Atoms("W")).energy
    for inside in (1e-3, 1e-4, 1e-5):
        pair = Atoms("MoW", [[0, 0, 0], [potential.cutoff - inside, 0, 0]])
        found = potential.evaluate(pair)
        assert abs(found.energy - alone) < 10 * inside**2
        assert abs(found.forces).max() < 100 * inside
    outside = potential.evaluate(Atoms("MoW", [[0, 0, 0], [potential.cutoff, 0, 0]]))
    assert outside.energy == pytest.approx(alone, rel=1e-15)
    assert not outside.forces.any()
