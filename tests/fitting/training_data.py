"""Labelled structures for tests of fitting: made by a known potential, or by EMT."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT

from maxvolt.dataset import Dataset
from maxvolt.potentials import MTP


def known_potential(
    level: int, species: Sequence[str], *, size: int = 4, seed: int = 0, cutoff: float = 4.5
) -> MTP:
    """Random coefficients, energies of an eV or so."""
    untrained = MTP(level, species, cutoff, 2.0, size)
    model = untrained.model
    generator = np.random.default_rng([seed, level, len(species)])
    return untrained.with_coefficients(
        0.03 * generator.normal(size=model.radial_coeffs.shape),
        generator.normal(size=model.species_coeffs.shape),
        0.5 * generator.normal(size=model.moment_coeffs.shape),
    )


def crystals(species: Sequence[str], count: int, *, seed: int = 0, repeat: int = 2) -> list[Atoms]:
    """Strained and rattled body-centred crystals, species drawn at random."""
    generator = np.random.default_rng([seed, len(species)])
    found = []
    for k in range(count):
        atoms = bulk("Mo", "bcc", a=3.1 + 0.04 * (k % 6), cubic=True) * (repeat, 1, 1)
        strain = 0.04 * generator.normal(size=(3, 3))
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.5 * (strain + strain.T)), True)
        atoms.positions += 0.12 * generator.normal(size=(len(atoms), 3))
        atoms.symbols = generator.choice(list(species), size=len(atoms))
        found.append(atoms)
    return found


def labelled(potential: MTP, structures: Sequence[Atoms]) -> Dataset:
    """Structures with the energies, forces and stresses of a potential."""
    dataset = Dataset.from_atoms(structures)
    predicted = potential.evaluate_dataset(dataset, threads=1)
    return relabelled(
        dataset,
        energies=predicted.energies,
        forces=predicted.forces,
        stresses=predicted.stresses,
    )


def relabelled(dataset: Dataset, **changes: object) -> Dataset:
    """The same structures with other labels, weights or positions; None for no labels."""
    names = ("offsets", "numbers", "positions", "cells", "pbc", "energies", "forces", "stresses")
    values = {name: getattr(dataset, name) for name in (*names, "weights", "groups", "infos")}
    return Dataset.from_arrays(**{**values, **changes})


def emt_dataset(species: Sequence[str], count: int, *, seed: int = 0) -> Dataset:
    """Rattled, strained face-centred crystals with labels of ASE's effective medium theory."""
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        atoms = bulk("Cu", cubic=True, a=generator.uniform(3.5, 3.9)) * (2, 1, 1)
        atoms.symbols = generator.choice(list(species), size=len(atoms))
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.03 * generator.normal(size=(3, 3))), True)
        atoms.positions += 0.1 * generator.normal(size=(len(atoms), 3))
        atoms.calc = EMT()
        atoms.get_stress()
        found.append(atoms)
    return Dataset.from_atoms(found)
