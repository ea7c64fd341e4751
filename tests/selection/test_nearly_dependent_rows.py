"""Rows of one molecule: nearly dependent, and fewer than parameters."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.build import molecule

from maxvolt.dataset import Dataset
from maxvolt.potentials import MTP
from maxvolt.selection import ActiveSet


def vibrating(count: int) -> Dataset:
    """Ethanol, its atoms displaced by some 0.03 A."""
    generator = np.random.default_rng(4)
    found: list[Atoms] = []
    for _ in range(count):
        atoms = molecule("CH3CH2OH")
        atoms.positions += 0.03 * generator.normal(size=(9, 3))
        found.append(atoms)
    return Dataset.from_atoms(found)


def test_grades_of_one_molecule_are_right() -> None:
    """The inverse is one, and no grade of the structures selected from exceeds the threshold."""
    data = vibrating(60)
    untrained = MTP(8, data.species, 5.0, 0.9, 8)
    model, rng = untrained.model, np.random.default_rng(0)
    potential = untrained.with_coefficients(
        0.3 * rng.normal(size=model.radial_coeffs.shape),
        rng.normal(size=model.species_coeffs.shape),
        rng.normal(size=model.moment_coeffs.shape),
    )
    active = ActiveSet.from_dataset(potential, data, mode="neighborhood", threads=1)
    assert active.rank < potential.n_parameters
    assert active.site_grades(data, threads=1).max() <= 1.002
    right = active.matrix @ active.inverse - np.eye(len(active.matrix))
    assert np.abs(right).max() < 1e-4
