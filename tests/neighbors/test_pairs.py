"""Neighbour lists against ASE's, in all the cells that have ever broken a neighbour list."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, molecule
from ase.neighborlist import primitive_neighbor_list
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError, MaxvoltError
from maxvolt.neighbors import (
    NeighborList,
    build_neighbors,
    concatenate_neighbors,
    minimum_distances,
)

Pairs = list[tuple[int, int, int, int, int]]

ROTATION = Rotation.from_euler("zxz", [0.3, 1.1, -0.7]).as_matrix()
SKEWED = np.array([[4.0, 0.0, 0.0], [7.5, 4.2, 0.0], [-9.0, 6.1, 3.8]])


def own_pairs(found: NeighborList) -> Pairs:
    rows = np.column_stack(found.both_ways())
    return sorted(map(tuple, rows.tolist()))


def ase_pairs(positions: ArrayLike, cell: ArrayLike, pbc: ArrayLike, cutoff: float) -> Pairs:
    i, j, shifts = primitive_neighbor_list(
        "ijS", np.array(pbc), np.array(cell), np.array(positions), cutoff
    )
    return sorted(map(tuple, np.column_stack([i, j, shifts]).tolist()))


def assert_well_formed(found: NeighborList, n_atoms: int) -> None:
    assert found.n_atoms == n_atoms
    assert found.pairs.dtype == found.shifts.dtype == np.int32
    assert found.pairs.shape == (len(found.pairs), 2)
    assert found.shifts.shape == (len(found.pairs), 3)
    assert found.pairs.min(initial=0) >= 0
    assert found.pairs.max(initial=-1) < n_atoms
    owners = found.both_ways()[0]
    assert (np.diff(owners) >= 0).all()


def rattled(atoms: Atoms, seed: int = 0) -> Atoms:
    atoms.rattle(0.12, seed=seed)
    return atoms


def in_cell(cell: ArrayLike, n_atoms: int, pbc: ArrayLike = True, seed: int = 0) -> Atoms:
    fractions = np.random.default_rng(seed).uniform(size=(n_atoms, 3))
    return Atoms(f"Mo{n_atoms}", cell=cell, scaled_positions=fractions, pbc=pbc)


def outside(atoms: Atoms) -> Atoms:
    """Every atom moved to another image of the cell."""
    shifts = np.random.default_rng(5).integers(-3, 4, size=(len(atoms), 3)) * atoms.pbc
    atoms.positions += shifts @ atoms.cell.array
    return atoms


def translated(atoms: Atoms, by: ArrayLike) -> Atoms:
    atoms.positions += by
    return atoms


CASES = {
    "cubic": rattled(bulk("Cu", cubic=True) * (2, 2, 2)),
    "rotated": in_cell(np.diag([6.0, 7.0, 8.0]) @ ROTATION, 9),
    "left-handed": in_cell(np.diag([6.0, -7.0, 8.0]), 9),
    "one atom, smaller than the cutoff": bulk("Mo"),
    "two atoms, smaller than the cutoff": rattled(bulk("Ti")),
    "tiny": in_cell(np.eye(3) * 1.1, 1),
    "flat": in_cell(np.diag([12.0, 0.9, 7.0]), 4),
    "needle": in_cell(np.diag([0.8, 0.9, 30.0]), 4),
    "skewed": in_cell(SKEWED, 5),
    "skewed, two directions": in_cell(SKEWED, 5, [True, False, True]),
    "outside the cell": outside(in_cell(SKEWED, 5)),
    "outside the cell, slab": outside(in_cell(np.diag([5.0, 6.0, 7.0]), 6, [True, True, False])),
    "slab": rattled(fcc111("Al", (2, 2, 3))),
    "slab with vacuum": rattled(fcc111("Al", (2, 2, 3), vacuum=9.0)),
    "chain": in_cell(np.diag([3.0, 5.0, 5.0]), 3, [True, False, False]),
    "chain along z without other vectors": Atoms(
        "Mo2", [[0, 0, 0], [0.5, 0.2, 1.3]], cell=[0, 0, 2.7], pbc=[False, False, True]
    ),
    "molecule": molecule("CH3CH2OH"),
    "one atom without a cell": Atoms("Mo", [[1.0, 2.0, 3.0]]),
    "cluster far from the origin": translated(molecule("CH3CH2OH"), [4e4, -7e4, 1e5]),
    "crystal far from the origin": translated(in_cell(SKEWED, 5), [3e3, -5e3, 2e3]),
    "two molecules far apart": molecule("H2O") + translated(molecule("H2O"), [5e5, 0, -3e5]),
    "cell of non-periodic directions ignored": in_cell(np.eye(3), 6, False),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("cutoff", [2.9, 5.03])
def test_pairs_are_those_of_ase(name: str, cutoff: float) -> None:
    atoms = CASES[name]
    found = build_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, cutoff)
    assert_well_formed(found, len(atoms))
    assert own_pairs(found) == ase_pairs(atoms.positions, atoms.cell.array, atoms.pbc, cutoff)


@pytest.mark.parametrize("name", CASES)
def test_vectors_are_inside_the_cutoff_and_no_pair_comes_twice(name: str) -> None:
    atoms = CASES[name]
    found = build_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, 4.0)
    x = atoms.positions
    r = x[found.neighbors] + found.shifts @ atoms.cell.array - x[found.owners]
    assert (np.linalg.norm(r, axis=1) < 4.0).all()
    every = own_pairs(found)
    assert len(set(every)) == len(every) == 2 * len(found.pairs)
    assert sorted((j, i, -a, -b, -c) for i, j, a, b, c in every) == every


def test_number_of_neighbors_of_crystals() -> None:
    fcc = bulk("Cu", a=4.0)
    for cutoff, count in ((2.9, 12), (4.1, 18), (4.95, 42)):
        found = build_neighbors(fcc.positions, fcc.cell.array, fcc.pbc, cutoff)
        assert np.bincount(found.both_ways()[0]).tolist() == [count]


def test_duplicate_atoms_are_neighbors_of_each_other() -> None:
    x = np.array([[0.5, 0.5, 0.5], [0.5, 0.5, 0.5], [2.0, 0.5, 0.5]])
    found = build_neighbors(x, np.zeros((3, 3)), [False] * 3, 1.8)
    assert sorted(map(sorted, found.pairs.tolist())) == [[0, 1], [0, 2], [1, 2]]


def test_no_atoms_have_no_neighbors() -> None:
    for pbc in (False, True):
        found = build_neighbors(np.zeros((0, 3)), np.eye(3), [pbc] * 3, 5.0)
        assert_well_formed(found, 0)
        assert len(found.pairs) == 0


def test_no_neighbors_inside_the_cutoff() -> None:
    found = build_neighbors(np.diag([9.0, 9.0, 9.0]), np.eye(3) * 30, [True] * 3, 5.0)
    assert_well_formed(found, 3)
    assert len(found.pairs) == 0


@st.composite
def structures(draw: st.DrawFn) -> tuple[NDArray[np.float64], NDArray[np.float64], list[bool]]:
    numbers = st.floats(-1.0, 1.0, allow_subnormal=False)
    cell = np.array(draw(st.lists(numbers, min_size=9, max_size=9))).reshape(3, 3)
    cell = cell * 3.0 + np.diag([3.5, 3.8, 4.1])
    n_atoms = draw(st.integers(0, 6))
    fractions = draw(st.lists(numbers, min_size=3 * n_atoms, max_size=3 * n_atoms))
    pbc = draw(st.lists(st.booleans(), min_size=3, max_size=3))
    return 2.0 * np.array(fractions).reshape(-1, 3) @ cell, cell, pbc


@given(structures(), st.floats(0.7, 4.6))
@settings(deadline=None, max_examples=60)
def test_pairs_of_any_structure_are_those_of_ase(
    structure: tuple[NDArray[np.float64], NDArray[np.float64], list[bool]], cutoff: float
) -> None:
    positions, cell, pbc = structure
    if any(pbc) and abs(np.linalg.det(cell)) < 4.0:
        return  # ASE needs very many cells there
    found = build_neighbors(positions, cell, pbc, cutoff)
    assert_well_formed(found, len(positions))
    expected = ase_pairs(positions, cell, pbc, cutoff) if len(positions) else []
    differing = set(own_pairs(found)) ^ set(expected)
    for i, j, *shift in differing:  # only pairs at the cutoff itself may differ
        r = positions[j] + np.array(shift) @ cell - positions[i]
        assert np.linalg.norm(r) == pytest.approx(cutoff, rel=1e-12)


def sheet(seed: int) -> NDArray[np.float64]:
    generator = np.random.default_rng(seed)
    return generator.uniform(size=(4000, 3)) * [1000.0, 900.0, 1.0]


@pytest.mark.parametrize("thin", [0, 1, 2])
@pytest.mark.parametrize("periodic", [False, True])
def test_wide_and_thin_structures(thin: int, periodic: bool) -> None:
    # More cells than the search library allows, one of them across: it would divide by zero.
    x = np.roll(sheet(thin), thin - 2, axis=1)
    sides = np.roll([1000.0, 900.0, 4.5], thin - 2)
    found = build_neighbors(x, np.diag(sides), [periodic] * 3, 2.2)
    tree = KDTree(x, boxsize=sides if periodic else None)
    expected = sorted(tree.query_pairs(2.2))
    assert len(expected) > 30
    assert sorted((min(p), max(p)) for p in found.pairs.tolist()) == expected


@given(st.integers(0, 1000), st.lists(st.floats(0.0, 6.5), min_size=3, max_size=3))
@settings(deadline=None, max_examples=40)
def test_dimers_scattered_over_any_distance(seed: int, exponents: list[float]) -> None:
    generator = np.random.default_rng(seed)
    x = generator.uniform(size=(12, 3)) * 10 ** np.array(exponents)
    x = np.concatenate([x, x + generator.normal(size=(12, 3))])
    found = build_neighbors(x, np.zeros((3, 3)), [False] * 3, 2.5)
    distances = np.linalg.norm(x[None] - x[:, None], axis=2) + 9.0 * np.eye(24)
    expected = [(i, j, 0, 0, 0) for i, j in np.argwhere(distances < 2.5).tolist()]
    assert own_pairs(found) == sorted(expected)


# --------------------------------------------------------------------- refusals

X = np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_positions_that_are_not_finite_are_refused(value: float) -> None:
    x = X.copy()
    x[1, 2] = value
    with pytest.raises(DataError, match="position of atom 1 is not finite"):
        build_neighbors(x, np.eye(3) * 4, [True] * 3, 3.0)


def test_positions_that_are_no_lengths_are_refused() -> None:
    with pytest.raises(DataError, match=r"atom 0 lies at .* further out than"):
        build_neighbors(np.diag([1e100, 0, 0]), np.eye(3), [False] * 3, 3.0)


def test_cell_that_is_not_finite_is_refused_where_it_matters() -> None:
    cell = np.diag([4.0, 4.0, np.nan])
    with pytest.raises(DataError, match="cell is not finite"):
        build_neighbors(X, cell, [True] * 3, 3.0)
    found = build_neighbors(X, cell, [True, True, False], 3.0)
    assert own_pairs(found) == ase_pairs(X, np.diag([4.0, 4.0, 9.0]), [True, True, False], 3.0)


@pytest.mark.parametrize(
    ("cell", "pbc"),
    [
        (np.zeros((3, 3)), [True, True, True]),
        (np.zeros((3, 3)), [True, False, False]),
        ([[3, 0, 0], [0, 0, 0], [0, 0, 3]], [True, True, False]),
        ([[3, 0, 0], [6, 0, 0], [0, 0, 9]], [True, True, True]),
        ([[3, 0, 0], [6, 0, 0], [0, 0, 9]], [True, True, False]),
        ([[3, 0, 0], [0, 3, 0], [3, 3, 1e-9]], [True, True, True]),
        (np.eye(3) * 1e-300, [True, True, True]),
    ],
)
def test_dependent_lattice_vectors_are_refused(cell: ArrayLike, pbc: list[bool]) -> None:
    with pytest.raises(DataError, match="zero or linearly dependent"):
        build_neighbors(X, cell, pbc, 3.0)


@pytest.mark.parametrize(
    ("cell", "pbc"),
    [
        (np.eye(3) * 1e-3, [True, True, True]),
        (np.diag([1e-8, 5.0, 5.0]), [True, False, False]),
        ([[4, 0, 0], [4, 1e-5, 0], [0, 0, 4]], [True, True, True]),
    ],
)
def test_cells_too_small_to_be_cells_are_refused(cell: ArrayLike, pbc: list[bool]) -> None:
    with pytest.raises(DataError, match="check the units of the cell"):
        build_neighbors(X, cell, pbc, 3.0)


@pytest.mark.parametrize("cutoff", [0.0, -1.0, np.nan, np.inf])
def test_cutoff_that_is_no_distance_is_refused(cutoff: float) -> None:
    with pytest.raises(MaxvoltError, match="cutoff must be a positive"):
        build_neighbors(X, np.eye(3) * 4, [True] * 3, cutoff)


# --------------------------------------------------------------------- several structures


def test_concatenated_lists_index_all_atoms() -> None:
    atoms = [CASES["slab"], CASES["one atom without a cell"], CASES["skewed"]]
    lists = [build_neighbors(a.positions, a.cell.array, a.pbc, 3.3) for a in atoms]
    joined = concatenate_neighbors(lists)
    assert_well_formed(joined, sum(map(len, atoms)))
    expected: Pairs = []
    for before, one in zip((0, 12, 13), lists, strict=True):
        expected += [(i + before, j + before, a, b, c) for i, j, a, b, c in own_pairs(one)]
    assert own_pairs(joined) == sorted(expected)


def test_concatenating_nothing_gives_an_empty_list() -> None:
    assert_well_formed(concatenate_neighbors([]), 0)


def test_minimum_distances() -> None:
    oxide = Atoms("MgO", [[0, 0, 0], [2.1, 0, 0]])
    close = Atoms("OMg2", [[0, 0, 0], [1.7, 0, 0], [0, 3.0, 0]])
    crystal = bulk("Mg", "sc", a=2.6)
    alone = Atoms("O", [[0, 0, 0]])
    found = minimum_distances(Dataset.from_atoms([oxide, close, crystal, alone]))
    np.testing.assert_allclose(found.structures, [2.1, 1.7, 2.6, np.inf], rtol=1e-14)
    assert found.overall == pytest.approx(1.7)
    assert list(found.pairs) == [("O", "Mg"), ("Mg", "Mg")]
    assert found.pairs["O", "Mg"] == pytest.approx(1.7)
    assert found.pairs["Mg", "Mg"] == pytest.approx(2.6)
    with pytest.raises(TypeError):
        found.pairs["O", "O"] = 1.0  # type: ignore[index]


def test_minimum_distances_agree_with_ase() -> None:
    atoms = [CASES[name] for name in ("cubic", "slab", "molecule", "skewed", "outside the cell")]
    found = minimum_distances(Dataset.from_atoms(atoms))
    for one, shortest in zip(atoms, found.structures, strict=True):
        d = primitive_neighbor_list("d", one.pbc, one.cell.array, one.positions, 6.0)
        assert shortest == pytest.approx(d.min(), rel=1e-12)


def test_minimum_distances_beyond_the_search_radius_are_not_found() -> None:
    found = minimum_distances(
        Dataset.from_atoms([Atoms("Mo2", [[0, 0, 0], [0, 0, 3.0]])]), search_radius=2.5
    )
    assert found.overall == np.inf
    assert dict(found.pairs) == {}


def test_minimum_distances_of_coincident_atoms_are_zero() -> None:
    found = minimum_distances(Dataset.from_atoms([Atoms("Mo2", np.zeros((2, 3)))]))
    assert found.overall == 0.0


def test_minimum_distances_of_nothing() -> None:
    found = minimum_distances(Dataset.from_atoms([]))
    assert found.overall == np.inf
    assert found.structures.shape == (0,)


def test_refusals_name_the_structure() -> None:
    good = bulk("Mo")
    tiny = Atoms("Mo", [[0, 0, 0]], cell=np.eye(3) * 0.01, pbc=True)
    with pytest.raises(DataError, match="structure 1: the periodic images"):
        minimum_distances(Dataset.from_atoms([good, tiny]))
