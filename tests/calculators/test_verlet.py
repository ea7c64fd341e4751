import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maxvolt.calculators.verlet import VerletNeighbors
from maxvolt.errors import DataError
from maxvolt.neighbors import build_neighbors

CUTOFF, SKIN = 3.0, 0.6
PERIODIC = np.array([True, True, True])


def pairs_inside(neighbors, positions, cell, pbc, cutoff):
    """Set of (i, j, shift) closer than the cutoff for these positions."""
    owners, others, shifts = neighbors.both_ways()
    box = np.where(pbc[:, None], cell, 0.0)
    vectors = positions[others] + shifts @ box - positions[owners]
    near = np.linalg.norm(vectors, axis=1) < cutoff
    columns = np.column_stack([owners, others, shifts])[near]
    return {tuple(row) for row in columns.tolist()}


@pytest.fixture
def crystal():
    random = np.random.default_rng(5)
    cell = np.array([[4.0, 0.3, 0.0], [-0.5, 4.4, 0.2], [0.1, 0.4, 3.9]])
    return random.uniform(size=(6, 3)) @ cell, cell


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    pbc=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    size=st.floats(2.0, 6.0),
    step=st.floats(0.0, 0.25),
    strain=st.floats(0.0, 0.05),
)
def test_no_pair_is_ever_missed(seed, pbc, size, step, strain):
    """Random walks of atoms and cell, with wraps into the cell: complete at each step."""
    random = np.random.default_rng(seed)
    periodic = np.array(pbc)
    cell = size * (np.eye(3) + random.uniform(-0.3, 0.3, size=(3, 3)))
    positions = random.uniform(-0.5, 1.5, size=(5, 3)) @ cell
    verlet = VerletNeighbors(CUTOFF, SKIN)
    for turn in range(12):
        found = verlet.update(positions, cell, periodic)
        fresh = build_neighbors(positions, cell, periodic, CUTOFF)
        needed = pairs_inside(fresh, positions, cell, periodic, CUTOFF)
        assert pairs_inside(found, positions, cell, periodic, CUTOFF) == needed
        deformation = np.eye(3) + strain * random.uniform(-1, 1, size=(3, 3))
        cell = cell @ deformation
        positions = positions @ deformation + step * random.normal(size=positions.shape)
        if turn == 6:
            fractional = np.linalg.solve(cell.T, positions.T).T
            positions = (fractional - np.where(periodic, np.floor(fractional), 0.0)) @ cell


def test_first_call_builds_and_the_same_structure_does_not(crystal):
    positions, cell = crystal
    verlet = VerletNeighbors(CUTOFF, SKIN)
    first = verlet.update(positions, cell, PERIODIC)
    assert verlet.update(positions, cell, PERIODIC) is first
    assert verlet.n_builds == 1


def opposite_moves(positions, distance):
    """Two atoms moved along x, one to and one fro, so that the mean stays."""
    moved = positions.copy()
    moved[0, 0] += distance
    moved[1, 0] -= distance
    return moved


@pytest.mark.parametrize(("share_of_skin", "builds"), [(0.49, 1), (0.51, 2)])
def test_fixed_cell_is_rebuilt_when_an_atom_moved_half_the_skin(crystal, share_of_skin, builds):
    positions, cell = crystal
    verlet = VerletNeighbors(CUTOFF, SKIN)
    verlet.update(positions, cell, PERIODIC)
    verlet.update(opposite_moves(positions, share_of_skin * SKIN), cell, PERIODIC)
    assert verlet.n_builds == builds


def test_moves_add_up_since_the_last_build(crystal):
    positions, cell = crystal
    verlet = VerletNeighbors(CUTOFF, SKIN)
    for step in range(1, 11):
        verlet.update(opposite_moves(positions, 0.1 * step * SKIN), cell, PERIODIC)
    # Built at 0.1; 0.7 is 0.6 away from it; nothing more until 1.0.
    assert verlet.n_builds == 2


def test_drift_of_all_atoms_needs_no_rebuild(crystal):
    positions, cell = crystal
    verlet = VerletNeighbors(CUTOFF, SKIN)
    for step in range(20):
        verlet.update(positions + step * np.array([0.3, -0.2, 0.5]), cell, PERIODIC)
    assert verlet.n_builds == 1


