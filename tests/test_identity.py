"""Which structures and datasets are the same, by one digest for all who ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from maxvolt.campaign.record.fingerprints import fingerprint
from maxvolt.campaign.steps.training_set import known, merged
from maxvolt.dataset import Dataset
from maxvolt.labelling.content import structure_hash


def labelled() -> Dataset:
    """Two structures with numbers that are the same on every machine."""
    return Dataset.from_arrays(
        offsets=[0, 2, 3],
        numbers=[29, 28, 13],
        positions=np.arange(9.0).reshape(3, 3) / 8,
        cells=np.array([4.0, 3.5])[:, None, None] * np.eye(3),
        pbc=np.array([[True, True, True], [True, True, False]]),
        energies=[-1.5, np.nan],
        forces=np.arange(9.0).reshape(3, 3) / 4,
        weights=[1.0, 2.0],
    )


def test_digests_are_those_of_label_databases() -> None:
    magnetic = bulk("Fe", cubic=True)
    magnetic.set_initial_magnetic_moments([2.0, -2.0])
    charged = bulk("NaCl", "rocksalt", a=5.6)
    charged.set_initial_charges([1.0, -1.0])
    structures = [*labelled(), magnetic, charged]
    digests = Dataset.from_atoms(structures).digests
    assert digests == tuple(structure_hash(atoms) for atoms in structures)
    assert len(set(digests)) == 4


def test_labels_and_digits_without_meaning_do_not_count() -> None:
    dataset = labelled()
    other = replace(
        dataset,
        positions=dataset.positions + 1e-12,
        energies=np.array([3.0, np.nan]),
        weights=np.ones(2),
        groups=("a", "b"),
    )
    assert other.digests == dataset.digests
    assert other.digest != dataset.digest
    assert known(other, dataset).all()
    assert len(merged(dataset, other)) == 2


CHANGES: dict[str, Callable[[Dataset], dict[str, Any]]] = {
    "numbers": lambda d: {"numbers": d.numbers + 1},
    "positions": lambda d: {"positions": d.positions + 1e-6},
    "cells": lambda d: {"cells": 1.001 * d.cells},
    "pbc": lambda d: {"pbc": ~d.pbc},
    "order": lambda d: {"positions": d.positions[[1, 0, 2]]},
}


@pytest.mark.parametrize("name", CHANGES)
def test_another_structure_has_another_digest(name: str) -> None:
    dataset = labelled()
    other = replace(dataset, **CHANGES[name](dataset))
    assert other.digests[0] != dataset.digests[0]
    assert other.digest != dataset.digest
    assert not known(other, dataset)[0]


def test_magnetic_moments_make_another_structure() -> None:
    one, other = bulk("Fe"), bulk("Fe")
    other.set_initial_magnetic_moments([2.0])
    structures = Dataset.from_atoms([one, other, one])
    np.testing.assert_array_equal(known(structures, Dataset.from_atoms([])), [False, False, True])


@pytest.mark.parametrize("name", ["energies", "forces", "stresses", "weights"])
def test_labels_and_weights_make_another_dataset(name: str) -> None:
    dataset = labelled()
    values = {
        "energies": {"energies": dataset.energies + 1},
        "forces": {"forces": dataset.forces + 1},
        "stresses": {
            "stresses": np.where([[True], [False]], np.ones(6), np.nan),
            "has_stress": np.array([True, False]),
        },
        "weights": {"weights": dataset.weights + 1},
    }
    other = replace(dataset, **values[name])
    assert other.digests == dataset.digests
    assert other.digest != dataset.digest
    bare = [b"".join(one.content(weights=False)) for one in (dataset, other)]
    assert (bare[0] == bare[1]) == (name == "weights")


def test_digests_stay_the_same_between_versions() -> None:
    """Old campaigns and checkpoints are gone on with only where these are what they were."""
    dataset = labelled()
    assert dataset.digest == "7da45923915670ca511fbda6ed1bc369"
    assert fingerprint(dataset, "step", 3) == "2094d72a4fb8e042"


def test_an_empty_dataset_has_a_digest() -> None:
    empty = Dataset.from_atoms([])
    assert empty.digests == ()
    assert empty.digest != Dataset.from_atoms([Atoms("H")]).digest
