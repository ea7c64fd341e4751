"""Copper-gold crystals, strained and shaken, labelled with ASE's effective-medium theory (EMT).

EMT is an empirical potential: it stands in here for a quantum-mechanical code, so that the demo
needs nothing but this package. Its numbers say nothing about copper and gold.
"""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator

LATTICE_CONSTANTS = {"Cu": 3.61, "Cu3Au": 3.75, "CuAu": 3.88, "CuAu3": 3.98, "Au": 4.08}
"""Cubic lattice constants in Angstrom, near EMT's own."""

GOLD_SITES = {"Cu": (), "Cu3Au": (0,), "CuAu": (0, 1), "CuAu3": (1, 2, 3), "Au": (0, 1, 2, 3)}
"""Sites of the cubic cell of four atoms that hold gold: the ordered compounds."""


def ordered_crystal(name: str) -> Atoms:
    """Return the undistorted cubic cell of a compound, four atoms."""
    crystal = bulk("Cu", "fcc", a=LATTICE_CONSTANTS[name], cubic=True)
    for site in GOLD_SITES[name]:
        crystal[site].symbol = "Au"
    return crystal


def distorted_crystal(name: str, rng: np.random.Generator) -> Atoms:
    """Return a supercell of 8 or 16 atoms with random strain, displacements and swapped atoms."""
    repeats = (2, 1, 1) if rng.random() < 0.5 else (2, 2, 1)
    crystal = ordered_crystal(name) * repeats
    if rng.random() < 0.3:
        crystal.numbers = rng.permutation(crystal.numbers)
    volume_change = rng.uniform(-0.04, 0.06)
    shear = rng.normal(scale=0.02, size=(3, 3))
    strain = volume_change * np.eye(3) + (shear + shear.T) / 2
    crystal.set_cell(crystal.cell @ (np.eye(3) + strain), scale_atoms=True)
    crystal.positions += rng.normal(scale=rng.uniform(0.02, 0.12), size=crystal.positions.shape)
    crystal.info["config_type"] = name
    return crystal


def labelled(atoms: Atoms) -> Atoms:
    """Return the structure with EMT's energy, forces and stress."""
    atoms = atoms.copy()
    atoms.calc = EMT()
    results = {
        "energy": atoms.get_potential_energy(),
        "forces": atoms.get_forces(),
        "stress": atoms.get_stress(),
    }
    atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms


def labelled_set(count: int, seed: int) -> list[Atoms]:
    """Return `count` labelled structures, the compounds in turn."""
    rng = np.random.default_rng(seed)
    names = list(LATTICE_CONSTANTS)
    return [labelled(distorted_crystal(names[i % len(names)], rng)) for i in range(count)]
