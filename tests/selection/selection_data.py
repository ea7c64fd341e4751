"""Potentials and structures for the tests of selections."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.build import bulk

from maxvolt.dataset import Dataset
from maxvolt.potentials import MTP
from maxvolt.potentials.mtp.rescaling import rescaled


def potential(level: int = 6, species: tuple[str, ...] = ("Mo", "W"), *, seed: int = 0) -> MTP:
    """Random coefficients, of the size that fits have."""
    untrained = MTP(level, species, 4.5, 1.9, 4)
    generator = np.random.default_rng([seed, level])
    model = untrained.model
    return rescaled(
        untrained.with_coefficients(
            0.2 * generator.normal(size=model.radial_coeffs.shape),
            generator.normal(size=model.species_coeffs.shape),
            0.2 * generator.normal(size=model.moment_coeffs.shape),
            scaling=0.8,
        )
    )


def alloy(seed: int, *, spread: float = 0.1) -> Atoms:
    """One to four atoms of a strained, rattled bcc alloy, species at random."""
    generator = np.random.default_rng(seed)
    atoms = bulk("Mo", "bcc", a=3.15, cubic=True) * (int(generator.integers(1, 3)), 1, 1)
    del atoms[int(generator.integers(1, len(atoms))) :]
    atoms.symbols[generator.random(len(atoms)) < 0.5] = "W"
    strain = np.eye(3) + spread * generator.normal(size=(3, 3)) / 3
    atoms.set_cell(atoms.cell.array @ strain, scale_atoms=True)
    atoms.positions += spread * generator.normal(size=(len(atoms), 3))
    return atoms


def alloys(count: int, *, first: int = 0, spread: float = 0.1) -> Dataset:
    """Many of them."""
    return Dataset.from_atoms([alloy(first + k, spread=spread) for k in range(count)])
