"""The compiled kernels against their specification in NumPy, for every instruction set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from random_systems import Structure, cluster, crystal, neighborhoods, random_model

from maxvolt.compiled import _core
from maxvolt.errors import DataError
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials.mtp.basis.radial import RADIAL_BASIS_TYPES
from maxvolt.potentials.mtp.basis.repulsion import ZBL
from maxvolt.potentials.mtp.binding import kernels, reference
from maxvolt.potentials.mtp.binding.windows import system_of, windows_of
from maxvolt.potentials.mtp.model import Model, compile_model

INSTRUCTION_SETS = kernels.instruction_sets()


def assert_close(found: NDArray[np.float64], expected: NDArray[np.float64], what: str) -> None:
    """Equal to 1e-11 of the largest number of the array."""
    assert found.shape == expected.shape, what
    scale = abs(expected).max(initial=0.0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11 * max(scale, 1e-3), err_msg=what)


def by_coefficients(model: Model, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The kernels differentiate by radial coefficient times scaling, the reference does not."""
    factors = np.ones(model.n_parameters)
    factors[: model.n_radial] = model.scaling
    return rows * factors


def assert_kernels_follow_reference(model: Model, where: Neighborhoods) -> None:
    generator = np.random.default_rng(9)
    direction = (
        generator.normal(size=where.n_structures),
        generator.normal(size=(where.n_atoms, 3)),
        generator.normal(size=(where.n_structures, 3, 3)),
    )
    energies = reference.evaluate(model, where)
    shares = reference.atomic_virials(model, where)
    rows = reference.site_gradients(model, where)
    gradient = reference.directional_gradient(model, where, *direction)
    jacobian = reference.jacobian(model, where)
    core = compile_model(model)
    for name in INSTRUCTION_SETS:
        found = kernels.evaluate(core, where, threads=1, kernels=name)
        for part in ("site_energies", "forces", "virials"):
            assert_close(getattr(found, part), getattr(energies, part), f"{name} {part}")
        found_shares = kernels.atomic_virials(core, where, threads=1, kernels=name)
        assert_close(found_shares, shares, f"{name} shares in the virial")
        found_rows = kernels.site_gradients(core, where, threads=1, kernels=name)
        assert_close(by_coefficients(model, found_rows), rows, f"{name} rows")
        sums = np.zeros((where.n_structures, model.n_parameters))
        np.add.at(sums, where.structures, rows)
        found_sums = kernels.structure_gradients(core, where, threads=1, kernels=name)
        assert_close(by_coefficients(model, found_sums), sums, f"{name} sums of rows")
        for sites, expected in ((True, rows), (False, sums)):
            together, gradients = kernels.evaluate_with_gradients(
                core, where, sites=sites, threads=1, kernels=name
            )
            assert_close(by_coefficients(model, gradients), expected, f"{name} rows with forces")
            for part in ("site_energies", "forces", "virials"):
                assert_close(getattr(together, part), getattr(energies, part), f"{name} {part}")
        found_gradient = kernels.directional_gradient(
            core, where, *direction, threads=1, kernels=name
        )
        assert_close(by_coefficients(model, found_gradient), gradient, f"{name} gradient")
        table = kernels.jacobian(core, where, kernels=name)
        for part in ("energies", "forces", "virials"):
            found_part = by_coefficients(model, getattr(table, part))
            assert_close(found_part, getattr(jacobian, part), f"{name} jacobian {part}")


MIXED: list[Structure] = [
    crystal(3, seed=1),
    cluster(4, seed=2),
    crystal(4, pbc=(True, False, True), seed=3),
]


def test_baseline_is_always_there() -> None:
    assert INSTRUCTION_SETS[-1] == "baseline"
    assert set(INSTRUCTION_SETS) <= {"avx512", "avx2", "baseline"}


@pytest.mark.parametrize("level", range(2, 13, 2))
@pytest.mark.parametrize("n_species", [1, 2, 3, 4])
def test_every_level_and_number_of_species(level: int, n_species: int) -> None:
    structures = MIXED if level < 10 else MIXED[:2]
    model = random_model(level, n_species, seed=level)
    assert_kernels_follow_reference(model, neighborhoods(structures, n_species, seed=level))


def close_structures() -> list[Structure]:
    """Distances from 0.7 A on, through every branch of the repulsive bases and of ZBL."""
    x = np.array([[0, 0, 0], [0.7, 0, 0], [0, 1.05, 0], [0, 0, 1.4], [1.3, 1.3, 0], [1.8, 0, 1.6]])
    return [(x, np.zeros((3, 3)), np.zeros(3, bool)), crystal(2, seed=4)]


