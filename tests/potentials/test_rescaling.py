"""The sizes of radial functions: brought to one, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk
from make_potentials import random_potential

from maxvolt.dataset import Dataset
from maxvolt.potentials import MTP
from maxvolt.potentials.mtp.basis.contraction import ContractionTable
from maxvolt.potentials.mtp.rescaling import factor_counts, rescaled


def unequal(level: int) -> MTP:
    """Radial functions whose sizes differ by many orders of magnitude."""
    potential = random_potential(level, ["Mo", "W"])
    model = potential.model
    sizes = np.logspace(-6, 9, model.radial_coeffs.shape[2])
    counts = factor_counts(model.table)
    assert counts is not None
    return potential.with_coefficients(
        model.radial_coeffs * sizes[:, None],
        model.species_coeffs,
        model.moment_coeffs / np.prod(sizes**counts, axis=1),
        scaling=model.scaling,
    )


@pytest.mark.parametrize("level", [2, 8, 16])
def test_predictions_stay_to_the_last_bit(level: int) -> None:
    atoms = bulk("Mo", cubic=True) * (2, 1, 1)
    atoms.symbols[1] = "W"
    atoms.rattle(0.1, seed=1)
    before = unequal(level)
    after = rescaled(before)
    one, other = before.evaluate(atoms), after.evaluate(atoms)
    assert one.energy == other.energy
    np.testing.assert_array_equal(one.forces, other.forces)
    np.testing.assert_array_equal(one.stress, other.stress)


def test_radial_functions_add_up_to_about_one() -> None:
    crystal = Dataset.from_atoms([bulk("Mo", cubic=True)])
    rows = rescaled(unequal(16)).site_energy_gradients(crystal)
    table = unequal(16).model.table
    of_moments = rows[:, -len(table.scalars) :]
    sums = abs(of_moments[:, table.scalars < len(table.basic)])  # the moments of rank 0
    assert 0.03 < sums.max() < 10
    assert abs(of_moments).max() < 1e3


def test_a_second_time_nothing_changes() -> None:
    once = rescaled(unequal(8))
    np.testing.assert_array_equal(rescaled(once).model.parameters, once.model.parameters)


def test_a_radial_function_of_zero_stays() -> None:
    potential = unequal(8)
    radial = potential.model.radial_coeffs.copy()
    radial[:, :, 1] = 0.0
    changed = potential.with_coefficients(
        radial, potential.model.species_coeffs, potential.model.moment_coeffs
    )
    assert np.isfinite(rescaled(changed).model.parameters).all()


def test_a_moment_of_different_factors_is_left_alone() -> None:
    """M_2 = M_0 M_0 + M_1 M_1 with two radial functions has no one factor."""
    table = ContractionTable(
        basic=np.array([[0, 0, 0, 0], [1, 0, 0, 0]]),
        products=np.array([[0, 0, 1, 2], [1, 1, 1, 2]]),
        scalars=np.array([0, 1, 2]),
        n_moments=3,
    )
    assert factor_counts(table) is None
    pure = replace(table, products=np.array([[0, 1, 1, 2]]))
    np.testing.assert_array_equal(factor_counts(pure), [[1, 0], [0, 1], [1, 1]])
