"""Structures of aluminium, as one who knows none of the card's would choose them.

Crystals strained and displaced, other crystals over a wide range of volume, cells on the Bain and
trigonal paths, slabs, vacancies and interstitials, slipped planes, frames of crystals and liquids
in motion. No structure of the card is among them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from ase import Atoms, units
from ase.build import add_vacuum, bulk, fcc111
from ase.calculators.singlepoint import SinglePointCalculator
from ase.lattice.cubic import FaceCenteredCubic
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution
from ase.neighborlist import neighbor_list

import maxvolt
from maxvolt.properties.static.cold_curves import PROTOTYPES

__all__ = ["LATTICE_CONSTANT", "labelled", "training_structures"]

LATTICE_CONSTANT = A = 4.045
SEED = 7
HIGHEST = 1.0
"""eV/atom above the crystal, of structures that are trained on."""

SHORTEST = 1.7
"""Angstrom, between atoms of structures that are trained on."""

HOT = (
    (300, 1.0, 0), (600, 1.03, 0), (900, 1.05, 2), (1300, 1.12, 0), (1800, 1.1, 0),
    (2500, 1.25, 0), (3500, 1.1, 0), (5000, 1.0, 0),
)  # fmt: skip
"""Temperature (K), volume over that of the crystal, and vacancies of what moves. The hottest show
what atoms do to each other at short distances."""


def disturbed(atoms: Atoms, random: np.random.Generator, strain: float, shift: float) -> Atoms:
    """Strain a cell and displace its atoms at random."""
    copy: Atoms = atoms.copy()
    noise = random.normal(size=(3, 3)) * strain
    copy.set_cell(copy.cell.array @ (np.eye(3) + (noise + noise.T) / 2), scale_atoms=True)
    copy.positions += random.normal(size=copy.positions.shape) * shift
    return copy


def scaled(atoms: Atoms, per_atom: float) -> Atoms:
    """Give a cell this volume per atom."""
    copy: Atoms = atoms.copy()
    factor = (per_atom * len(copy) / copy.get_volume()) ** (1 / 3)
    copy.set_cell(factor * copy.cell.array, scale_atoms=True)
    return copy


def crystals(random: np.random.Generator) -> Iterator[Atoms]:
    """Yield crystals near equilibrium, over a wide range, and cells between them."""
    rest = A**3 / 4
    for number in range(150):
        cell = bulk("Al", a=A, cubic=True) * (2 if number % 3 == 0 else 1)
        wide = number % 2
        strain, most = (0.02, 0.2) if wide else (0.005, 0.05)
        cell = scaled(cell, rest * random.uniform(0.92, 1.12))
        yield disturbed(cell, random, strain, random.uniform(0.0, most))
    for _ in range(60):
        yield disturbed(bulk("Al", a=A), random, 0.01, 0.0)
    for name in ("fcc", "hcp", "bcc", "sc", "diamond", "a15"):
        cell = PROTOTYPES[name]("Al")
        for ratio in random.uniform(0.72, 1.9, size=24):
            yield disturbed(scaled(cell, ratio * rest), random, 0.01, 0.02)
    for _ in range(80):
        stretch = random.uniform(0.62, 1.4)
        cell = bulk("Al", a=A)
        along = random.integers(2)
        axis = np.array([0, 0, 1.0]) if along else np.ones(3) / np.sqrt(3)
        change = np.eye(3) * stretch ** (-1 / 3)
        change += np.outer(axis, axis) * (stretch ** (2 / 3) - stretch ** (-1 / 3))
        cell.set_cell(cell.cell.array @ change, scale_atoms=True)
        yield disturbed(cell, random, 0.02, 0.02)


def defects(random: np.random.Generator) -> Iterator[Atoms]:
    """Yield slabs, vacancies, interstitials, and planes that have slipped."""
    yield from slabs(random)
    perfect = bulk("Al", a=A, cubic=True) * 2
    for number in range(60):
        atoms = disturbed(perfect, random, 0.01, random.uniform(0.01, 0.1))
        if number % 2:
            del atoms[: 1 + number // 2 % 2]
        else:
            place = random.uniform(0.4, 0.6, size=3) @ atoms.cell.array
            near = np.linalg.norm(atoms.positions - place, axis=1)
            shift = atoms.positions - place
            pushed = np.clip(2.3 - near, 0, None)[:, None]
            atoms.positions += pushed * shift / np.maximum(near, 0.3)[:, None]
            atoms.append("Al")
            atoms.positions[-1] = place
        yield atoms
    for _ in range(80):
        planes = fcc111("Al", (1, 1, 9), a=A, periodic=True)
        planes.pbc = True
        slip = random.uniform(-0.6, 0.6, size=2) * A
        cell = planes.cell.array
        planes.positions[planes.positions[:, 2] > cell[2, 2] / 2, :2] += slip
        cell[2, :2] += slip
        cell[2, 2] += random.uniform(0.0, 0.6)
        planes.set_cell(cell)
        yield disturbed(planes, random, 0.005, 0.04)


def slabs(random: np.random.Generator) -> Iterator[Atoms]:
    """Yield crystals cut along (100), (110) and (111), near and far apart."""
    for directions in (((0, 1, 0), (0, 0, 1), (1, 0, 0)), ((0, 0, 1), (1, -1, 0), (1, 1, 0)),
                       ((1, -1, 0), (1, 1, -2), (1, 1, 1))):  # fmt: skip
        for layers in (2, 3, 4):
            grain = FaceCenteredCubic(directions=[list(one) for one in directions], symbol="Al",
                                      latticeconstant=A, size=(1, 1, layers))  # fmt: skip
            for _ in range(4):
                slab = disturbed(Atoms(grain), random, 0.01, 0.08)
                slab.pbc = True
                add_vacuum(slab, random.uniform(1.0, 9.0))
                yield slab


def dynamics(calculator: maxvolt.Calculator, random: np.random.Generator) -> Iterator[Atoms]:
    """Yield frames of crystals, of one with vacancies, and of liquids."""
    for kelvin, ratio, missing in HOT:
        atoms = scaled(bulk("Al", a=A, cubic=True) * 3, ratio * A**3 / 4)
        del atoms[:missing]
        atoms.calc = calculator
        hot = max(kelvin, 2500) if kelvin > 1000 else kelvin
        MaxwellBoltzmannDistribution(atoms, temperature_K=hot, rng=random)
        motion = Langevin(atoms, 2 * units.fs, temperature_K=hot, friction=0.02, rng=random)
        motion.run(500)
        motion.set_temperature(temperature_K=kelvin)
        motion.run(300)
        for _ in range(8):
            motion.run(100)
            yield atoms.copy()


def labelled(atoms: Atoms, calculator: maxvolt.Calculator) -> Atoms:
    """Give a periodic structure its energy, forces and stress."""
    one = Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=True)
    one.calc = calculator
    values = {
        "energy": one.get_potential_energy(),
        "forces": one.get_forces(),
        "stress": one.get_stress(),
    }
    one.calc = SinglePointCalculator(one, **values)
    return one


def training_structures(calculator: maxvolt.Calculator) -> maxvolt.Dataset:
    """Build and label all structures."""
    random = np.random.default_rng(SEED)
    found = []
    crystal = bulk("Al", a=A)
    crystal.calc = calculator
    lowest = crystal.get_potential_energy()
    for atoms in [*crystals(random), *defects(random), *dynamics(calculator, random)]:
        atoms.pbc = True
        if neighbor_list("d", atoms, 4.0).min(initial=4.0) < SHORTEST:
            continue
        one = labelled(atoms, calculator)
        above = one.get_potential_energy() / len(one) - lowest
        far = np.abs(one.get_forces()).max() > 20 or np.abs(one.get_stress()).max() > 0.5
        if far or above > HIGHEST:
            continue  # far beyond what a card asks for
        found.append(one)
    return maxvolt.Dataset.from_atoms(found)
