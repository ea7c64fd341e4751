"""Independent oscillators, whose fluctuations are known exactly, and atoms that do not interact."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes


class Springs(Calculator):
    """Each atom is held at its place by a spring of so many eV/A^2; 0: an ideal gas."""

    implemented_properties = ("energy", "forces")

    def __init__(self, places: np.ndarray, stiffness: float) -> None:
        super().__init__()
        self.places, self.stiffness = places, stiffness

    def calculate(self, atoms=None, properties=("energy",), system_changes=tuple(all_changes)):
        super().calculate(atoms, properties, system_changes)
        away = atoms.positions - self.places
        self.results = {
            "energy": float(self.stiffness * (away**2).sum() / 2),
            "forces": -self.stiffness * away,
        }


def held_crystal(cells: int, stiffness: float) -> tuple[Atoms, Springs]:
    """Copper atoms on an fcc lattice, 4 in each of cells^3 cells."""
    atoms = bulk("Cu", cubic=True) * (cells, cells, cells)
    return atoms, Springs(atoms.positions.copy(), stiffness)
