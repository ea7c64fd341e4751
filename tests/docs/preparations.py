"""Files that readers of a page have already: ``<!-- run before: name -->`` asks for them by name.

Each function writes into an empty folder; what it wrote is kept for all pages that ask for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import write

import maxvolt
from embedded_atoms import Analytic

__all__ = ["PREPARATIONS"]


def aluminium(folder: Path) -> None:
    """Labelled aluminium, potentials of it and structures: what most pages begin with.

    train.xyz, test.xyz: labelled by effective-medium theory; new.xyz: without labels;
    structure.xyz, start.xyz: a crystal of 32 atoms; pot.mtp, pot.almtp: level 8, the second with
    its active set; pot.maxvolt: the second, compiled.
    """
    _crystal_files(folder, "Al")


def copper(folder: Path) -> None:
    """The same of copper."""
    _crystal_files(folder, "Cu")


def embedded_atoms(folder: Path) -> None:
    """Al.eam.alloy: analytic functions of the size that aluminium has."""
    (folder / "Al.eam.alloy").write_text(Analytic(("Al",)).text(), encoding="utf-8")


def campaign(folder: Path) -> None:
    """aluminium.toml: a campaign of seconds, not yet begun."""
    (folder / "aluminium.toml").write_text(_CAMPAIGN, encoding="utf-8")


def alloy(folder: Path) -> None:
    """candidates.xyz: orderings of Cu and Pd on fcc, without labels; alloy.mtp: a potential."""
    crystals = []
    for symbols in ("Cu4", "Cu3Pd", "CuPdPdCu", "CuPd3", "Pd4"):
        crystal = bulk("Cu", cubic=True)
        crystal.symbols[:] = Atoms(symbols).symbols
        share = float(np.mean(crystal.symbols == "Pd"))
        crystal.set_cell(crystal.cell * ((3.61 + 0.28 * share) / 3.61), scale_atoms=True)
        crystals.append(crystal)
    write(folder / "candidates.xyz", crystals)
    generator = np.random.default_rng(5)
    training = []
    for crystal in crystals * 6:
        strain = np.eye(3) + 0.02 * generator.normal(size=(3, 3))
        crystal = crystal.repeat((2, 1, 1))
        crystal.set_cell(crystal.cell.array @ strain, scale_atoms=True)
        crystal.positions += 0.08 * generator.normal(size=crystal.positions.shape)
        _label(crystal)
        training.append(crystal)
    untrained = maxvolt.MTP(6, ["Cu", "Pd"], cutoff=5.0, min_dist=2.0)
    dataset = maxvolt.Dataset.from_atoms(training)
    fitted = maxvolt.fit(untrained, dataset, max_iterations=20, starts=1)
    fitted.potential.write(folder / "alloy.mtp")


_CAMPAIGN = """\
[structures.crystal]
crystal = "fcc"
species = "Al"
a = 4.05
repeat = [2, 2, 2]

[potential]
species = ["Al"]
level = 6
cutoff = 4.5

[selection]
mode = "neighborhood"
select = 2.0
break = 10.0
limit = 5

[[training]]
kind = "perturbation"
structure = "crystal"
copies = 4
strain = 0.02
rattle = 0.1

[reference]
calculator = "emt"

[fit]
max_iterations = 20

[[scenario]]
name = "solid 300 K"
kind = "md"
structure = "crystal"
temperature = 300
steps = 200
timestep_fs = 2.0
"""


def _crystal_files(folder: Path, element: str) -> None:
    structures = list(_rattled(element, 24))
    for atoms in structures:
        _label(atoms)
    write(folder / "train.xyz", structures[:16])
    write(folder / "test.xyz", structures[16:20])
    bare = [
        Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=True) for atoms in structures
    ]
    write(folder / "new.xyz", bare[20:])
    crystal = bulk(element, cubic=True) * 2
    write(folder / "structure.xyz", crystal)
    write(folder / "start.xyz", crystal)
    training = maxvolt.read(folder / "train.xyz")
    shortest = maxvolt.minimum_distances(training).overall
    untrained = maxvolt.MTP(8, [element], cutoff=5.0, min_dist=round(0.95 * shortest, 2))
    potential = maxvolt.fit(untrained, training, max_iterations=20, starts=1).potential
    potential.write(folder / "pot.mtp")
    active = maxvolt.ActiveSet.from_dataset(potential, training, mode="neighborhood")
    active.write(folder / "pot.almtp")


def _rattled(element: str, count: int) -> Iterator[Atoms]:
    """Strained and rattled cells of 8 and 4 atoms, one after the other."""
    generator = np.random.default_rng(7)
    for number in range(count):
        atoms = bulk(element, cubic=True) * ((2, 1, 1) if number % 2 else (1, 1, 1))
        strain = np.eye(3) + 0.03 * generator.normal(size=(3, 3))
        atoms.set_cell(atoms.cell.array @ strain, scale_atoms=True)
        atoms.positions += 0.15 * generator.normal(size=atoms.positions.shape)
        yield atoms


def _label(atoms: Atoms) -> None:
    atoms.calc = EMT()
    atoms.get_potential_energy()
    atoms.get_forces()
    atoms.get_stress()


PREPARATIONS: dict[str, Callable[[Path], None]] = {
    "alloy": alloy,
    "aluminium": aluminium,
    "campaign": campaign,
    "copper": copper,
    "embedded_atoms": embedded_atoms,
}
