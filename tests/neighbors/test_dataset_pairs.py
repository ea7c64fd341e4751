"""Neighbours of all structures of a dataset, against those of one after the other."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from test_pairs import CASES, Pairs, assert_well_formed, own_pairs, structures

from maxvolt.compiled import _core
from maxvolt.dataset import Dataset
from maxvolt.errors import DataError, MaxvoltError
from maxvolt.neighbors import build_neighbors, concatenate_neighbors, dataset_pairs


def one_by_one(dataset: Dataset, cutoff: float) -> Pairs:
    lists = [
        build_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, cutoff) for atoms in dataset
    ]
    return own_pairs(concatenate_neighbors(lists))


@pytest.fixture(params=["core", "vesin"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to search, for the same structures."""
    if request.param == "vesin":  # a negative number leaves all structures out
        monkeypatch.setattr(dataset_pairs, "MOST_IN_VAIN", -1e9)
    return str(request.param)


@pytest.mark.parametrize("cutoff", [0.5, 2.9, 5.03])
def test_pairs_are_those_of_one_structure_after_the_other(way: str, cutoff: float) -> None:
    dataset = Dataset.from_atoms(CASES.values())
    found = dataset_pairs.dataset_pairs(dataset, cutoff)
    assert_well_formed(found, dataset.n_atoms)
    assert own_pairs(found) == one_by_one(dataset, cutoff)


@given(st.lists(structures().filter(lambda s: len(s[0]) > 0), max_size=5), st.floats(0.7, 4.6))
@settings(deadline=None, max_examples=60)
def test_pairs_of_any_structures(
    several: list[tuple[NDArray[np.float64], NDArray[np.float64], list[bool]]], cutoff: float
) -> None:
    # Cells whose lattice vectors nearly depend on each other are refused or need many images.
    several = [s for s in several if not any(s[2]) or abs(np.linalg.det(s[1])) > 4.0]
    dataset = Dataset.from_atoms(
        Atoms(f"Mo{len(x)}", positions=x, cell=cell, pbc=pbc) for x, cell, pbc in several
    )
    found = dataset_pairs.dataset_pairs(dataset, cutoff)
    assert_well_formed(found, dataset.n_atoms)
    cells = dataset.cells[dataset.structure_of_atom]
    # Only pairs at the cutoff itself may differ.
    for i, j, *shift in set(own_pairs(found)) ^ set(one_by_one(dataset, cutoff)):
        r = dataset.positions[j] + np.array(shift) @ cells[i] - dataset.positions[i]
        assert np.linalg.norm(r) == pytest.approx(cutoff, rel=1e-12)


def test_structures_of_any_size_are_searched_by_the_core() -> None:
    small, large = bulk("Cu"), bulk("Cu", cubic=True) * (6, 6, 6)
    large.rattle(0.1, seed=1)
    large.positions += [30.0, -50.0, 70.0]
    dataset = Dataset.from_atoms([small, large, small])
    found = dataset_pairs.dataset_pairs(dataset, 5.0)
    assert found.found is not None
    assert own_pairs(found) == one_by_one(dataset, 5.0)


def test_crowds_far_apart_are_left_to_vesin() -> None:
    x = np.random.default_rng(0).uniform(0.0, 30.0, size=(8000, 3))
    x[4000:] += 1e6
    crowds = Atoms("Cu8000", x)
    dataset = Dataset.from_atoms([bulk("Cu"), crowds])
    found = dataset_pairs.dataset_pairs(dataset, 3.0)
    assert found.found is None
    assert own_pairs(found) == one_by_one(dataset, 3.0)
    alone = dataset_pairs.structure_pairs(x, crowds.cell.array, crowds.pbc, 3.0)
    assert alone.found is None
    assert own_pairs(alone) == own_pairs(build_neighbors(x, crowds.cell.array, crowds.pbc, 3.0))