@pytest.mark.parametrize("kind", RADIAL_BASIS_TYPES)
@pytest.mark.parametrize("repulsion", [None, ZBL(0.9, 2.1), ZBL(0.0, 1.2)])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_every_radial_basis(kind: str, repulsion: ZBL | None, size: int) -> None:
    model = random_model(6, 2, kind=kind, size=size, repulsion=repulsion)
    assert_kernels_follow_reference(model, neighborhoods(close_structures(), 2))


@pytest.mark.parametrize("n_atoms", [1, 2, 7, 8, 9, 16, 17])
@pytest.mark.parametrize("n_species", [1, 3])
def test_every_filling_of_the_last_block(n_atoms: int, n_species: int) -> None:
    model = random_model(8, n_species)
    assert_kernels_follow_reference(model, neighborhoods([cluster(n_atoms)], n_species))


@pytest.mark.parametrize(
    "n_neighbors", [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 73]
)
def test_every_number_of_neighbors(n_neighbors: int) -> None:
    dense = cluster(n_neighbors + 1, distance=0.4, density=3.0)
    where = neighborhoods([dense], 2)
    assert set(np.bincount(where.pairs.both_ways()[0])) == {n_neighbors}
    level = 6 if n_neighbors < 10 else 4
    assert_kernels_follow_reference(random_model(level, 2, size=2, min_dist=0.5), where)


def test_atoms_of_one_block_with_very_different_neighborhoods() -> None:
    dense = cluster(14, distance=0.6, density=1.0)
    structures = [cluster(1), dense, cluster(1), cluster(2), crystal(1), cluster(1)]
    assert_kernels_follow_reference(random_model(6, 3, size=2), neighborhoods(structures, 3))


def test_nothing_to_evaluate() -> None:
    model = random_model(8, 2)
    where = neighborhoods([], 2)
    core = compile_model(model)
    for name in INSTRUCTION_SETS:
        found = kernels.evaluate(core, where, kernels=name)
        assert found.site_energies.shape == (0,)
        assert found.forces.shape == (0, 3)
        assert found.virials.shape == (0, 6)
        assert kernels.site_gradients(core, where, kernels=name).shape == (0, model.n_parameters)
        rows = kernels.jacobian(core, where, kernels=name)
        assert rows.forces.shape == (0, 3, model.n_parameters)
        gradient = kernels.directional_gradient(
            core, where, np.zeros(0), np.zeros((0, 3)), np.zeros((0, 3, 3)), kernels=name
        )
        np.testing.assert_array_equal(gradient, np.zeros(model.n_parameters))


def test_atom_without_neighbors_has_the_constant_of_its_species() -> None:
    model = random_model(8, 3)
    where = neighborhoods([cluster(1), cluster(1), cluster(1)], 3)
    core = compile_model(model)
    for name in INSTRUCTION_SETS:
        found = kernels.evaluate(core, where, kernels=name)
        np.testing.assert_array_equal(found.site_energies, model.species_coeffs[where.types])
        assert not found.forces.any()
        assert not found.virials.any()


def test_pairs_at_and_beyond_the_cutoff_do_not_count() -> None:
    # BChebyshev does not vanish at the cutoff, where the pair must be left out all the same.
    model = random_model(4, 1, kind="BChebyshev", cutoff=2.0, min_dist=0.5)
    for distance in (2.0, 2.3):
        x = np.array([[0.0, 0.0, 0.0], [distance, 0.0, 0.0]])
        where = neighborhoods([(x, np.zeros((3, 3)), np.zeros(3, bool))], 1, cutoff=4.2)
        assert len(where.pairs.pairs) == 1
        core = compile_model(model)
        for name in INSTRUCTION_SETS:
            found = kernels.evaluate(core, where, kernels=name)
            np.testing.assert_array_equal(found.site_energies, model.species_coeffs[[0, 0]])
            assert not found.forces.any()


def test_more_radial_functions_than_the_loops_take_at_once() -> None:
    # Level 22 has six values of mu; the kernels handle four at a time.
    model = random_model(22, 1, size=1)
    assert model.radial_coeffs.shape[2] == 6
    where = neighborhoods([cluster(3)], 1)
    assert_kernels_follow_reference(model, where)


# --------------------------------------------------------------------- threads


