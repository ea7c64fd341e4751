"""A potential of copper that crystals are stable with, learned from effective-medium theory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT

import maxvolt


def _labelled() -> list[Atoms]:
    generator = np.random.default_rng(3)
    found = []
    for number in range(20):
        atoms = bulk("Cu", cubic=True) * ((2, 1, 1) if number % 2 else (1, 1, 1))
        strain = np.eye(3) + 0.03 * generator.normal(size=(3, 3))
        atoms.set_cell(atoms.cell.array @ strain, scale_atoms=True)
        atoms.positions += 0.1 * generator.normal(size=atoms.positions.shape)
        atoms.calc = EMT()
        atoms.get_forces()
        atoms.get_stress()
        found.append(atoms)
    return found


@pytest.fixture(scope="session")
def potential() -> maxvolt.MTP:
    start = maxvolt.MTP(8, ["Cu"], cutoff=5.0, min_dist=1.9, radial_basis_size=6)
    result = maxvolt.fit(start, _labelled(), max_iterations=15, starts=1, threads=1)
    assert result.training_errors.total.force_components.rmse < 0.05
    assert isinstance(result.potential, maxvolt.MTP)
    return result.potential


@pytest.fixture(scope="session")
def potential_file(potential: maxvolt.MTP, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("copper") / "pot.mtp"
    potential.write(path)
    return path


@pytest.fixture
def crystal() -> Atoms:
    """Four atoms, slightly out of place in a cell that is a little too large."""
    atoms = bulk("Cu", a=3.62, cubic=True)
    atoms.positions += np.random.default_rng(1).normal(scale=0.03, size=(4, 3))
    return atoms
