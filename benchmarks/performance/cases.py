"""Structures and potentials to measure on, made here or taken from the reference data."""

from __future__ import annotations

import ase.io
import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator

import maxvolt
from maxvolt.fitting.variable_projection.random_starts import random_radial_coeffs
from performance.context import Context

__all__ = [
    "SIZES",
    "bcc_crystal",
    "labelled_crystals",
    "mean_neighbours",
    "random_potential",
    "reference_potential",
    "reference_structure",
]

SPECIES = ("Mo", "W", "Nb", "Ta")
LATTICE_CONSTANT = 3.16  # Angstrom
RATTLE = 0.08  # Angstrom

SIZES = {
    1_000: (5, 10, 10),
    2_000: (10, 10, 10),
    10_000: (10, 20, 25),
    20_000: (20, 20, 25),
    100_000: (25, 40, 50),
    1_000_000: (50, 100, 100),
}
"""Repetitions of the cubic bcc cell by the number of atoms that they give."""

STRUCTURES = {"Mo2000": "Mo", "Al2048": "Al"}
"""Species of the reference structures."""


def bcc_crystal(n_atoms: int, n_species: int = 1) -> Atoms:
    """A bcc crystal of one of `SIZES`, slightly disordered, species at random."""
    atoms: Atoms = bulk(SPECIES[0], "bcc", LATTICE_CONSTANT, cubic=True) * SIZES[n_atoms]
    rng = np.random.default_rng(n_atoms)
    atoms.positions += rng.normal(scale=RATTLE, size=atoms.positions.shape)
    atoms.symbols = rng.choice(SPECIES[:n_species], size=len(atoms))
    return atoms


def random_potential(
    level: int, n_species: int = 1, *, cutoff: float = 5.0, radial_basis_size: int = 8
) -> maxvolt.MTP:
    """A potential of this package's own basis with coefficients that nobody fitted."""
    potential = maxvolt.MTP(
        level, SPECIES[:n_species], cutoff, 2.0, radial_basis_size=radial_basis_size
    )
    rng = np.random.default_rng(level)
    model = potential.model
    return potential.with_coefficients(
        0.1 * random_radial_coeffs(model.radial_coeffs.shape, rng),
        rng.normal(size=n_species),
        rng.normal(size=len(model.moment_coeffs)),
    )


def mean_neighbours(potential: maxvolt.MTP, atoms: Atoms) -> float:
    """Neighbours of an atom inside the cutoff; the list has each pair once."""
    return 2 * len(potential.neighborhoods(atoms).pairs.pairs) / len(atoms)


def labelled_crystals(n_structures: int) -> maxvolt.Dataset:
    """Disordered crystals of 54 atoms with labels drawn at random: data to fit, in bulk."""
    cell = bulk(SPECIES[0], "bcc", LATTICE_CONSTANT, cubic=True) * (3, 3, 3)
    rng = np.random.default_rng(n_structures)
    structures = []
    for _ in range(n_structures):
        atoms = cell.copy()
        atoms.positions += rng.normal(scale=RATTLE, size=atoms.positions.shape)
        atoms.calc = SinglePointCalculator(
            atoms,
            energy=float(rng.normal(-10.0 * len(atoms), 1.0)),
            forces=rng.normal(size=atoms.positions.shape),
            stress=rng.normal(scale=0.01, size=6),
        )
        structures.append(atoms)
    return maxvolt.Dataset.from_atoms(structures)


def reference_structure(context: Context, name: str) -> Atoms:
    """Mo2000 or Al2048."""
    atoms = ase.io.read(context.reference(f"data/bench/{name}.xyz"))
    if not isinstance(atoms, Atoms):
        raise TypeError(f"{name}.xyz holds {type(atoms).__name__}, not one structure")
    return atoms


def reference_potential(context: Context, level: int, symbol: str) -> maxvolt.MTP:
    """Potential with a contraction table of MLIP's templates, random coefficients, cutoff 5 A."""
    potential = maxvolt.read_potential(
        context.reference(f"reference/mlip3/cases/L{level:02d}_1sp.mtp"), [symbol]
    )
    if not isinstance(potential, maxvolt.MTP):
        raise TypeError(f"the file of level {level} holds no single potential")
    return potential