@pytest.mark.parametrize("n_atoms", [9, 40])
@pytest.mark.parametrize("count", [2, 3, 8])
def test_threads_change_nothing(n_atoms: int, count: int) -> None:
    model = random_model(8, 2)
    where = neighborhoods([cluster(n_atoms - 3), crystal(3)], 2)
    assert windows_of(where, 4).n_windows > 1
    core = compile_model(model)
    generator = np.random.default_rng(1)
    direction = (
        generator.normal(size=2),
        generator.normal(size=(n_atoms, 3)),
        generator.normal(size=(2, 3, 3)),
    )
    one, several = (kernels.evaluate(core, where, threads=t) for t in (1, count))
    np.testing.assert_array_equal(several.site_energies, one.site_energies)
    np.testing.assert_array_equal(several.forces, one.forces)
    np.testing.assert_array_equal(several.virials, one.virials)
    np.testing.assert_array_equal(
        kernels.site_gradients(core, where, threads=count),
        kernels.site_gradients(core, where, threads=1),
    )
    assert_close(
        kernels.directional_gradient(core, where, *direction, threads=count),
        kernels.directional_gradient(core, where, *direction, threads=1),
        "directional gradient",
    )


@pytest.mark.parametrize("count", [1, 2, 5])
def test_gradients_of_structures_are_sums_over_their_atoms(count: int) -> None:
    model = random_model(8, 2)
    where = neighborhoods([cluster(5), crystal(30), cluster(1), crystal(3)], 2)
    core = compile_model(model)
    sites = kernels.site_gradients(core, where, threads=1)
    expected = np.zeros((4, model.n_parameters))
    np.add.at(expected, where.structures, sites)
    cut = neighborhoods([cluster(5), crystal(30), cluster(1), crystal(3)], 2)
    assert windows_of(cut, 8).n_parts > 4
    found = kernels.structure_gradients(core, cut, threads=count)
    assert_close(found, expected, "rows")
    np.testing.assert_array_equal(found, kernels.structure_gradients(core, cut, threads=1))


def test_gradients_of_many_atoms() -> None:
    model = random_model(14, 4, size=25)
    where = neighborhoods([crystal(240)], 4)
    core = compile_model(model)
    assert windows_of(where).n_windows == 1
    sites = kernels.site_gradients(core, where, threads=1)
    found = kernels.structure_gradients(core, where, threads=1)
    assert_close(found, sites.sum(axis=0, keepdims=True), "rows")


def lattice(n: int) -> Structure:
    """A shaken simple cubic crystal of n x n x n atoms."""
    places = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    shifts = np.random.default_rng(n).uniform(-0.3, 0.3, places.shape)
    return 2.6 * places + shifts, 2.6 * n * np.eye(3), np.ones(3, bool)


def test_real_threads_on_many_atoms() -> None:
    """So many that their forces are summed by threads too."""
    model = random_model(4, 2)
    where = neighborhoods([lattice(35), crystal(9)], 2)
    assert where.n_atoms > 2 * kernels.ATOMS_TO_FOLD
    core = compile_model(model)
    assert windows_of(where).n_windows >= 2
    one, two = (kernels.evaluate(core, where, threads=t) for t in (1, 2))
    np.testing.assert_array_equal(two.site_energies, one.site_energies)
    np.testing.assert_array_equal(two.forces, one.forces)
    np.testing.assert_array_equal(two.virials, one.virials)


# --------------------------------------------------------------------- derivatives


def energies_of(model: Model, where: Neighborhoods) -> NDArray[np.float64]:
    found = kernels.evaluate(compile_model(model), where, threads=1)
    energies = np.bincount(where.structures, found.site_energies, minlength=where.n_structures)
    return np.asarray(energies, dtype=np.float64)


def moved(where: Neighborhoods, **changes: NDArray[np.float64]) -> Neighborhoods:
    return Neighborhoods(
        positions=changes.get("positions", where.positions),
        cells=changes.get("cells", where.cells),
        structures=where.structures,
        types=where.types,
        pairs=where.pairs,
    )


DIFFERENTIATED = [
    ("RBChebyshev", None, 10),
    ("RBShapeev", ZBL(0.8, 2.5), 8),
    ("BChebyshev_repuls", ZBL(0.8, 2.5), 8),
    ("RBTaylor", None, 6),
]


