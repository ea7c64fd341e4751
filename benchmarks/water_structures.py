"""Structures of liquid water with energies and forces, for experiments that need many neighbours.

    python benchmarks/water_structures.py FOLDER [--training 90] [--test 40]

Dynamics of 27 flexible molecules at 1 g/cm^3 and 400 K give the arrangements: charges and radii are
those of SPC, springs hold the three distances in a molecule. Labels are of GFN1-xTB (Grimme et al.,
J. Chem. Theory Comput. 13, 1989 (2017)) by tblite, a tight-binding method that is cheap and knows
of hydrogen bonds. Training and test structures are of separate runs.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from ase.md.langevin import Langevin
from numpy.typing import NDArray
from tblite.ase import TBLite

Array = NDArray[np.float64]

_EDGE = 3
"""Molecules along each edge of the cell."""
_DENSITY = 1.0  # g/cm^3
_TEMPERATURE = 400.0  # K
_STEP = 0.5 * units.fs
_FRICTION = 0.01 / units.fs
_EQUILIBRATION, _BETWEEN = 3000, 100
"""Steps."""
_O_H, _H_H = 1.0, 1.633
"""Angstrom, of SPC."""
_SPRINGS = {_O_H: 40.0, _H_H: 8.0}
"""eV/Angstrom^2; vibrations of about 3300 and 1500 wave numbers."""
_CHARGES = (-0.82, 0.41, 0.41)
_EPSILON, _SIGMA = 0.00674, 3.166
"""eV and Angstrom, between oxygens."""


class FlexibleWater(Calculator):
    """Molecules O, H, H with springs; charges and oxygens interact up to half the cell."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.implemented_properties = ["energy", "forces"]

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Any = ("energy",),
        system_changes: Any = all_changes,
    ) -> None:
        """Sum over all pairs."""
        assert atoms is not None  # ASE gives them
        super().calculate(atoms, properties, system_changes)  # type: ignore[no-untyped-call]
        energy, forces = energy_and_forces(atoms.positions, atoms.cell.lengths())
        self.results = {"energy": energy, "forces": forces}


def energy_and_forces(positions: Array, edges: Array) -> tuple[float, Array]:
    """Of molecules O, H, H in a cuboid.

    All pairs with their nearest images; the Coulomb potential is shifted so that it ends without a
    force, that of the oxygens is cut.
    """
    n, end = len(positions), edges.min() / 2
    i, j = np.triu_indices(n, 1)
    vectors = positions[j] - positions[i]
    vectors -= np.rint(vectors / edges) * edges
    r = np.linalg.norm(vectors, axis=1)
    same = i // 3 == j // 3
    inside = ~same & (r < end)
    charges = np.tile(_CHARGES, n // 3)
    product = units.Hartree * units.Bohr * charges[i] * charges[j]
    energies = product * (1 / r - 1 / end + (r - end) / end**2) * inside
    slopes = product * (1 / end**2 - 1 / r**2) * inside
    sixth = (_SIGMA / r) ** 6
    oxygens = inside & (i % 3 == 0) & (j % 3 == 0)
    energies += 4 * _EPSILON * (sixth**2 - sixth) * oxygens
    slopes += 24 * _EPSILON * (sixth - 2 * sixth**2) / r * oxygens
    for length, first in ((_O_H, 0), (_H_H, 1)):
        held = same & (i % 3 == first)
        energies += 0.5 * _SPRINGS[length] * (r - length) ** 2 * held
        slopes += _SPRINGS[length] * (r - length) * held
    pushes = vectors * (slopes / r)[:, None]
    forces = np.zeros((n, 3))
    np.add.at(forces, i, pushes)
    np.add.at(forces, j, -pushes)
    return float(energies.sum()), forces


def lattice_of_molecules(rng: np.random.Generator) -> Atoms:
    """Molecules on a simple cubic lattice, turned at random."""
    height = np.sqrt(_O_H**2 - _H_H**2 / 4)
    molecule = np.array([[0, 0, 0], [_H_H / 2, height, 0], [-_H_H / 2, height, 0]])
    sites = np.array(list(np.ndindex(_EDGE, _EDGE, _EDGE)))
    mass = 18.015 * units._amu * 1e3  # g
    spacing = (mass / _DENSITY * 1e24) ** (1 / 3)
    positions = [
        site * spacing + molecule @ np.linalg.qr(rng.normal(size=(3, 3)))[0] for site in sites
    ]
    cell = [_EDGE * spacing] * 3
    return Atoms("OHH" * len(sites), np.concatenate(positions), cell=cell, pbc=True)


def structures(count: int, seed: int) -> list[Atoms]:
    """Snapshots of one run, labelled."""
    rng = np.random.default_rng(seed)
    atoms = lattice_of_molecules(rng)
    atoms.calc = FlexibleWater()
    run = Langevin(
        atoms, _STEP, temperature_K=_TEMPERATURE, friction=_FRICTION, rng=rng, fixcm=False
    )
    run.run(_EQUILIBRATION)
    found = []
    for _ in range(count):
        run.run(_BETWEEN)
        found.append(labelled(atoms))
    return found


def labelled(atoms: Atoms) -> Atoms:
    """A copy with its labels."""
    one = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True)
    one.calc = TBLite(method="GFN1-xTB", verbosity=0)
    energy, forces = one.get_potential_energy(), one.get_forces()
    one.calc = SinglePointCalculator(one, energy=energy, forces=forces)
    return one


def main() -> None:
    """Make both sets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--training", type=int, default=90)
    parser.add_argument("--test", type=int, default=40)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for seed, (name, count) in enumerate({"train": options.training, "test": options.test}.items()):
        write(options.folder / f"water_{name}.xyz", structures(count, seed))


if __name__ == "__main__":
    main()