def test_lists_are_copied_and_pickled_as_they_were_found() -> None:
    dataset = Dataset.from_atoms([bulk("Cu"), bulk("Cu", cubic=True)])
    found = dataset_pairs.dataset_pairs(dataset, 4.0)
    copied = pickle.loads(pickle.dumps(found))
    assert copied.n_atoms == found.n_atoms
    assert copied.found is not None
    np.testing.assert_array_equal(copied.pairs, found.pairs)
    np.testing.assert_array_equal(copied.shifts, found.shifts)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("images", [[1, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0]], "out of range"),
        ("images", [[0, 0, 0, 0], [1, 0, 0, 0], [2, 1, 0, 0]], "out of range"),
        ("images", [[0, 0, 0, 0], [1, 0, 0, 0], [0, 1 << 30, 0, 0]], "out of range"),
        ("images", [[0, 0, 0, 0]], "another number"),
        ("first", [0, 2, 1], "another number"),
        ("first", [0, 3, 2], "out of range"),
        ("first", [0, 2], "one entry per atom"),
        ("neighbors", [1, 3], "neighbour index"),
        ("neighbors", [-1, 0], "neighbour index"),
        ("structures", [0, 1], "one structure"),
        ("structures", [1, 0], "out of range"),
        ("inside", [[0.0, 0.0, 0.0]], "one entry per atom"),
    ],
)
def test_found_neighbours_that_cannot_be_are_refused(
    name: str, values: list[Any], message: str
) -> None:
    arrays: dict[str, NDArray[Any]] = {
        "images": np.array([[0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0]], np.int32),
        "first": np.array([0, 1, 2], np.int64),
        "neighbors": np.array([1, 2], np.int32),
        "structures": np.zeros(2, np.int32),
        "inside": np.zeros((2, 3)),
    }
    assert _core.FoundNeighbors(**arrays).pairs()[0].tolist() == [[0, 1]]
    arrays[name] = np.array(values, arrays[name].dtype)
    with pytest.raises(ValueError, match=message):
        _core.FoundNeighbors(**arrays)


@pytest.mark.parametrize("name", CASES)
def test_pairs_of_one_structure_are_those_of_vesin(name: str) -> None:
    atoms = CASES[name]
    geometry = atoms.positions, atoms.cell.array, atoms.pbc
    found, expected = dataset_pairs.structure_pairs(*geometry, 4.1), build_neighbors(*geometry, 4.1)
    assert_well_formed(found, len(atoms))
    assert own_pairs(found) == own_pairs(expected)


def test_what_cannot_be_searched_is_refused_with_its_number(way: str) -> None:
    dataset = Dataset.from_atoms([bulk("Cu"), Atoms("Cu", cell=np.eye(3) * 0.09, pbc=True)])
    with pytest.raises(DataError, match=r"structure 8: .*check the units of the cell"):
        dataset_pairs.dataset_pairs(dataset, 1.0, first_structure=7)


def test_positions_out_of_range_are_refused(way: str) -> None:
    far = Atoms("Cu2", [[0, 0, 0], [1e8, 0, 0]])
    with pytest.raises(DataError, match=r"structure 1: atom 1 lies at .* further out than"):
        dataset_pairs.dataset_pairs(Dataset.from_atoms([bulk("Cu"), far]), 3.0)


def test_nothing_has_no_neighbours_and_a_cutoff_must_be_a_distance() -> None:
    assert_well_formed(dataset_pairs.dataset_pairs(Dataset.from_atoms([]), 3.0), 0)
    with pytest.raises(MaxvoltError, match="cutoff must be a positive"):
        dataset_pairs.dataset_pairs(Dataset.from_atoms([]), -1.0)


def test_the_core_refuses_arrays_that_do_not_fit() -> None:
    x, cells, pbc = np.zeros((2, 3)), np.eye(3)[None] * 4, np.ones((1, 3), bool)
    for offsets, message in (
        ([0, 1, 2], "another number"),
        ([0, 3], "out of range"),
        ([1, 2], "out of range"),
    ):
        with pytest.raises(ValueError, match=message):
            _core.search_neighbors(np.array(offsets), x, cells, pbc, 3.0, 1e5)
    with pytest.raises(ValueError, match="must not decrease"):
        _core.search_neighbors(np.array([2, 0]), x, cells, pbc, 3.0, 1e5)
    with pytest.raises(ValueError, match="cutoff must be"):
        _core.search_neighbors(np.array([0, 2]), x, cells, pbc, np.nan, 1e5)