@pytest.mark.parametrize(("kind", "repulsion", "level"), DIFFERENTIATED)
def test_forces_are_minus_the_derivative_of_the_energy(
    kind: str, repulsion: ZBL | None, level: int
) -> None:
    # Pairs further than the cutoff are listed too: BChebyshev and RBTaylor jump there, so the
    # structures have none close to it.
    model = random_model(level, 2, kind=kind, repulsion=repulsion)
    where = neighborhoods(MIXED, 2)
    found = reference.evaluate(model, where)
    step = 1e-5
    numeric = np.empty_like(found.forces)
    for i in range(where.n_atoms):
        for a in range(3):
            plus, minus = where.positions.copy(), where.positions.copy()
            plus[i, a] += step
            minus[i, a] -= step
            rise = energies_of(model, moved(where, positions=plus)).sum()
            rise -= energies_of(model, moved(where, positions=minus)).sum()
            numeric[i, a] = -rise / (2 * step)
    scale = abs(found.forces).max()
    assert scale > 1e-2
    np.testing.assert_allclose(found.forces, numeric, rtol=0, atol=1e-7 * scale)


@pytest.mark.parametrize(("kind", "repulsion", "level"), DIFFERENTIATED)
def test_virials_are_the_derivative_of_the_energy_by_strain(
    kind: str, repulsion: ZBL | None, level: int
) -> None:
    model = random_model(level, 2, kind=kind, repulsion=repulsion)
    where = neighborhoods(MIXED, 2)
    found = reference.evaluate(model, where)
    step = 1e-6
    numeric = np.empty_like(found.virials)
    for v, (a, b) in enumerate([(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]):
        rise = np.zeros(where.n_structures)
        for sign in (1, -1):
            strain = np.zeros((3, 3))
            strain[a, b] += 0.5 * sign * step
            strain[b, a] += 0.5 * sign * step
            change = np.eye(3) + strain
            rise += sign * energies_of(
                model, moved(where, positions=where.positions @ change, cells=where.cells @ change)
            )
        numeric[:, v] = rise / (2 * step)
    scale = abs(found.virials).max()
    np.testing.assert_allclose(found.virials, numeric, rtol=0, atol=3e-7 * scale)


def with_parameters(model: Model, parameters: NDArray[np.float64]) -> Model:
    """Radial parameters are those behind the scaling, as the kernels count them."""
    radial, species, moment = np.split(
        parameters, [model.n_radial, model.n_radial + model.n_species]
    )
    return replace(
        model,
        radial_coeffs=radial.reshape(model.radial_coeffs.shape) / model.scaling,
        species_coeffs=species,
        moment_coeffs=moment,
    )


def test_jacobian_is_the_derivative_by_every_parameter() -> None:
    model = random_model(10, 2, size=2, repulsion=ZBL(0.8, 2.5))
    where = neighborhoods(MIXED, 2)
    core = compile_model(model)
    rows = kernels.jacobian(core, where)
    site_rows = kernels.site_gradients(core, where)
    parameters = model.parameters.copy()
    parameters[: model.n_radial] *= model.scaling
    step = 1e-5
    for p in range(model.n_parameters):
        parts = []
        for sign in (1, -1):
            changed = parameters.copy()
            changed[p] += sign * step
            parts.append(kernels.evaluate(compile_model(with_parameters(model, changed)), where))
        plus, minus = parts
        scale = max(abs(rows.forces[..., p]).max(), abs(rows.energies[:, p]).max())
        atol = 1e-7 * max(scale, 1.0)
        for found, name in (
            (rows.forces[..., p], "forces"),
            (rows.virials[..., p], "virials"),
            (site_rows[:, p], "site_energies"),
        ):
            numeric = (getattr(plus, name) - getattr(minus, name)) / (2 * step)
            # Forces are minus the derivative; the rows hold the derivative of what is named.
            np.testing.assert_allclose(found, numeric, rtol=1e-6, atol=atol, err_msg=f"{name} {p}")
        sums = np.bincount(where.structures, site_rows[:, p], minlength=where.n_structures)
        np.testing.assert_allclose(rows.energies[:, p], sums, rtol=1e-11, atol=1e-12 * scale)


def test_directional_gradient_is_the_jacobian_along_the_direction() -> None:
    model = random_model(10, 3, size=3)
    where = neighborhoods(MIXED, 3)
    core = compile_model(model)
    rows = kernels.jacobian(core, where)
    generator = np.random.default_rng(2)
    weights = generator.normal(size=where.n_structures)
    displacements = generator.normal(size=(where.n_atoms, 3))
    strains = generator.normal(size=(where.n_structures, 3, 3))
    virial = np.stack(
        [
            *(strains[:, a, a] for a in range(3)),
            *(strains[:, a, b] + strains[:, b, a] for a, b in ((1, 2), (0, 2), (0, 1))),
        ],
        axis=1,
    )
    expected = (
        weights @ rows.energies
        - np.einsum("ia,iap->p", displacements, rows.forces)
        + np.einsum("sv,svp->p", virial, rows.virials)
    )
    found = kernels.directional_gradient(core, where, weights, displacements, strains)
    assert_close(found, expected, "directional gradient")


def test_energy_forces_and_stress_are_linear_in_the_linear_coefficients() -> None:
    model = random_model(8, 2)
    where = neighborhoods(MIXED, 2)
    rows = kernels.jacobian(compile_model(model), where)
    found = kernels.evaluate(compile_model(model), where)
    linear = model.parameters[model.n_radial :]
    assert_close(rows.forces[..., model.n_radial :] @ linear, found.forces, "forces")
    assert_close(rows.virials[..., model.n_radial :] @ linear, found.virials, "virials")


# --------------------------------------------------------------------- refusals


def coincident(at: Sequence[int]) -> Neighborhoods:
    structures = [cluster(9), cluster(6), cluster(9)]
    x = structures[1][0].copy()
    x[at[1]] = x[at[0]]
    structures[1] = (x, *structures[1][1:])
    return neighborhoods(structures, 2)


@pytest.mark.parametrize("name", INSTRUCTION_SETS)
@pytest.mark.parametrize("kind", ["RBChebyshev", "RBShapeev", "RBChebyshev_repuls"])
def test_coincident_atoms_are_named(name: str, kind: str) -> None:
    where = coincident([2, 4])
    core = compile_model(random_model(6, 2, kind=kind, repulsion=ZBL(0.5, 1.5)))
    message = "atom 2 of structure 1 coincides"
    with pytest.raises(DataError, match=message):
        kernels.evaluate(core, where, kernels=name)
    with pytest.raises(DataError, match=message):
        kernels.site_gradients(core, where, kernels=name)
    with pytest.raises(DataError, match=message):
        kernels.jacobian(core, where, kernels=name)
    with pytest.raises(DataError, match=message):
        kernels.directional_gradient(
            core, where, np.ones(3), np.ones((24, 3)), np.ones((3, 3, 3)), kernels=name
        )


def test_coincident_atoms_are_found_by_any_thread() -> None:
    core = compile_model(random_model(6, 2))
    where = coincident([2, 4])
    assert windows_of(where, 8).n_windows > 1
    with pytest.raises(DataError, match="atom 2 of structure 1 coincides"):
        kernels.evaluate(core, where, threads=3)


@pytest.mark.parametrize("wrong", ["single precision", "not contiguous"])
def test_an_output_that_could_not_be_written_to_is_refused(wrong: str) -> None:
    core, where = compile_model(random_model(4, 1)), neighborhoods([cluster(2)], 1)
    energies = np.zeros(2, np.float32) if wrong == "single precision" else np.zeros(4)[::2]
    rows, virials = _core.empty_rows(windows_of(where).n_rows), np.zeros((1, 6))
    with pytest.raises(TypeError, match="incompatible function arguments"):
        _core.evaluate(core, system_of(where), 0, 1, "", energies, rows, virials)


def test_unknown_instruction_set_is_refused() -> None:
    core = compile_model(random_model(4, 1))
    with pytest.raises(ValueError, match="'sse9' is not available"):
        kernels.evaluate(core, neighborhoods([cluster(2)], 1), kernels="sse9")


def test_outputs_that_come_along_are_checked() -> None:
    core, where = compile_model(random_model(4, 1)), neighborhoods([cluster(2)], 1)
    gradients, energies = np.zeros((1, core.n_parameters)), np.zeros(2)
    rows, virials = _core.empty_rows(windows_of(where).n_rows), np.zeros((1, 6))
    with pytest.raises(ValueError, match="give energies, rows and virials, or none"):
        _core.structure_gradients(core, system_of(where), 0, 1, "", gradients, energies)
    with pytest.raises(ValueError, match="site energies of wrong size"):
        _core.structure_gradients(
            core, system_of(where), 0, 1, "", gradients, np.zeros(3), rows, virials
        )
    with pytest.raises(TypeError, match="incompatible function arguments"):
        _core.structure_gradients(
            core, system_of(where), 0, 1, "", gradients, energies.astype(np.float32), rows, virials
        )
