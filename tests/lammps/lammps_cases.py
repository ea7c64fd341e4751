"""Potentials and structures of the tests of the LAMMPS plugin."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import bulk

import maxvolt
from maxvolt.potentials.mtp.basis.repulsion import ZBL

__all__ = ["ELEMENTS", "STRUCTURES", "alloy", "pair_of", "potential", "slab", "soft_potential"]

ELEMENTS = ("Cu", "Au")


def potential(
    level: int = 8, species: tuple[str, ...] = ELEMENTS, repulsion: ZBL | None = None
) -> maxvolt.MTP:
    """A potential with random coefficients."""
    random = np.random.default_rng(level)
    new = maxvolt.MTP(level, species, 4.6, 1.5, repulsion=repulsion)
    model = new.model
    return new.with_coefficients(
        0.1 * random.normal(size=model.radial_coeffs.shape),
        random.normal(size=model.species_coeffs.shape),
        0.1 * random.normal(size=model.moment_coeffs.shape),
    )


def soft_potential(species: tuple[str, ...] = ELEMENTS) -> maxvolt.MTP:
    """One that keeps a crystal together."""
    random = potential(6, species, ZBL(1.0, 2.0))
    model = random.model
    return random.with_coefficients(
        model.radial_coeffs, model.species_coeffs, 1e-3 * model.moment_coeffs
    )


def alloy(repeat: int, seed: int = 0) -> Atoms:
    """A rattled crystal of both elements in a skewed cell, far off its places."""
    atoms = bulk("Cu", cubic=True).repeat(repeat)
    random = np.random.default_rng(seed)
    atoms.symbols[random.random(len(atoms)) < 0.4] = "Au"
    atoms.symbols[:2] = ["Cu", "Au"]
    skew = np.array([[1.0, 0.0, 0.0], [0.11, 1.02, 0.0], [0.06, -0.09, 0.98]])
    atoms.set_cell(atoms.cell.array @ skew, scale_atoms=True)
    atoms.positions += random.normal(0, 0.1, atoms.positions.shape)
    atoms.wrap()
    return atoms


def slab() -> Atoms:
    atoms = bulk("Cu", cubic=True).repeat((2, 2, 1))
    atoms.symbols[3] = "Au"
    atoms.positions[:, 2] += 2.0
    atoms.cell[2, 2] += 12.0
    atoms.pbc = [True, True, False]
    atoms.rattle(0.1, seed=1)
    return atoms


def pair_of(folder: Path, used: maxvolt.MTP, elements: str = "Cu Au") -> str:
    used.write_compiled(folder / "pot.maxvolt")
    return f"pair_style maxvolt\npair_coeff * * pot.maxvolt {elements}"


STRUCTURES = {
    "cell smaller than the cutoff": lambda: alloy(1),
    "crystal": lambda: alloy(3),
    "slab": slab,
    "one atom": lambda: Atoms("Cu", [[1, 1, 1]], cell=[20, 20, 20], pbc=True),
    "pair in an empty cell": lambda: Atoms(
        "CuAu", [[1, 1, 1], [2.5, 2.2, 1.7]], cell=[25, 25, 25], pbc=True
    ),
}
