"""Kernels with an evaluation plan: the same numbers as by the table, and no plan out of range."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from core_keywords import core_keywords, core_of
from numpy.typing import NDArray
from random_systems import Structure, cluster, crystal, neighborhoods, random_model

from maxvolt.compiled import _core
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials.mtp.basis.contraction import ContractionTable, contraction_table
from maxvolt.potentials.mtp.basis.plan import evaluation_plan
from maxvolt.potentials.mtp.basis.radial import RADIAL_BASIS_TYPES
from maxvolt.potentials.mtp.binding import kernels, reference
from maxvolt.potentials.mtp.model import Model, compile_model

INSTRUCTION_SETS = kernels.instruction_sets()

Array = NDArray[np.float64]

SMALL: list[Structure] = [crystal(3, seed=1), cluster(6, seed=2)]
LARGER: list[Structure] = [crystal(5, seed=1), cluster(18, seed=2), cluster(1)]


def direction(where: Neighborhoods) -> tuple[Array, Array, Array]:
    generator = np.random.default_rng(9)
    return (
        generator.normal(size=where.n_structures),
        generator.normal(size=(where.n_atoms, 3)),
        generator.normal(size=(where.n_structures, 3, 3)),
    )


def outputs(core: _core.Core, where: Neighborhoods, name: str) -> dict[str, Array]:
    """Everything that a plan takes part in."""
    found = kernels.evaluate(core, where, threads=1, kernels=name)
    return {
        "site energies": found.site_energies,
        "forces": found.forces,
        "virials": found.virials,
        "site gradients": kernels.site_gradients(core, where, threads=1, kernels=name),
        "directional gradient": kernels.directional_gradient(
            core, where, *direction(where), threads=1, kernels=name
        ),
    }


def assert_close(found: Array, expected: Array, tolerance: float, what: str) -> None:
    """Differences relative to the largest number of the array."""
    assert found.shape == expected.shape, what
    scale = max(abs(expected).max(initial=0.0), 1e-3)
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale, err_msg=what)


def by_kind(model: Model, gradients: Array) -> dict[str, Array]:
    """Gradients by radial and by linear coefficients, which differ in size."""
    radial, linear = np.split(gradients, [model.n_radial], axis=-1)
    return {"radial": radial, "linear": linear}


def assert_plan_changes_nothing(
    model: Model, where: Neighborhoods, tolerance: float = 1e-12
) -> None:
    planned, table = compile_model(model), compile_model(model, planned=False)
    for name in INSTRUCTION_SETS:
        found, expected = outputs(planned, where, name), outputs(table, where, name)
        for what, array in found.items():
            if "gradient" not in what:
                assert_close(array, expected[what], tolerance, f"{name} {what}")
                continue
            other = by_kind(model, expected[what])
            for kind, part in by_kind(model, array).items():
                assert_close(part, other[kind], tolerance, f"{name} {what} {kind}")


@pytest.mark.parametrize("level", range(2, 22, 2))
@pytest.mark.parametrize("n_species", [1, 2, 3, 4])
def test_levels_and_species(level: int, n_species: int) -> None:
    model = random_model(level, n_species, seed=level)
    assert_plan_changes_nothing(model, neighborhoods(LARGER, n_species, seed=level))


@pytest.mark.parametrize("kind", RADIAL_BASIS_TYPES)
@pytest.mark.parametrize("size", [1, 6])
def test_radial_bases(kind: str, size: int) -> None:
    model = random_model(14, 2, kind=kind, size=size)
    assert_plan_changes_nothing(model, neighborhoods(LARGER, 2))


def test_the_highest_level() -> None:
    model = random_model(28, 1, size=2)
    assert_plan_changes_nothing(model, neighborhoods([cluster(9, seed=3)], 1), tolerance=1e-11)


@pytest.mark.parametrize("n_atoms", [1, 2, 4, 5, 8, 9, 17])
def test_every_filling_of_the_last_block(n_atoms: int) -> None:
    assert_plan_changes_nothing(random_model(12, 2), neighborhoods([cluster(n_atoms)], 2))


@pytest.mark.parametrize(("level", "n_species"), [(14, 2), (16, 1), (18, 1), (20, 1)])
def test_plans_follow_the_reference(level: int, n_species: int) -> None:
    """Lower levels: test_kernels.py."""
    model = random_model(level, n_species, size=2)
    where = neighborhoods([cluster(4, seed=5)], n_species)
    energies = reference.evaluate(model, where)
    scaled = np.ones(model.n_parameters)
    scaled[: model.n_radial] = model.scaling
    gradients = {
        "site gradients": reference.site_gradients(model, where),
        "directional gradient": reference.directional_gradient(model, where, *direction(where)),
    }
    core = compile_model(model)
    for name in INSTRUCTION_SETS:
        found = outputs(core, where, name)
        assert_close(found["site energies"], energies.site_energies, 1e-12, name)
        assert_close(found["forces"], energies.forces, 1e-12, name)
        assert_close(found["virials"], energies.virials, 1e-12, name)
        for what, expected in gradients.items():
            assert_close(found[what] * scaled, expected, 1e-12, f"{name} {what}")


# --------------------------------------------------------------------- unusual tables


@pytest.mark.parametrize("seed", range(10))
def test_some_scalars_of_a_table(seed: int) -> None:
    """Harmonic moments then stand in pairs and nowhere else."""
    table = contraction_table(14)
    generator = np.random.default_rng(seed)
    kept = generator.choice(table.scalars, size=1 + seed % 4, replace=False)
    some = ContractionTable(table.basic, table.products, kept, table.n_moments)
    assert evaluation_plan(some) is not None
    assert_plan_changes_nothing(random_model(some, 2, seed=seed), neighborhoods(LARGER, 2))


def test_incomplete_and_repeated_basic_moments() -> None:
    """|M_{2,1}|^2 twice over, M_{0,0} and no other moments, in an order of their own."""
    basic = [[2, 0, 1, 0], [0, 0, 0, 0], [2, 1, 0, 0], [2, 0, 0, 1], [2, 0, 1, 0]]
    products = [[0, 0, 1, 5], [2, 2, 1, 5], [3, 3, 1, 5], [0, 4, 3, 6], [2, 2, 3, 6], [3, 3, 3, 6]]
    products += [[1, 5, 2, 7]]
    table = ContractionTable(np.array(basic), np.array(products), np.array([7, 1, 6]), 8)
    assert evaluation_plan(table) is not None
    where = neighborhoods(LARGER, 2)
    assert_plan_changes_nothing(random_model(table, 2), where)


def test_no_scalars() -> None:
    table = ContractionTable(np.zeros((1, 4)), np.zeros((0, 4)), np.zeros(0), 1)
    model = random_model(table, 1)
    found = kernels.evaluate(compile_model(model), neighborhoods(SMALL, 1), threads=1)
    np.testing.assert_array_equal(found.site_energies, np.full(9, model.species_coeffs[0]))


def without_plan(products: list[list[int]], scalars: list[int], n_moments: int) -> Model:
    basic = np.array([[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 1, 1, 0]])
    table = ContractionTable(basic, np.array(products).reshape(-1, 4), np.array(scalars), n_moments)
    assert evaluation_plan(table) is None
    return random_model(table, 2)


@pytest.mark.parametrize(
    ("products", "scalars", "n_moments"),
    [
        ([], [1, 4], 5),  # components of tensors
        ([[1, 1, 1, 5], [2, 2, 2, 5]], [0, 5], 6),  # part of the square of a vector
        ([[0, 0, 1, 5], [5, 5, 1, 6], [0, 6, 2, 7]], [0, 7], 8),  # five factors
    ],
)
def test_tables_without_a_plan_are_evaluated_as_they_stand(
    products: list[list[int]], scalars: list[int], n_moments: int
) -> None:
    model = without_plan(products, scalars, n_moments)
    where = neighborhoods(SMALL, 2)
    expected = reference.evaluate(model, where)
    for name in INSTRUCTION_SETS:
        found = kernels.evaluate(compile_model(model), where, threads=1, kernels=name)
        assert_close(found.site_energies, expected.site_energies, 1e-12, name)
        assert_close(found.forces, expected.forces, 1e-12, name)
        assert_close(found.virials, expected.virials, 1e-12, name)


def test_coefficients_of_zero() -> None:
    model = random_model(8, 1)
    zero = replace(model, moment_coeffs=np.zeros_like(model.moment_coeffs))
    found = kernels.evaluate(compile_model(zero), neighborhoods(SMALL, 1), threads=1)
    np.testing.assert_array_equal(found.site_energies, np.full(9, zero.species_coeffs[0]))
    assert not found.forces.any()


# --------------------------------------------------------------------- what the core refuses

INTEGERS = (
    *("harmonic_rows", "harmonic_columns", "moment_rows", "moment_columns"),
    *("couplings", "real_products", "complex_products", "blocks", "block_ranks"),
    *("pairs", "targets", "rows", "columns", "invariants"),
    *("expansion_first", "expansion_columns"),
)
REALS = ("harmonic_values", "moment_values", "block_values", "form", "expansion_values")


@cache
def keywords_of(level: int) -> dict[str, Any]:
    return core_keywords(random_model(level, 1, size=2))


def plan_of(level: int) -> dict[str, Any]:
    plan: dict[str, Any] = keywords_of(level)["plan"]
    return plan


def core_with(**changes: Any) -> _core.Core:
    return core_of(keywords_of(12), **changes)


def test_the_recorded_plan_is_accepted() -> None:
    plan = plan_of(12)
    assert {*INTEGERS, *REALS, "n_components", "n_slots", "constant"} == set(plan)
    assert all(len(plan[name]) > 0 for name in (*INTEGERS, *REALS))
    core_with()


# A plan may have any number of pairs.
@pytest.mark.parametrize("name", sorted({*INTEGERS, *REALS} - {"pairs"}))
def test_a_table_of_the_wrong_length_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="evaluation plan"):
        core_with(**{name: plan_of(12)[name][:-1]})


@pytest.mark.parametrize("name", [*INTEGERS, *REALS])
def test_a_table_of_the_wrong_shape_is_refused_by_name(name: str) -> None:
    table = plan_of(12)[name]
    with pytest.raises(ValueError, match=rf"{name} has shape \(.*; expected \(any"):
        core_with(**{name: table.reshape(*table.shape, 1)})


@pytest.mark.parametrize("name", INTEGERS)
@pytest.mark.parametrize("value", [-(2**31), -1000, 2**20, 2**31 - 1])
def test_an_entry_out_of_range_is_refused(name: str, value: int) -> None:
    array = plan_of(12)[name]
    for column in range(array[0].size):
        changed = array.copy().reshape(len(array), -1)
        changed[len(array) // 2, column] = value
        with pytest.raises(ValueError, match="evaluation plan"):
            core_with(**{name: changed.reshape(array.shape)})


def test_sums_beyond_32_bits_are_refused() -> None:
    plan = plan_of(12)
    pairs, products = plan["pairs"].copy(), plan["real_products"].copy()
    pairs[:, 0], products[:, 0] = -(2**31), -(2**31)
    with pytest.raises(ValueError, match="evaluation plan"):
        core_with(pairs=pairs, real_products=products)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("n_components", value) for value in (-1, 0, 3)),
        *(("n_slots", value) for value in (-1, 0, 3)),
        *(("constant", value) for value in (-2, 10**6)),
    ],
)
def test_sizes_that_are_too_small_are_refused(name: str, value: int) -> None:
    with pytest.raises(ValueError, match="evaluation plan"):
        core_with(**{name: value})


@pytest.mark.parametrize("name", [*INTEGERS, *REALS, "n_components"])
def test_what_is_missing_or_no_array_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match=f"{name} is of the wrong type"):
        core_with(**{name: "text"})
    rest = {key: value for key, value in plan_of(12).items() if key != name}
    with pytest.raises(TypeError, match=f"{name} is missing"):
        _core.PlanArrays(**rest)


def random_changes(generator: np.random.Generator) -> dict[str, NDArray[np.int32]]:
    """One or two arrays of the plan with one entry that is another of theirs, small or huge."""
    plan = plan_of(10)
    changes = {}
    for name in generator.choice(INTEGERS, size=generator.integers(1, 3)).tolist():
        array = plan[name].copy()
        others = [*array.flat, 0, 1, 2, 5, -1, 2**31 - 1, -(2**31)]
        array.flat[generator.integers(array.size)] = generator.choice(others)
        changes[name] = array
    return changes


@pytest.mark.parametrize("seed", range(4))
def test_random_changes_are_refused_or_harmless(seed: int) -> None:
    """Whatever is accepted reads and writes inside its memory: it runs to the end."""
    generator = np.random.default_rng(seed)
    where = neighborhoods([cluster(3)], 1)
    refused = 0
    for _ in range(150):
        try:
            core = core_of(keywords_of(10), **random_changes(generator))
        except ValueError:
            refused += 1
            continue
        for name in INSTRUCTION_SETS:
            outputs(core, where, name)
    assert 30 < refused < 150
