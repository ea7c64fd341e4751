"""Aluminium by effective-medium theory, and small potentials of it, for tests of uncertainty."""

from __future__ import annotations

from functools import cache

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator

import maxvolt
from maxvolt.uncertainty import Uncertainty


def labelled(atoms: Atoms) -> Atoms:
    copied = atoms.copy()
    copied.calc = EMT()
    results = {
        "energy": copied.get_potential_energy(),
        "forces": copied.get_forces(),
        "stress": copied.get_stress(),
    }
    copied.calc = SinglePointCalculator(copied, **results)
    return copied


def rattled(count: int, seed: int, spread: float = 0.15) -> list[Atoms]:
    """Cells of 4 and 8 atoms, each displaced by an amount of its own."""
    generator, found = np.random.default_rng(seed), []
    for number in range(count):
        atoms = bulk("Al", cubic=True) * ((2, 1, 1) if number % 2 else (1, 1, 1))
        size = spread * generator.uniform(0.2, 1.0)
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.02 * generator.normal(size=(3, 3))), True)
        atoms.positions += size * generator.normal(size=atoms.positions.shape)
        found.append(labelled(atoms))
    return found


@cache
def training() -> maxvolt.Dataset:
    return maxvolt.Dataset.from_atoms(rattled(30, seed=1))


@cache
def held_out() -> maxvolt.Dataset:
    return maxvolt.Dataset.from_atoms(rattled(60, seed=2))


@cache
def potential() -> maxvolt.MTP:
    untrained = maxvolt.MTP(6, ["Al"], 4.5, 2.0)
    fitted = maxvolt.fit(untrained, training(), starts=1, max_iterations=15, progress=False)
    assert isinstance(fitted.potential, maxvolt.MTP)
    return fitted.potential


@cache
def uncertainty() -> Uncertainty:
    return maxvolt.calibrate(potential(), held_out(), training(), ("grade", "posterior"))
