"""Silicon by Stillinger and Weber (Phys. Rev. B 31, 5262, 1985) as an ASE calculator.

It stands for a DFT code: its ground state is known to be diamond, and it is calculated in
milliseconds. Parameters are those of LAMMPS (Si.sw).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.stress import full_3x3_to_voigt_6_stress
from numpy.typing import NDArray

from maxvolt.neighbors import build_neighbors

Array = NDArray[np.float64]

EPSILON, SIGMA, CUTOFF = 2.1683, 2.0951, 1.80 * 2.0951
LAMBDA, GAMMA = 21.0, 1.20
A, B = 7.049556277, 0.6022245584


class StillingerWeber(Calculator):
    """Energy, forces and stress of silicon."""

    implemented_properties: list[str] = ["energy", "free_energy", "forces", "stress"]  # noqa: RUF012

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """Sum over pairs, and over pairs of neighbours of each atom."""
        Calculator.calculate(self, atoms, properties, system_changes)
        cell, positions = self.atoms.cell.array, self.atoms.positions
        pairs = build_neighbors(positions, cell, self.atoms.pbc, CUTOFF)
        owners, neighbors, shifts = pairs.both_ways()
        vectors = positions[neighbors] - positions[owners] + shifts @ cell
        lengths = np.linalg.norm(vectors, axis=1)
        inside = lengths < CUTOFF * (1 - 1e-9)
        owners, neighbors = owners[inside], neighbors[inside]
        vectors, lengths = vectors[inside], lengths[inside]
        two, slopes = _pair(lengths)
        energy = 0.5 * two.sum()
        pulls = (0.5 * slopes / lengths)[:, None] * vectors  # dE/d(vector)
        three, more = _triplets(owners, vectors, lengths)
        pulls += more
        energy += three
        forces = np.zeros_like(positions)
        np.add.at(forces, owners, pulls)
        np.add.at(forces, neighbors, -pulls)
        self.results = {"energy": float(energy), "free_energy": float(energy), "forces": forces}
        if self.atoms.pbc.all():
            stress = vectors.T @ pulls / self.atoms.get_volume()
            self.results["stress"] = full_3x3_to_voigt_6_stress(0.5 * (stress + stress.T))


def _pair(r: Array) -> tuple[Array, Array]:
    """Energies of pairs and their derivatives; both are zero at the cutoff."""
    ratio = SIGMA / r
    fading = np.exp(SIGMA / (r - CUTOFF))
    value = A * EPSILON * (B * ratio**4 - 1.0) * fading
    slope = -4.0 * A * EPSILON * B * ratio**4 / r * fading - value * SIGMA / (r - CUTOFF) ** 2
    return value, slope


def _triplets(owners: NDArray[np.int_], vectors: Array, lengths: Array) -> tuple[float, Array]:
    """Energy of all angles, and its derivatives by the vectors to the neighbours."""
    first, second = np.nonzero(np.triu(owners[:, None] == owners, k=1))
    a, b, ra, rb = vectors[first], vectors[second], lengths[first], lengths[second]
    cosine = np.einsum("ij,ij->i", a, b) / (ra * rb)
    fading = np.exp(GAMMA * SIGMA * (1 / (ra - CUTOFF) + 1 / (rb - CUTOFF)))
    bend = cosine + 1.0 / 3.0
    energies = LAMBDA * EPSILON * bend**2 * fading
    by_cosine = 2.0 * LAMBDA * EPSILON * bend * fading
    pulls = np.zeros_like(vectors)
    for index, own, other, r_own, r_other in ((first, a, b, ra, rb), (second, b, a, rb, ra)):
        along = -energies * GAMMA * SIGMA / (r_own - CUTOFF) ** 2 / r_own
        turn = by_cosine / (r_own * r_other)
        along -= by_cosine * cosine / r_own**2
        np.add.at(pulls, index, along[:, None] * own + turn[:, None] * other)
    return float(energies.sum()), pulls
