"""Arrangements of four elements on a body-centred cubic lattice, with labels of a potential."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.geometry import find_mic
from numpy.typing import NDArray

import maxvolt
from maxvolt.archives import read_arrays
from maxvolt.files import replacing
from maxvolt.fitting.lattice import Arrangement
from maxvolt.potentials.lattice import LowRankPotential, ParentLattice, Supercell
from maxvolt.properties.lattice import AnnealingSettings, anneal, random_occupation
from maxvolt.sampling import Relaxation, Thresholds, run_scenarios

__all__ = ["SPECIES", "Drawn", "by_chance", "by_simulation", "cubic", "labelled"]

SPECIES = ("Mo", "Nb", "Ta", "W")
EQUAL = dict.fromkeys(SPECIES, 0.25)
CUBE = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]])
"""Edges of the cube of two sites, in primitive vectors of ASE."""

Drawn = tuple[Supercell, NDArray[np.int64]]

NEVER = Thresholds(1e9, 1e9)
"""The label is what the potential says, extrapolating or not."""

LARGEST = 0.8
"""Angstrom: an atom that moves farther has left the lattice, and its arrangement is left out."""


def parent_of(lattice_constant: float) -> ParentLattice:
    """Return the lattice of all four."""
    return ParentLattice.of(bulk("W", "bcc", a=lattice_constant), list(SPECIES))


def cubic(*repeats: int) -> Supercell:
    """Return cubes repeated along the axes."""
    return Supercell.of(np.array(repeats)[:, None] * CUBE)


SHAPES = (cubic(2, 2, 2), cubic(2, 2, 3), cubic(2, 2, 4), cubic(3, 3, 3))
"""16, 24, 32 and 54 sites."""


def by_chance(parent: ParentLattice, count: int, seed: int) -> list[Drawn]:
    """Draw arrangements: every second one of equal shares, the others of shares drawn, too."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(count):
        supercell = SHAPES[number // 2 % len(SHAPES)]
        shares = EQUAL if number % 2 else dict(zip(SPECIES, random.dirichlet([1] * 4), strict=True))
        drawn = int(random.integers(2**31))
        found.append((supercell, random_occupation(parent, supercell, shares, drawn)))
    return found


def by_simulation(
    potential: LowRankPotential, temperatures: Sequence[float], cells: int, seed: int
) -> list[Drawn]:
    """Cool so many cells of equal shares, and take the last arrangement of each temperature."""
    found = []
    for number in range(cells):
        supercell = SHAPES[number % len(SHAPES)]
        begin = random_occupation(potential.parent, supercell, EQUAL, seed + number)
        settings = AnnealingSettings(tuple(temperatures), 200, 100, snapshots=1, seed=seed + number)
        for one in anneal(potential, supercell, begin, settings):
            found.append((supercell, one.occupation))
    return found


def labelled(
    parent: ParentLattice, drawn: Sequence[Drawn], potential: Path, *, relaxed: bool, file: Path
) -> list[Arrangement]:
    """Label arrangements, atoms on their sites or relaxed at the same cell.

    Parameters
    ----------
    parent, drawn
        Arrangements.
    potential
        File of the moment tensor potential.
    relaxed
        Whether atoms move.
    file
        Keeps the energies; those that it has are not calculated.
    """
    if not file.exists():
        structures = [parent.atoms(*one) for one in drawn]
        energies = (_relaxed if relaxed else _plain)(structures, potential)
        with replacing(file) as stream:
            np.savez(stream, energies=energies)
    energies = read_arrays(file)["energies"]
    return [
        Arrangement(supercell, occupation, float(energy))
        for (supercell, occupation), energy in zip(drawn, energies, strict=True)
        if np.isfinite(energy)
    ]


def _plain(structures: list[Atoms], potential: Path) -> NDArray[np.float64]:
    model = maxvolt.load(potential)
    return np.array([model.evaluate(one).energy for one in structures])


def _relaxed(structures: list[Atoms], potential: Path) -> NDArray[np.float64]:
    """Relax all at once; NaN where an atom has left its site, or the end was not found."""
    scenario = Relaxation(
        "relaxation", maxvolt.Dataset.from_atoms(structures), cell=False, force_tolerance=5e-3
    )
    results = run_scenarios([scenario], partial(maxvolt.Calculator, potential), NEVER, seed=0)
    energies = np.full(len(structures), np.nan)
    for one in (one for result in results for one in result.candidates):
        before = structures[one.index]
        moved = find_mic(one.structure.positions - before.positions, before.cell)[0]
        farthest = np.linalg.norm(moved - moved.mean(axis=0), axis=1).max()
        if one.status == "relaxed" and farthest < LARGEST:
            energies[one.index] = one.structure.get_potential_energy()
    return energies
