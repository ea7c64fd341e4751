"""Structures with labels that the tests of readers and writers share."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from vasp_files import Step

from maxvolt.dataset import Dataset


def emt_atoms(seed: int) -> Atoms:
    """A strained, rattled Cu-Ni cell with EMT energy, forces and stress."""
    generator = np.random.default_rng(seed)
    atoms = bulk("Cu", cubic=True) * (1, 1, 2)
    atoms.symbols[4:] = "Ni"
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.05 * generator.normal(size=(3, 3))), True)
    atoms.rattle(0.1, seed=seed)
    atoms.calc = EMT()
    atoms.get_stress()
    return atoms


@pytest.fixture
def emt_structures() -> list[Atoms]:
    return [emt_atoms(seed) for seed in range(3)]


@pytest.fixture
def emt_dataset(emt_structures: list[Atoms]) -> Dataset:
    return Dataset.from_atoms(emt_structures)


@pytest.fixture
def steps(emt_structures: list[Atoms]) -> list[Step]:
    return [
        Step(atoms, atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress())
        for atoms in emt_structures
    ]
