from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maxvolt.compiled import _core
from maxvolt.errors import DataError
from maxvolt.neighbors import build_neighbors
from maxvolt.neighbors.verlet import VerletNeighbors
from maxvolt.potentials.mtp.binding.windows import windows_of

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
    skin=st.sampled_from([SKIN, None]),
)
def test_no_pair_is_ever_missed(seed, pbc, size, step, strain, skin):
    """Random walks of atoms and cell, with wraps into the cell: complete at each step."""
    random = np.random.default_rng(seed)
    periodic = np.array(pbc)
    cell = size * (np.eye(3) + random.uniform(-0.3, 0.3, size=(3, 3)))
    positions = random.uniform(-0.5, 1.5, size=(5, 3)) @ cell
    verlet = VerletNeighbors(CUTOFF, skin)
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


@pytest.mark.parametrize(("share_of_skin", "builds"), [(0.95, 1), (1.3, 2)])
def test_one_atom_may_use_the_skin_alone(share_of_skin, builds):
    random = np.random.default_rng(1)
    cell = 9.0 * np.eye(3)
    positions = random.uniform(size=(200, 3)) @ cell
    verlet = VerletNeighbors(CUTOFF, SKIN)
    verlet.update(positions, cell, PERIODIC)
    moved = positions.copy()
    moved[7, 2] += share_of_skin * SKIN
    verlet.update(moved, cell, PERIODIC)
    assert verlet.n_builds == builds


@pytest.mark.parametrize("n", [1, 2, 3, 50])
def test_largest_displacements_are_those_of_numpy(n):
    random = np.random.default_rng(n)
    old, deformation = random.normal(size=(n, 3)), np.eye(3) + 0.1 * random.normal(size=(3, 3))
    for f in (deformation, np.eye(3)):
        now = old @ f + random.normal(size=(n, 3)) + [3.0, -1.0, 2.0]
        moved = now - old @ f
        lengths = np.sort(np.linalg.norm(moved - moved.mean(axis=0), axis=1))
        first, second = _core.largest_displacements(now, old, f)
        assert first == pytest.approx(lengths[-1], abs=1e-14)
        assert second == pytest.approx(lengths[-2] if n > 1 else 0.0, abs=1e-14)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_displacements_to_nowhere_are_infinite(value):
    now = np.zeros((3, 3))
    now[1, 2] = value
    assert _core.largest_displacements(now, np.zeros((3, 3)), np.eye(3)) == (np.inf, np.inf)


@pytest.mark.parametrize("n", [0, 2])
def test_displacements_of_other_atoms_are_refused(n):
    with pytest.raises(ValueError, match="another number of atoms"):
        _core.largest_displacements(np.zeros((n, 3)), np.zeros((n // 2, 3)), np.eye(3))


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


# --------------------------------------------------------------------- a skin that adapts


def walk(verlet, positions, cell, step, calls):
    """Opposite moves of two atoms that go on and on."""
    for k in range(1, calls + 1):
        verlet.update(opposite_moves(positions, k * step), cell, PERIODIC)


def test_skin_grows_while_atoms_keep_moving(crystal):
    """A longer one only while it serves longer than building it takes longer."""
    positions, cell = crystal
    verlet = VerletNeighbors(CUTOFF)
    verlet.update(positions, cell, PERIODIC)
    skins = [verlet.skin]
    for k in range(1, 200):
        verlet.update(opposite_moves(positions, 0.05 * k), cell, PERIODIC)
        skins.append(verlet.skin)
    tried = [skins[0], *(new for old, new in pairwise(skins) if new != old)]
    assert tried == pytest.approx([0.4, 1.0, 1.6, 0.6 * CUTOFF, 1.6])
    # With the first skin the list would have been built each four calls.
    assert verlet.n_builds < 20


def test_longest_skin_stays_where_atoms_come_back(crystal):
    positions, cell = crystal
    verlet = VerletNeighbors(CUTOFF)
    for k in range(300):
        verlet.update(opposite_moves(positions, 0.85 * np.sin(0.1 * k)), cell, PERIODIC)
    assert verlet.skin == pytest.approx(0.6 * CUTOFF)
    builds = verlet.n_builds
    for k in range(300, 600):
        verlet.update(opposite_moves(positions, 0.85 * np.sin(0.1 * k)), cell, PERIODIC)
    assert verlet.n_builds <= builds + 1


def test_skin_stays_where_lists_last(crystal):
    positions, cell = crystal
    verlet = VerletNeighbors(CUTOFF)
    walk(verlet, positions, cell, 2e-4, 1500)
    assert verlet.n_builds == 2
    assert verlet.skin == VerletNeighbors(CUTOFF).skin


def test_skin_of_another_structure_is_short_again(crystal):
    positions, cell = crystal
    verlet = VerletNeighbors(CUTOFF)
    first = verlet.skin
    walk(verlet, positions, cell, 0.05, 40)
    assert verlet.skin > first
    jumped = np.random.default_rng(8).uniform(size=positions.shape) @ cell
    verlet.update(jumped, cell, PERIODIC)
    assert verlet.skin == first
    walk(verlet, positions, cell, 0.05, 40)
    verlet.update(positions[:-1], cell, PERIODIC)
    assert verlet.skin == first


def test_the_same_trajectory_is_given_the_same_lists(crystal):
    positions, cell = crystal
    built = []
    for _ in range(2):
        verlet = VerletNeighbors(CUTOFF)
        walk(verlet, positions, cell, 0.07, 60)
        built.append((verlet.n_builds, verlet.skin))
    assert built[0] == built[1]


def test_given_skin_stays(crystal):
    positions, cell = crystal
    verlet = VerletNeighbors(CUTOFF, SKIN)
    walk(verlet, positions, cell, 0.3, 20)
    assert verlet.skin == SKIN


def test_windows_are_kept_with_the_list(crystal):
    positions, cell = crystal
    verlet = VerletNeighbors(CUTOFF, SKIN)
    types = np.zeros(6, np.int32)
    first = verlet.neighborhoods(positions, cell, PERIODIC, types)
    again = verlet.neighborhoods(positions + 0.01, cell, PERIODIC, types)
    assert windows_of(again) is windows_of(first)
    np.testing.assert_array_equal(again.positions, positions + 0.01)
    moved = opposite_moves(positions, SKIN)
    assert windows_of(verlet.neighborhoods(moved, cell, PERIODIC, types)) is not windows_of(first)


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
