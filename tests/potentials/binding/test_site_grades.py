"""Grades of atoms by the kernels: in single precision with its check, against double precision."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from numpy.typing import NDArray

import maxvolt
from maxvolt import MTP, ActiveSet, Dataset
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials import GradesSites
from maxvolt.potentials.mtp.binding.kernels import instruction_sets
from maxvolt.selection.maxvol import largest_coordinates

ELEMENTS = ("Cu", "Au", "Al")


def potential(level: int, n_species: int, seed: int = 0) -> MTP:
    untrained = MTP(level, ELEMENTS[:n_species], 4.5, 1.9, 6)
    generator, model = np.random.default_rng(seed), untrained.model
    return untrained.with_coefficients(
        0.1 * generator.normal(size=model.radial_coeffs.shape),
        generator.normal(size=model.species_coeffs.shape),
        0.1 * generator.normal(size=model.moment_coeffs.shape),
    )


def structure(n_species: int, seed: int, spread: float) -> Atoms:
    generator = np.random.default_rng(seed)
    atoms = bulk("Cu", cubic=True) * (2, 1, 1)
    atoms.symbols[:] = generator.choice(ELEMENTS[:n_species], len(atoms))
    atoms.set_cell(atoms.cell.array * (1 + 0.03 * generator.normal()), scale_atoms=True)
    atoms.positions += spread * generator.normal(size=(len(atoms), 3))
    return atoms


def active_set(level: int, n_species: int, n_training: int = 40) -> ActiveSet:
    training = [structure(n_species, seed, 0.1) for seed in range(n_training)]
    return ActiveSet.from_dataset(
        potential(level, n_species), Dataset.from_atoms(training), mode="neighborhood"
    )


def candidates(n_species: int) -> Dataset:
    return Dataset.from_atoms([structure(n_species, 1000 + k, 0.02 * k) for k in range(12)])


def rows_of(used: ActiveSet, dataset: Dataset) -> NDArray[np.float64]:
    """Rows as the kernels have them."""
    rows = np.concatenate([used.potential.site_energy_gradients(one) for one in dataset])
    rows[:, : used.potential.model.n_radial] /= used.potential.model.scaling
    return np.ascontiguousarray(rows)


def in_both(
    used: ActiveSet, rows: NDArray[np.float64], kernels: str = ""
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    grader = used.potential.site_grader(used.inverse)
    found = np.empty(len(rows)), np.empty(len(rows))
    for single, grades in zip((True, False), found, strict=True):
        grader.active_set.grades(rows, kernels, single, grades)
    return found


@pytest.mark.parametrize("kernels", instruction_sets())
@pytest.mark.parametrize(
    ("level", "n_species", "n_training"), [(12, 1, 40), (16, 1, 40), (8, 2, 60), (16, 1, 4)]
)
def test_single_precision_gives_the_grades_of_double(
    level: int, n_species: int, n_training: int, kernels: str
) -> None:
    """The last set is far from complete: most directions make its inverse large."""
    used = active_set(level, n_species, n_training)
    rows = rows_of(used, candidates(n_species))
    assert used.is_complete == (n_training > 4)
    assert used.potential.site_grader(used.inverse).active_set.has_single
    single, double = in_both(used, rows, kernels)
    # Rounding of double precision: the inverse of rows that were never replaced holds 1e6.
    np.testing.assert_allclose(single, double, rtol=1e-9)
    np.testing.assert_allclose(double, largest_coordinates(_of_file(used, rows)), rtol=1e-9)
    for threshold in np.quantile(double, [0.1, 0.5, 0.9]) * 1.0001:
        np.testing.assert_array_equal(single >= threshold, double >= threshold)


def _of_file(used: ActiveSet, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    scaled = rows.copy()
    scaled[:, : used.potential.model.n_radial] *= used.potential.model.scaling
    return np.asarray(scaled @ used.inverse)


def test_two_coordinates_that_single_precision_cannot_tell_apart() -> None:
    """Of an inverse with two columns that differ in the tenth digit, the larger one counts."""
    used = active_set(12, 1)
    rows = rows_of(used, candidates(1))
    grader = used.potential.site_grader(used.inverse)
    first, _ = in_both(used, rows)
    column = int(np.argmax(abs(_of_file(used, rows)[0])))
    inverse = used.inverse.copy()
    other = (column + 1) % len(inverse)
    inverse[:, other] = inverse[:, column] * (1 + 1e-10)
    grader = used.potential.site_grader(inverse)
    found = np.empty(len(rows))
    grader.active_set.grades(rows, "", True, found)
    assert found[0] / first[0] - 1 == pytest.approx(1e-10, rel=0.1)


def test_rows_without_numbers_have_no_grade() -> None:
    used = active_set(12, 1)
    rows = rows_of(used, candidates(1))
    rows[3, 5], rows[20, 0], rows[40] = np.nan, np.inf, 1e300
    single, double = in_both(used, rows)
    bad = np.zeros(len(rows), np.bool_)
    bad[[3, 20]] = True
    np.testing.assert_array_equal(np.isnan(single), bad)
    np.testing.assert_allclose(single, double, rtol=1e-9)


def test_zero_rows_have_grade_zero() -> None:
    used = active_set(12, 1)
    rows = np.zeros((9, used.size))
    single, _ = in_both(used, rows)
    np.testing.assert_array_equal(single, 0.0)


@pytest.mark.parametrize("n_species", [1, 3])
def test_in_one_pass_with_the_forces(n_species: int) -> None:
    used = active_set(8, n_species)
    assert isinstance(used.potential, GradesSites)
    dataset = candidates(n_species)
    where: Neighborhoods = used.potential.neighborhoods(dataset)
    (energies,), grades = used.evaluate_neighborhoods(where, threads=1)
    plain = used.potential.evaluate_neighborhoods(where, threads=1)
    np.testing.assert_array_equal(energies.forces, plain.forces)
    np.testing.assert_array_equal(energies.site_energies, plain.site_energies)
    np.testing.assert_array_equal(energies.virials, plain.virials)
    again = used.grade_neighborhoods(where, threads=2)
    assert grades.sites is not None
    assert again.sites is not None
    np.testing.assert_allclose(again.sites, grades.sites, rtol=1e-12)
    np.testing.assert_allclose(grades.sites, used.site_grades(dataset), rtol=1e-8)
    np.testing.assert_allclose(grades.structures, used.grade(dataset), rtol=1e-8)


def test_copies_make_their_own() -> None:
    used = active_set(8, 1)
    where = used.potential.neighborhoods(candidates(1))
    expected = used.grade_neighborhoods(where).structures
    for other in (copy.deepcopy(used), pickle.loads(pickle.dumps(used))):
        np.testing.assert_array_equal(other.grade_neighborhoods(where).structures, expected)


def test_grades_that_are_not_finite_are_refused() -> None:
    used = active_set(8, 1)
    model = used.potential.model
    huge = used.potential.with_coefficients(
        model.radial_coeffs, model.species_coeffs, 1e305 * model.moment_coeffs
    )
    other = ActiveSet(huge, used.weights, used.matrix, used.inverse, used.origins, used.structures)
    with pytest.raises(maxvolt.errors.EvaluationError, match="grade of structure 0 is not finite"):
        other.grade_neighborhoods(huge.neighborhoods(candidates(1)))
