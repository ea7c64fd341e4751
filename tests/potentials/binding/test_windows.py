"""Windows: what the kernels are handed, in which order, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from random_systems import Structure, cluster, crystal, neighborhoods, random_model

from maxvolt.compiled import _core
from maxvolt.neighbors import build_neighbors
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials.mtp.binding import kernels, reference
from maxvolt.potentials.mtp.binding.windows import windows_of
from maxvolt.potentials.mtp.model import Model, compile_model
from maxvolt.potentials.results import Energies

# --------------------------------------------------------------------- no number depends on them

ONE_ATOM = (np.array([[0.3, -0.2, 0.9]]), np.diag([2.1, 2.3, 2.2]), np.ones(3, bool))
FLAT = (
    np.array([[0.0, 0.0, 0.0], [0.9, 1.1, 1.6]]),
    np.array([[2.2, 0.3, 0.0], [-0.4, 2.6, 0.1], [0.0, 0.0, 0.0]]),
    np.array([True, True, False]),
)


def scattered(structure: Structure, seed: int = 3) -> Structure:
    """Every atom in another image of the cell."""
    x, cell, pbc = structure
    shifts = np.random.default_rng(seed).integers(-4, 5, size=x.shape) * pbc
    return x + shifts @ cell, cell, pbc


STRUCTURES: dict[str, list[Structure]] = {
    "one atom with its own images": [ONE_ATOM],
    "two atoms in a flat cell": [FLAT],
    "no neighbours at all": [cluster(1), cluster(1)],
    "structures without atoms": [
        cluster(0),
        ONE_ATOM,
        cluster(0),
        cluster(0),
        crystal(3),
        cluster(0),
    ],
    "small crystal": [crystal(11)],
    "atoms far outside their cell": [scattered(crystal(11))],
    "far from the origin": [(crystal(5)[0] + [3e3, -5e3, 2e3], *crystal(5)[1:])],
    "everything": [crystal(11), ONE_ATOM, cluster(9), scattered(FLAT), crystal(4, seed=7)],
}


@pytest.mark.parametrize("name", STRUCTURES)
@pytest.mark.parametrize("atoms", [1, 3, 8, 100])
@pytest.mark.parametrize("n_species", [1, 3])
def test_windows_of_any_size_follow_the_reference(name: str, atoms: int, n_species: int) -> None:
    where = neighborhoods(STRUCTURES[name], n_species)
    windows_of(where, atoms)
    model = random_model(6, n_species)
    core = compile_model(model)
    expected = reference.evaluate(model, where)
    found = kernels.evaluate(core, where, threads=1)
    for part in ("site_energies", "forces", "virials"):
        close(getattr(found, part), getattr(expected, part), part)
    rows = kernels.site_gradients(core, where, threads=1)
    rows[:, : model.n_radial] *= model.scaling
    close(rows, reference.site_gradients(model, where), "site gradients")


def close(found: NDArray[np.float64], expected: NDArray[np.float64], what: str) -> None:
    scale = max(abs(expected).max(initial=0.0), 1e-3)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11 * scale, err_msg=what)


@pytest.mark.parametrize("kernels_name", kernels.instruction_sets())
@pytest.mark.parametrize("n_species", [2, 4, 5, 9, 17])
def test_many_species_in_any_order(kernels_name: str, n_species: int) -> None:
    """Lanes of one block then differ in species; each instruction set has its own limits there."""
    x, cell, pbc = crystal(40, seed=2)
    generator = np.random.default_rng(n_species)
    types = generator.permutation(np.arange(40) % n_species).astype(np.int32)
    where = Neighborhoods(
        x, cell[None], np.zeros(40, np.int32), types, build_neighbors(x, cell, pbc, 4.2)
    )
    model = many_species(n_species)
    found = kernels.evaluate(compile_model(model), where, kernels=kernels_name)
    expected = reference.evaluate(model, where)
    close(found.site_energies, expected.site_energies, "site energies")
    close(found.forces, expected.forces, "forces")
    close(found.virials, expected.virials, "virials")


def many_species(n_species: int) -> Model:
    few = random_model(4, 2)
    generator = np.random.default_rng(n_species)
    shape = (n_species, n_species, *few.radial_coeffs.shape[2:])
    return Model(
        radial=few.radial,
        table=few.table,
        radial_coeffs=0.3 * generator.normal(size=shape),
        scaling=few.scaling,
        species_coeffs=generator.normal(size=n_species),
        moment_coeffs=few.moment_coeffs,
        numbers=np.arange(1, n_species + 1, dtype=np.int32),
    )


def test_order_of_atoms_is_that_of_the_caller() -> None:
    x, cell, pbc = crystal(60, seed=5)
    types = np.random.default_rng(0).integers(0, 3, size=60).astype(np.int32)
    order = np.random.default_rng(1).permutation(60)
    core = compile_model(random_model(8, 3))

    def evaluated(places: NDArray[np.int64]) -> Energies:
        pairs = build_neighbors(x[places], cell, pbc, 4.2)
        zeros = np.zeros(60, np.int32)
        where = Neighborhoods(x[places], cell[None], zeros, types[places], pairs)
        assert windows_of(where, 8).n_windows > 1
        return kernels.evaluate(core, where)

    straight, permuted = evaluated(np.arange(60)), evaluated(order)
    close(permuted.site_energies, straight.site_energies[order], "site energies")
    close(permuted.forces, straight.forces[order], "forces")
    close(permuted.virials, straight.virials, "virials")


# --------------------------------------------------------------------- a list that is kept


def test_a_list_serves_other_positions_cells_and_species() -> None:
    x, cell, pbc = crystal(30, seed=1)
    types = np.arange(30, dtype=np.int32) % 2
    longer = build_neighbors(x, cell, pbc, 5.0)
    kept = Neighborhoods(x, cell[None], np.zeros(30, np.int32), types, longer)
    generator = np.random.default_rng(0)
    core = compile_model(random_model(8, 2))
    for _ in range(3):
        deformation = np.eye(3) + 0.02 * generator.normal(size=(3, 3))
        moved = x @ deformation + 0.05 * generator.normal(size=x.shape)
        other, changed = cell @ deformation, generator.permutation(types)
        again = kept.with_atoms(moved, other[None], changed)
        assert windows_of(again) is windows_of(kept)
        fresh = Neighborhoods(
            moved,
            other[None],
            np.zeros(30, np.int32),
            changed,
            build_neighbors(moved, other, pbc, 4.2),
        )
        found, expected = kernels.evaluate(core, again), kernels.evaluate(core, fresh)
        close(found.site_energies, expected.site_energies, "site energies")
        close(found.forces, expected.forces, "forces")
        close(found.virials, expected.virials, "virials")


def test_windows_are_of_the_size_asked_for() -> None:
    assert windows_of(neighborhoods([crystal(130)], 1), 16).n_windows == 8
    clusters = windows_of(neighborhoods([cluster(5)] * 6, 1), 16)
    assert clusters.n_windows == 2  # three whole structures each
    assert clusters.n_parts == 6
    assert windows_of(neighborhoods([], 1), 16).n_windows == 0
    alone = neighborhoods([cluster(3)], 1)
    assert windows_of(alone, 16).n_rows == 3 + 1  # and the row that stands for no atom


def test_images_are_few_where_windows_are_compact() -> None:
    x = np.stack(np.meshgrid(*[np.arange(16.0)] * 3), axis=-1).reshape(-1, 3)
    x = np.random.default_rng(0).permutation(x)
    cell, pbc = 16.0 * np.eye(3), np.ones(3, bool)
    for positions in (x, scattered((x, cell, pbc))[0]):
        pairs = build_neighbors(positions, cell, pbc, 1.1)
        zeros = np.zeros(len(x), np.int32)
        windows = windows_of(Neighborhoods(positions, cell[None], zeros, zeros, pairs), 64)
        # Cubes of 4 x 4 x 4 with a layer on each of six sides, and one row for no atom.
        assert windows.n_windows == 64
        assert windows.n_rows == 64 * (64 + 6 * 16 + 1)


# --------------------------------------------------------------------- refusals


def windows(**changes: Any) -> _core.NeighborWindows:
    return _core.NeighborWindows(
        **{
            "pairs": np.array([[0, 1], [1, 2], [2, 0]], np.int32),
            "shifts": np.zeros((3, 3), np.int32),
            "inside": np.array([[0.0, 0, 0], [0, 0, 2.5], [0, 2.2, 0.0]]),
            "images": np.zeros((3, 3), np.int32),
            "structures": np.zeros(3, np.int32),
            "labels": np.zeros(3, np.int32),
            "window_atoms": 256,
            **changes,
        }
    )


def system(**changes: Any) -> _core.System:
    return _core.System(
        **{
            "positions": np.array([[0.0, 0, 0], [0, 0, 2.5], [0, 2.2, 0.0]]),
            "cells": np.zeros((1, 3, 3)),
            "types": np.zeros(3, np.int32),
            "windows": windows(),
            **changes,
        }
    )


def test_a_good_system_is_accepted() -> None:
    made = windows()
    assert (made.n_windows, made.n_rows, made.n_parts) == (1, 4, 1)
    system(windows=made)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pairs": np.array([[0, 1], [1, 3], [2, 0]], np.int32)}, "neighbour index out of range"),
        ({"pairs": np.array([[0, 1], [1, -1], [2, 0]], np.int32)}, "neighbour index out of range"),
        ({"shifts": np.zeros((2, 3), np.int32)}, "one row per pair"),
        ({"shifts": np.full((3, 3), -(2**31), np.int32)}, "translation out of range"),
        ({"structures": np.array([0, 1, 0], np.int32)}, "structures must not decrease"),
        ({"structures": np.array([-1, 0, 0], np.int32)}, "structures must not decrease"),
        ({"structures": np.array([0, 0, 1], np.int32)}, "belong to one structure"),
        ({"structures": np.zeros(4, np.int32)}, "one entry per atom"),
        ({"labels": np.array([0, -1, 0], np.int32)}, "negative species"),
        ({"labels": np.zeros(4, np.int32)}, "one entry per atom"),
        ({"inside": np.zeros((2, 3))}, "one entry per atom"),
        ({"images": np.zeros((2, 3), np.int32)}, "one entry per atom"),
        ({"images": np.full((3, 3), 2**31 - 1, np.int32)}, "translation out of range"),
        ({"window_atoms": 0}, "at least one atom"),
    ],
)
def test_lists_out_of_range_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        windows(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cells": np.zeros((0, 3, 3))}, "structure index out of range"),
        ({"types": np.array([0, -1, 0], np.int32)}, "negative species"),
        ({"types": np.zeros(4, np.int32)}, "one entry per atom"),
        ({"positions": np.zeros((2, 3))}, "one entry per atom"),
    ],
)
def test_systems_out_of_range_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        system(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"positions": np.zeros((3, 2))},
        {"positions": None},
        {"cells": np.zeros((3, 3))},
        {"windows": None},
        {"windows": "text"},
    ],
)
def test_systems_of_wrong_kind_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="incompatible function arguments"):
        system(**changes)


def compiled() -> tuple[Model, _core.Core]:
    model = random_model(8, 2)
    return model, compile_model(model)


def output(**changes: Any) -> list[Any]:
    """Site energies, rows of forces and parts of virials of `system`."""
    good = {"energies": np.zeros(3), "rows": _core.empty_rows(4), "virials": np.zeros((1, 6))}
    return list({**good, **changes}.values())


def test_kernels_refuse_species_they_do_not_have() -> None:
    _, core = compiled()
    where = system(types=np.array([0, 2, 0], np.int32))
    with pytest.raises(ValueError, match="species index out of range"):
        _core.evaluate(core, where, 0, 1, "", False, *output())


@pytest.mark.parametrize(("begin", "end"), [(0, 2), (-8, 1), (1, 0)])
def test_kernels_refuse_windows_that_are_not_there(begin: int, end: int) -> None:
    _, core = compiled()
    with pytest.raises(ValueError, match="windows out of range"):
        _core.evaluate(core, system(), begin, end, "", False, *output())


@pytest.mark.parametrize(("begin", "end"), [(0, 4), (-8, 3), (2, 1)])
def test_forces_of_atoms_that_are_not_there_are_refused(begin: int, end: int) -> None:
    with pytest.raises(ValueError, match="atoms out of range"):
        _core.fold_forces(system(), begin, end, _core.empty_rows(4), np.zeros((3, 3)))


def test_kernels_refuse_output_of_wrong_size() -> None:
    model, core = compiled()
    where = system()
    p = model.n_parameters
    for wrong in (
        {"energies": np.zeros(2)},
        {"rows": _core.empty_rows(3)},
        {"virials": np.zeros((2, 6))},
    ):
        with pytest.raises(ValueError, match="of wrong size"):
            _core.evaluate(core, where, 0, 1, "", False, *output(**wrong))
    for rows, forces in ((3, 3), (4, 2)):
        with pytest.raises(ValueError, match="of wrong size"):
            _core.fold_forces(where, 0, 3, _core.empty_rows(rows), np.zeros((forces, 3)))
    for parts, virials in ((2, 1), (1, 2)):
        with pytest.raises(ValueError, match="of wrong size"):
            _core.fold_virials(where, np.zeros((parts, 6)), np.zeros((virials, 6)))
    for shape in ((2, p), (3, p - 1)):
        with pytest.raises(ValueError, match="of wrong size"):
            _core.site_gradients(core, where, 0, 1, "", np.zeros(shape))
    rows: list[Any] = [np.zeros((1, p)), np.zeros((3, 3, p)), np.zeros((1, 6, p))]
    for k in range(3):
        for wrong_rows in (rows[k][..., 1:].copy(), rows[k][1:].copy()):
            with pytest.raises(ValueError, match="of wrong size"):
                _core.jacobian(core, where, 0, 1, "", *rows[:k], wrong_rows, *rows[k + 1 :])
    directions: list[Any] = [np.zeros(1), np.zeros((3, 3)), np.zeros((1, 3, 3)), np.zeros(p)]
    for k in range(4):
        with pytest.raises(ValueError, match="of wrong size"):
            _core.directional_gradient(
                core, where, 0, 1, "", *directions[:k], directions[k][1:], *directions[k + 1 :]
            )


def test_kernels_refuse_rows_that_are_not_aligned() -> None:
    _, core = compiled()
    bytes_ = np.zeros(4 * 4 * 8 + 64, np.uint8)
    at = 8 - bytes_.ctypes.data % 8 + (0 if (bytes_.ctypes.data // 8 + 1) % 4 else 8)
    rows = bytes_[at : at + 128].view(float).reshape(4, 4)
    with pytest.raises(ValueError, match="must be aligned"):
        _core.evaluate(core, system(), 0, 1, "", False, *output(rows=rows))


def test_kernels_refuse_read_only_output() -> None:
    _, core = compiled()
    energies = np.zeros(3)
    energies.setflags(write=False)
    with pytest.raises(TypeError, match="incompatible function arguments"):
        _core.evaluate(core, system(), 0, 1, "", False, *output(energies=energies))
