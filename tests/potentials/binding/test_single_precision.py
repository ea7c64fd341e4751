"""Single precision against double: errors of a few roundings, the same answers otherwise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from random_systems import cluster, crystal, neighborhoods, random_model

from maxvolt import Calculator, read, read_potential
from maxvolt.errors import DataError, MaxvoltError
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials.mtp.basis.contraction import contraction_table
from maxvolt.potentials.mtp.binding import kernels
from maxvolt.potentials.mtp.model import compile_model

# 2^-24 = 6e-8 a rounding; that many of them add up in a force.
LARGEST_ERROR = 4e-6


def relative(found: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    """Root mean square error relative to the root mean square."""
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


@pytest.mark.parametrize("name", kernels.instruction_sets())
@pytest.mark.parametrize("n_species", [1, 3])
@pytest.mark.parametrize("level", [2, 8, 12, 16, 20])
def test_error_is_a_few_roundings(level: int, n_species: int, name: str) -> None:
    model = random_model(level, n_species)
    # Blocks without a partner, half empty ones, atoms with few and with many neighbours.
    where = neighborhoods([cluster(5), crystal(30), cluster(1), crystal(3), crystal(17)], n_species)
    core = compile_model(model)
    double = kernels.evaluate(core, where, threads=1, kernels=name)
    single = kernels.evaluate(core, where, threads=1, kernels=name, precision="single")
    constant = model.species_coeffs[where.types]
    assert (
        relative(single.site_energies - constant, double.site_energies - constant) < LARGEST_ERROR
    )
    assert relative(single.forces, double.forces) < LARGEST_ERROR
    assert relative(single.virials, double.virials) < LARGEST_ERROR
    # It is another computation, not the same one under another name.
    assert relative(single.forces, double.forces) > 1e-9


@pytest.mark.parametrize("n_atoms", range(1, 36))
def test_every_number_of_atoms(n_atoms: int) -> None:
    model = random_model(8, 2)
    where = neighborhoods([crystal(n_atoms)], 2)
    core = compile_model(model)
    for name in kernels.instruction_sets():
        double = kernels.evaluate(core, where, kernels=name)
        single = kernels.evaluate(core, where, kernels=name, precision="single")
        np.testing.assert_allclose(
            single.forces, double.forces, rtol=0, atol=2e-5 * abs(double.forces).max() + 1e-12
        )


def test_forces_of_an_isolated_structure_sum_to_zero() -> None:
    where = neighborhoods([cluster(23)], 1)
    found = kernels.evaluate(compile_model(random_model(16, 1)), where, precision="single")
    np.testing.assert_allclose(found.forces.sum(axis=0), 0.0, atol=1e-10 * abs(found.forces).max())


def test_unknown_precision_is_refused() -> None:
    where = neighborhoods([cluster(2)], 1)
    with pytest.raises(MaxvoltError, match='must be "double" or "single"; got \'half\''):
        kernels.evaluate(compile_model(random_model(4, 1)), where, precision="half")  # type: ignore[arg-type]


def test_a_potential_without_a_plan_says_so() -> None:
    model = random_model(contraction_table(14, max_vertices=5), 1)
    where = neighborhoods([cluster(2)], 1)
    with pytest.raises(MaxvoltError, match="scalars of more than four moments"):
        kernels.evaluate(compile_model(model), where, precision="single")


def test_coincident_atoms_are_named() -> None:
    x = np.array([[0.0, 0, 0], [2.0, 0, 0], [2.0, 0, 0]])
    where = neighborhoods([(x, np.zeros((3, 3)), np.zeros(3, bool))], 1)
    with pytest.raises(DataError, match="atom 1 of structure 0 coincides"):
        kernels.evaluate(compile_model(random_model(4, 1)), where, precision="single")


def test_trained_potentials_and_the_calculator(shared: Path) -> None:
    folder = shared / "reference/mlip3/active_set"
    potential = read_potential(folder / "m3_08_trained.almtp", ["Mo"])
    dataset = read(folder / "Mo_test.cfg", species=["Mo"]).select(slice(0, 10))
    double = potential.evaluate_dataset(dataset)
    single = potential.evaluate_dataset(dataset, precision="single")
    assert relative(single.forces, double.forces) < LARGEST_ERROR
    atoms = dataset[0]
    expected = potential.evaluate(atoms, precision="single")
    atoms.calc = Calculator(potential, precision="single")
    np.testing.assert_allclose(atoms.get_forces(), expected.forces, rtol=0, atol=1e-4)
    assert abs(atoms.get_forces() - potential.evaluate(atoms).forces).max() > 1e-12


def test_threads_change_nothing() -> None:
    where: Neighborhoods = neighborhoods([crystal(40), crystal(33)], 2)
    core = compile_model(random_model(10, 2))
    one, two = (kernels.evaluate(core, where, threads=t, precision="single") for t in (1, 2))
    np.testing.assert_array_equal(one.forces, two.forces)
