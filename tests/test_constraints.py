"""Constraints of structures survive in datasets, and labels on fixed atoms stay what they are."""

from __future__ import annotations

import logging
import pickle

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import (
    FixAtoms,
    FixBondLengths,
    FixCartesian,
    FixedPlane,
    FixScaled,
)

from maxvolt.constraints import constraint_records, records_from_selective_flags
from maxvolt.dataset import CONSTRAINTS_KEY, Dataset
from maxvolt.errors import DataError

FORCES = np.arange(12.0).reshape(4, 3)


@pytest.fixture
def copper() -> Atoms:
    atoms = bulk("Cu", cubic=True)
    atoms.calc = SinglePointCalculator(atoms, energy=-1.0, forces=FORCES)
    return atoms


@pytest.mark.parametrize(
    "constraint",
    [
        FixAtoms([0, 2]),
        FixCartesian([1], [True, False, True]),
        FixScaled([1, 3], [False, False, True]),
        FixedPlane([0], [0, 0, 1]),
        FixBondLengths([[0, 1]]),
    ],
)
def test_constraints_survive_in_a_dataset(copper: Atoms, constraint: object) -> None:
    copper.set_constraint(constraint)
    dataset = Dataset.from_atoms([bulk("Al"), copper])
    dataset = pickle.loads(pickle.dumps(Dataset.concatenate([dataset, dataset]).select([3, 0])))
    back = dataset[0]
    assert [c.todict() for c in back.constraints] == [constraint.todict()]
    assert CONSTRAINTS_KEY not in back.info
    assert dataset[1].constraints == []


def test_forces_on_fixed_atoms_stay_labels(copper: Atoms) -> None:
    copper.set_constraint(FixAtoms([0, 1]))
    dataset = Dataset.from_atoms([copper])
    np.testing.assert_array_equal(dataset.forces, FORCES)
    np.testing.assert_array_equal(dataset[0].calc.results["forces"], FORCES)
    np.testing.assert_array_equal(Dataset.from_atoms(dataset.to_atoms()).forces, FORCES)


def test_constraints_on_single_atoms_become_one() -> None:
    """Readers of ASE make one for each atom, also where it fixes nothing."""
    atoms = bulk("Cu", cubic=True)
    free, fixed = [False, False, False], [True, False, False]
    atoms.set_constraint([FixCartesian(a, mask) for a, mask in enumerate([fixed, free, fixed])])
    assert constraint_records(atoms) == [
        {"name": "FixCartesian", "kwargs": {"a": [0, 2], "mask": fixed}}
    ]


def test_selective_flags() -> None:
    free = np.array([[1, 1, 1], [0, 0, 0], [1, 1, 0], [0, 0, 0]], bool)
    assert records_from_selective_flags(free) == [
        {"name": "FixAtoms", "kwargs": {"indices": [1, 3]}},
        {"name": "FixScaled", "kwargs": {"a": [2], "mask": [False, False, True]}},
    ]


def test_what_cannot_be_kept_is_named(copper: Atoms, caplog: pytest.LogCaptureFixture) -> None:
    class FixSymmetry:
        """As ASE's, which needs spglib: it refers to a whole structure."""

        def todict(self) -> dict[str, object]:
            return {"name": "FixSymmetry", "kwargs": {"atoms": bulk("Cu")}}

    copper.set_constraint([FixAtoms([0]), FixSymmetry()])
    with caplog.at_level(logging.WARNING):
        dataset = Dataset.from_atoms([copper])
    assert "FixSymmetry cannot be kept" in caplog.text
    assert [type(c) for c in dataset[0].constraints] == [FixAtoms]


def test_constraints_that_make_no_sense() -> None:
    infos = [{CONSTRAINTS_KEY: [{"name": "FixAtoms", "kwargs": {"indices": [4]}}]}]
    dataset = Dataset.from_arrays([0, 1], [29], [[0, 0, 0]], [np.eye(3)], [[1] * 3], infos=infos)
    with pytest.raises(DataError, match=r"FixAtoms names atom 4 .* of 1 atoms"):
        dataset.to_atoms()
    infos = [{CONSTRAINTS_KEY: [{"name": "Glue", "kwargs": {}}]}]
    dataset = Dataset.from_arrays([0, 1], [29], [[0, 0, 0]], [np.eye(3)], [[1] * 3], infos=infos)
    with pytest.raises(DataError, match="Glue.* is not one that ASE knows"):
        dataset.to_atoms()


def test_other_information_of_that_name_is_left_alone() -> None:
    atoms = bulk("Cu")
    atoms.info[CONSTRAINTS_KEY] = "none worth a word"
    assert Dataset.from_atoms([atoms])[0].info == {CONSTRAINTS_KEY: "none worth a word"}
