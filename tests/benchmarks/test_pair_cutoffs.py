"""Potentials with a cutoff for each pair of species, of benchmarks/pair_cutoffs.py."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.calculators.singlepoint import SinglePointCalculator

import maxvolt
from cutoffs_by_pair import add_comparison, table_of
from maxvolt.fitting.variable_projection.random_starts import random_radial_coeffs
from maxvolt.potentials.mtp.model import compile_model
from pair_cutoffs import CutoffTable, PairCutoffProblem, kept_neighbors, structures_of

SPECIES = ("C", "H", "O")
MIN_DIST = 0.8


@pytest.fixture(scope="module")
def dataset():
    """A molecule and a crystal with two species, displaced; labels that mean nothing."""
    rng = np.random.default_rng(0)
    structures = []
    for atoms in (molecule("CH3CH2OH"), bulk("CO", "rocksalt", a=4.0) * (2, 1, 1)):
        atoms.rattle(0.05, rng=rng)
        atoms.calc = SinglePointCalculator(
            atoms, energy=rng.normal(), forces=rng.normal(size=(len(atoms), 3))
        )
        structures.append(atoms)
    return maxvolt.Dataset.from_atoms(structures)


@pytest.fixture(scope="module")
def potential():
    return maxvolt.MTP(8, SPECIES, 4.0, MIN_DIST)


def coefficients(potential):
    rng = np.random.default_rng(1)
    shape = potential.model.radial_coeffs.shape
    n_linear = potential.n_parameters - potential.model.n_radial
    return random_radial_coeffs(shape, rng).ravel(), rng.normal(size=n_linear)


def predicted(potential, dataset, table):
    """Energies of all structures and forces on all atoms."""
    portions = structures_of(potential, dataset, table)
    radial, linear = coefficients(potential)
    core = compile_model(PairCutoffProblem(potential, portions).model(radial))
    rows = [(part.n, part.rows(core, "linear") @ linear) for part in portions]
    energies = np.concatenate([found[:n] for n, found in rows])
    return energies, np.concatenate([found[n:] for n, found in rows]).reshape(-1, 3)


def test_one_cutoff_for_all_is_the_package_s_potential(potential, dataset):
    radial, linear = coefficients(potential)
    shape, c = potential.model.radial_coeffs.shape, len(SPECIES)
    trained = potential.with_coefficients(radial.reshape(shape), linear[:c], linear[c:])
    expected = trained.evaluate_dataset(dataset, threads=1)
    energies, forces = predicted(potential, dataset, table_of("4", SPECIES, MIN_DIST))
    np.testing.assert_allclose(energies, expected.energies, rtol=1e-11)
    np.testing.assert_allclose(forces, expected.forces, rtol=1e-9, atol=1e-10)


def test_forces_are_derivatives_of_energies(potential, dataset):
    table = table_of("4,H-H=2.2,C-H=3,C-O=3.5", SPECIES, MIN_DIST)
    move = np.random.default_rng(2).normal(size=dataset.positions.shape)
    step = 1e-5
    ends = [
        predicted(potential, replace(dataset, positions=dataset.positions + s * move), table)[0]
        for s in (step, -step)
    ]
    _, forces = predicted(potential, dataset, table)
    along = np.bincount(dataset.structure_of_atom, (forces * move).sum(axis=1))
    np.testing.assert_allclose(-(ends[0] - ends[1]) / (2 * step), along, rtol=1e-6)


def test_pairs_beyond_their_cutoff_do_not_interact(potential):
    one = maxvolt.Dataset.from_atoms([molecule("H2")])
    far = replace(one, positions=one.positions / np.ptp(one.positions) * 3.0)
    for name, seen in (("4", 1), ("4,H-H=2.9", 0)):
        table = table_of(name, SPECIES, MIN_DIST)
        assert len(kept_neighbors(potential.neighborhoods(far), table).pairs.pairs) == seen


def test_equations_of_radial_coefficients_are_derivatives(potential, dataset):
    table = CutoffTable(np.where(np.eye(3), 3.0, 4.0), MIN_DIST)
    problem = PairCutoffProblem(potential, structures_of(potential, dataset, table))
    radial, linear = coefficients(potential)
    move = np.random.default_rng(3).normal(size=len(radial))
    step = 1e-5

    def loss(at):
        found = problem.linear_equations(at)
        return found.constant - 2 * found.vector @ linear + linear @ found.matrix @ linear

    slope = (loss(radial + step * move) - loss(radial - step * move)) / (2 * step)
    rows = problem.linear_equations(radial).rows
    vector = problem.radial_equations(radial, linear, rows).vector
    assert slope == pytest.approx(-2 * vector @ move, rel=1e-5)


def test_comparison_is_with_single_cutoffs_at_the_same_time():
    def row(time, error):
        errors = {"energy_meV_per_atom": error, "force_meV_per_A": error}
        return {"microseconds": time, "fits": [{"test": errors}]}

    rows = {"3": row(1.0, 100.0), "4": row(4.0, 25.0), "5": row(6.0, 30.0), "5,H-H=3": row(2.0, 40)}
    add_comparison(rows)
    found = rows["5,H-H=3"]
    assert found["relative_force_meV_per_A"] == pytest.approx(0.8)  # 50 at this time
    assert found["relative_time"] == pytest.approx(0.8)  # 2.5 at this error
    assert "relative_time" not in rows["4"]


def test_tables_that_cannot_be_read_are_refused():
    for text in ("five", "5,H-N=3", "5,H-H", "5,H-H=0.5"):
        with pytest.raises(SystemExit, match="--cutoffs"):
            table_of(text, SPECIES, MIN_DIST)
