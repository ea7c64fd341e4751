"""Structures that a campaign file describes."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

import maxvolt
from maxvolt.campaign.settings.structure_sections import StructureSection
from maxvolt.campaign.steps.structures import Structures
from maxvolt.dataset import Dataset
from maxvolt.neighbors import minimum_distances

RANDOM = """
random = { composition = { Al = 1 }, atoms = [2, 4], volume = [15, 20], count = 5 }
"""
CHANGED = """
crystal = "fcc"
species = "Al"
repeat = [2, 2, 2]
changes = { vacancies = 1, rattle = 0.05, copies = 3 }
"""
FILE = """
file = "two.xyz"
index = "1"
repeat = [1, 1, 2]
"""


def made(text: str, root: Path = Path(), seed: int = 0) -> Dataset:
    section = StructureSection.model_validate(tomllib.loads(text), strict=False)
    return Structures({"it": section}, root, ("Al",), seed).named("it")


def test_random_ones_keep_their_distance() -> None:
    found = made(RANDOM)
    assert len(found) == 5
    assert set(found.counts.tolist()) <= {2, 3, 4}
    assert minimum_distances(found, search_radius=4.0).overall > 1.8
    np.testing.assert_array_equal(made(RANDOM).positions, found.positions)
    assert not np.array_equal(made(RANDOM, seed=1).cells, found.cells)


def test_changed_copies() -> None:
    found = made(CHANGED)
    assert found.counts.tolist() == [31, 31, 31]
    assert not np.array_equal(found[0].positions, found[1].positions)


def test_each_is_made_once() -> None:
    section = StructureSection.model_validate(tomllib.loads(RANDOM), strict=False)
    structures = Structures({"it": section}, Path(), ("Al",), 0)
    assert structures.named("it") is structures.named("it")


def test_a_file_gives_structures_without_labels(tmp_path: Path) -> None:
    crystals = [bulk("Al", cubic=True), bulk("Al", cubic=True) * (2, 1, 1)]
    for atoms in crystals:
        atoms.calc = EMT()
        atoms.get_potential_energy()
    maxvolt.write(tmp_path / "two.xyz", Dataset.from_atoms(crystals))
    found = made(FILE, tmp_path)
    assert found.counts.tolist() == [16]
    assert not made(FILE.replace("[1, 1, 2]", "[1, 1, 1]"), tmp_path).has_energy.any()


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(maxvolt.MaxvoltError, match="do not fit"):
        made(RANDOM.replace("[15, 20]", "[2, 3]"))
