"""Random potentials and structures that attacks evaluate."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT

from maxvolt import MTP
from maxvolt.dataset import Dataset

__all__ = ["SPECIES", "labelled_aluminium", "random_potential", "random_structure"]

SPECIES = ("Mo", "W")


@lru_cache(maxsize=16)
def random_potential(seed: int, level: int = 6, cutoff: float = 4.5) -> MTP:
    """Trained potential of two species with random coefficients, energies of some eV."""
    random = np.random.default_rng(seed)
    start = MTP(level, SPECIES, cutoff, 1.5, 4)
    model = start.model
    return start.with_coefficients(
        0.3 * random.normal(size=model.radial_coeffs.shape),
        random.normal(size=model.species_coeffs.shape),
        0.1 * random.normal(size=model.moment_coeffs.shape),
    )


def random_structure(random: np.random.Generator, atoms: int, spacing: float = 2.8) -> Atoms:
    """Atoms near the points of a grid in a periodic, slightly skewed cell."""
    counts = np.ceil(np.cbrt(atoms) * np.exp(0.3 * random.normal(size=3))).astype(int)
    counts = np.maximum(counts, 1)
    points = np.stack(np.meshgrid(*map(np.arange, counts), indexing="ij"), axis=-1).reshape(-1, 3)
    cell = spacing * np.diag(counts) @ (np.eye(3) + 0.05 * random.normal(size=(3, 3)))
    fractions = points / counts
    order = random.permutation(len(points))[: max(1, atoms)]
    result = Atoms(
        random.choice(SPECIES, size=len(order)),
        scaled_positions=fractions[order],
        cell=cell,
        pbc=True,
    )
    result.positions += 0.15 * random.normal(size=result.positions.shape)
    return result


def labelled_aluminium(n: int, seed: int = 0) -> Dataset:
    """Disturbed crystals with energies, forces and stresses of EMT."""
    random = np.random.default_rng(seed)
    structures = []
    for _ in range(n):
        atoms = bulk("Al", cubic=True)
        atoms.positions += random.normal(0, 0.1, atoms.positions.shape)
        atoms.calc = EMT()
        atoms.get_potential_energy()
        atoms.get_stress()
        structures.append(atoms)
    return Dataset.from_atoms(structures)
