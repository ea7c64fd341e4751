"""Rows of the invariants of a plan against those of the scalars, which are sums of them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from random_systems import Structure, cluster, crystal, neighborhoods, random_model
from scipy.sparse import csr_array

from maxvolt.compiled import _core
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials.mtp.basis.repulsion import ZBL
from maxvolt.potentials.mtp.binding import kernels, reference
from maxvolt.potentials.mtp.binding.windows import system_of, windows_of
from maxvolt.potentials.mtp.model import Model, compile_model, expansion_of
from maxvolt.potentials.results import Precision

MIXED: list[Structure] = [
    crystal(3, seed=1),
    cluster(4, seed=2),
    cluster(1),
    crystal(4, pbc=(True, False, True), seed=3),
]

LARGEST_ERROR: dict[Precision, float] = {"double": 1e-11, "single": 2e-6}
"""Relative to the largest number of the rows."""


def expansion(model: Model) -> csr_array:
    found = expansion_of(model)
    assert found is not None
    return found


def width(model: Model) -> int:
    return -(-(expansion(model).shape[1] + model.n_species) // 16) * 16


def by_scalars(model: Model, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns [species][scalars] of rows of invariants."""
    n = expansion(model).shape[1]
    invariants, species = rows[..., :n], rows[..., n : n + model.n_species]
    assert not rows[..., n + model.n_species :].any()
    return np.concatenate([species, invariants @ expansion(model).toarray().T], axis=-1)


def assert_rows_are_those_of_the_table(model: Model, where: Neighborhoods) -> None:
    expected = reference.jacobian(model, where)
    core = compile_model(model)
    for name in kernels.instruction_sets():
        for precision, allowed in LARGEST_ERROR.items():
            found = kernels.invariant_rows(
                core, where, width(model), precision=precision, kernels=name
            )
            for part in ("energies", "forces", "virials"):
                table = getattr(expected, part)[..., model.n_radial :]
                rows = by_scalars(model, getattr(found, part))
                scale = abs(table).max()
                np.testing.assert_allclose(
                    rows, table, rtol=0, atol=allowed * scale, err_msg=f"{name} {part}"
                )


@pytest.mark.parametrize("level", range(4, 17, 4))
@pytest.mark.parametrize("n_species", [1, 3])
def test_every_level_and_number_of_species(level: int, n_species: int) -> None:
    model = random_model(level, n_species, seed=level, repulsion=ZBL(0.8, 2.5))
    assert_rows_are_those_of_the_table(model, neighborhoods(MIXED, n_species, seed=level))


def test_more_neighbors_than_a_vector_and_fewer() -> None:
    """One, two and several vectors of neighbours, whole and not."""
    structures = [cluster(n, seed=n) for n in (2, 8, 9, 16, 17, 18, 25, 33)]
    model = random_model(8, 2)
    assert_rows_are_those_of_the_table(model, neighborhoods(structures, 2))


@pytest.mark.parametrize("precision", ["double", "single"])
def test_rows_are_multiplied_and_virials_without_a_factor_left_out(precision: Precision) -> None:
    model = random_model(8, 2)
    where = neighborhoods(MIXED, 2)
    core, n = compile_model(model), len(MIXED)
    every = kernels.invariant_rows(core, where, width(model), precision=precision)
    factors = np.random.default_rng(0).uniform(0.5, 2.0, len(every.table))
    virials = factors[-6 * n :].reshape(n, 6)
    virials[1] = 0.0
    virials[3, 1:] = 0.0
    found = kernels.invariant_rows(core, where, width(model), factors=factors, precision=precision)
    expected = factors[:, None] * every.table
    np.testing.assert_allclose(found.table, expected, rtol=1e-12, atol=0)
    assert every.virials[1].any()
    assert not found.virials[1].any()


def test_no_atoms_give_no_rows() -> None:
    model = random_model(6, 2)
    where = neighborhoods([], 2)
    rows = kernels.invariant_rows(compile_model(model), where, width(model))
    assert rows.table.shape == (0, width(model))


@pytest.mark.parametrize("change", [-8, 8])
def test_rows_of_another_width_are_refused(change: int) -> None:
    model = random_model(8, 2)
    where = neighborhoods(MIXED, 2)
    with pytest.raises(ValueError, match="rows of invariants of wrong size"):
        kernels.invariant_rows(compile_model(model), where, width(model) + change)


def test_without_a_plan_there_are_none() -> None:
    model = random_model(8, 2)
    where = neighborhoods(MIXED, 2)
    rows = kernels.Jacobian.zeros(where, width(model))
    with pytest.raises(ValueError, match="need an evaluation plan"):
        _core.invariant_rows(
            *(compile_model(model, planned=False), system_of(where), 0),
            *(windows_of(where).n_windows, kernels.BEST),
            *(rows.energies, rows.forces, rows.virials, np.ones(len(MIXED), np.bool_)),
        )