@pytest.mark.parametrize(
    ("stretch", "builds"),
    # The list reaches 3.6; pairs at its edge come to the cutoff at a stretch of 3 / 3.6.
    [(1.3, 1), (0.98, 1), (0.84, 1), (0.83, 2)],
)
def test_homogeneous_strain_is_rebuilt_only_when_pairs_can_come_in(crystal, stretch, builds):
    positions, cell = crystal
    verlet = VerletNeighbors(CUTOFF, SKIN)
    verlet.update(positions, cell, PERIODIC)
    verlet.update(stretch * positions, stretch * cell, PERIODIC)
    assert verlet.n_builds == builds


def test_compression_and_moves_share_the_skin(crystal):
    positions, cell = crystal
    verlet = VerletNeighbors(CUTOFF, SKIN)
    verlet.update(positions, cell, PERIODIC)
    # Compressed by 6 %, the skin left is 0.94 * 3.6 - 3 = 0.384, so half of it 0.192.
    verlet.update(opposite_moves(0.94 * positions, 0.19), 0.94 * cell, PERIODIC)
    assert verlet.n_builds == 1
    verlet.update(opposite_moves(0.94 * positions, 0.20), 0.94 * cell, PERIODIC)
    assert verlet.n_builds == 2


@pytest.mark.parametrize("change", ["pbc", "atoms"])
def test_other_periodicity_or_number_of_atoms_is_another_structure(crystal, change):
    positions, cell = crystal
    verlet = VerletNeighbors(CUTOFF, SKIN)
    verlet.update(positions, cell, PERIODIC)
    if change == "pbc":
        found = verlet.update(positions, cell, np.array([True, True, False]))
        assert (found.shifts[:, 2] == 0).all()
    else:
        found = verlet.update(positions[:-1], cell, PERIODIC)
        assert found.n_atoms == len(positions) - 1
    assert verlet.n_builds == 2


def test_cell_of_a_cluster_does_not_matter(crystal):
    positions, cell = crystal
    verlet = VerletNeighbors(CUTOFF, SKIN)
    free = np.array([False, False, False])
    verlet.update(positions, cell, free)
    verlet.update(positions, np.zeros((3, 3)), free)
    assert verlet.n_builds == 1


def test_without_skin_each_change_builds(crystal):
    positions, cell = crystal
    verlet = VerletNeighbors(CUTOFF, 0.0)
    verlet.update(positions, cell, PERIODIC)
    verlet.update(positions, cell, PERIODIC)
    assert verlet.n_builds == 1
    verlet.update(positions + 1e-9, cell, PERIODIC)
    assert verlet.n_builds == 2


def test_arrays_changed_in_place_by_the_caller_are_noticed(crystal):
    positions, cell = crystal
    verlet = VerletNeighbors(CUTOFF, SKIN)
    verlet.update(positions, cell, PERIODIC)
    positions[0] += 5.0
    verlet.update(positions, cell, PERIODIC)
    assert verlet.n_builds == 2


@pytest.mark.parametrize(("factor_of_positions", "factor_of_cell"), [(np.nan, 1.0), (1.0, np.nan)])
def test_failed_build_leaves_no_list_behind(crystal, factor_of_positions, factor_of_cell):
    positions, cell = crystal
    verlet = VerletNeighbors(CUTOFF, SKIN)
    verlet.update(positions, cell, PERIODIC)
    with pytest.raises(DataError, match="not finite"):
        verlet.update(positions * factor_of_positions, cell * factor_of_cell, PERIODIC)
    verlet.update(positions, cell, PERIODIC)
    assert verlet.n_builds == 2


@pytest.mark.parametrize(
    ("cutoff", "skin", "message"),
    [(0.0, 0.5, "cutoff must be"), (np.nan, 0.5, "cutoff must be"), (5.0, -0.1, "skin must be")],
)
def test_lengths_must_make_sense(cutoff, skin, message):
    with pytest.raises(DataError, match=message):
        VerletNeighbors(cutoff, skin)
