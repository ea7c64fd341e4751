"""Crystals whose energy is that of bonds between nearest neighbours: everything is counted."""

from __future__ import annotations

import numpy as np
from ase.calculators.calculator import Calculator, all_changes
from ase.stress import full_3x3_to_voigt_6_stress

from maxvolt.neighbors import build_neighbors


class NearestBonds(Calculator):
    """Each bond has the energy -depth + stiffness (r - length)^2 / 2, up to 1.2 lengths."""

    implemented_properties = ("energy", "forces", "stress")

    def __init__(self, length=2.5, depth=0.5, stiffness=3.0, has_stress=True):
        super().__init__()
        self.length, self.depth, self.stiffness = length, depth, stiffness
        self.cutoff = 1.2 * length
        if not has_stress:
            self.implemented_properties = ("energy", "forces")

    def calculate(self, atoms=None, properties=("energy",), system_changes=tuple(all_changes)):
        super().calculate(atoms, properties, system_changes)
        pairs = build_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, self.cutoff)
        vectors = pairs.vectors(atoms.positions, atoms.cell.array)
        r = np.linalg.norm(vectors, axis=1)
        pull = (self.stiffness * (r - self.length) / r)[:, None] * vectors
        forces = np.zeros((len(atoms), 3))
        np.add.at(forces, pairs.owners, pull)
        np.add.at(forces, pairs.neighbors, -pull)
        energy = (-self.depth + self.stiffness * (r - self.length) ** 2 / 2).sum()
        self.results = {"energy": float(energy), "forces": forces}
        if "stress" in self.implemented_properties:
            virial = vectors.T @ pull / atoms.get_volume()
            self.results["stress"] = full_3x3_to_voigt_6_stress(virial)


class LatticeSum(Calculator):
    """Lennard-Jones, epsilon = sigma = 1, with the integral of what is beyond the cutoff."""

    implemented_properties = ("energy",)

    def __init__(self, cutoff=8.0):
        super().__init__()
        self.cutoff = cutoff

    def calculate(self, atoms=None, properties=("energy",), system_changes=tuple(all_changes)):
        super().calculate(atoms, properties, system_changes)
        pairs = build_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, self.cutoff)
        vectors = pairs.vectors(atoms.positions, atoms.cell.array)
        inverse = ((vectors**2).sum(axis=1)) ** -3
        density = len(atoms) / atoms.get_volume()
        tail = 8 * np.pi * density * (self.cutoff**-9 / 9 - self.cutoff**-3 / 3)
        self.results = {"energy": float(4 * (inverse**2 - inverse).sum() + len(atoms) * tail)}
