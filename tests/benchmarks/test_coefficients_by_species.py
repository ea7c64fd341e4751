"""Moment coefficients of each species, which were tried."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk

import coefficients_by_species
import maxvolt

N_SPECIES = 2


@pytest.fixture(scope="module")
def potential() -> maxvolt.MTP:
    generator = np.random.default_rng(0)
    untrained = maxvolt.MTP(8, ["Ni", "Cu"], 4.2, 2.0, 4)
    model = untrained.model
    return untrained.with_coefficients(
        0.05 * generator.normal(size=model.radial_coeffs.shape),
        np.array([-3.0, -2.0]),
        generator.normal(size=model.moment_coeffs.shape),
    )


@pytest.fixture(scope="module")
def labelled(potential: maxvolt.MTP) -> maxvolt.Dataset:
    """Eight alloys of four atoms with the labels of the potential."""
    generator = np.random.default_rng(1)
    structures = []
    for number in range(8):
        atoms = bulk("Cu", cubic=True)
        atoms.symbols[: number % 5] = "Ni"
        atoms.positions += 0.1 * generator.normal(size=(len(atoms), 3))
        structures.append(atoms)
    dataset = maxvolt.Dataset.from_atoms(structures)
    found = potential.evaluate_dataset(dataset)
    return maxvolt.Dataset.from_arrays(
        **{n: getattr(dataset, n) for n in ("offsets", "numbers", "positions", "cells", "pbc")},
        energies=found.energies,
        forces=found.forces,
    )


def test_with_the_same_coefficients_for_all_it_is_the_potential(
    potential: maxvolt.MTP, labelled: maxvolt.Dataset
) -> None:
    rows = coefficients_by_species.rows_of(potential, labelled)
    model = potential.model
    linear = np.concatenate([model.species_coeffs, np.tile(model.moment_coeffs, N_SPECIES)])
    np.testing.assert_allclose(rows.energies @ linear, rows.energy_labels, rtol=1e-10)
    size = abs(rows.force_labels).max()
    np.testing.assert_allclose(rows.forces @ linear, rows.force_labels, rtol=0, atol=1e-10 * size)


def test_scalars_are_those_of_atoms_of_one_species(
    potential: maxvolt.MTP, labelled: maxvolt.Dataset
) -> None:
    """Where all atoms are copper, the columns of nickel are zero."""
    copper = [number for number in range(len(labelled)) if set(labelled[number].symbols) == {"Cu"}]
    rows = coefficients_by_species.rows_of(potential, labelled.select(np.array(copper)))
    n_scalars = len(potential.model.moment_coeffs)
    of_nickel = slice(N_SPECIES, N_SPECIES + n_scalars)
    assert not rows.energies[:, of_nickel].any()
    assert not rows.forces[:, of_nickel].any()
    assert rows.energies[:, of_nickel.stop :].all()


def test_both_fits_find_a_potential_that_is_there(
    potential: maxvolt.MTP, labelled: maxvolt.Dataset
) -> None:
    equations = coefficients_by_species.equations_of(potential, labelled)
    model = potential.model
    n_scalars = len(model.moment_coeffs)
    columns = np.arange(N_SPECIES * (1 + n_scalars))
    shared = coefficients_by_species.shared_columns(N_SPECIES, n_scalars)
    fits = {
        "shared": equations.solved(columns, shared, 1e-12),
        "by species": equations.solved(columns, None, 1e-12),
    }
    for one in coefficients_by_species.errors_of(potential, labelled, fits).values():
        assert one["force_meV_per_A"] < 1e-2 * 1e3 * labelled.forces.std()
