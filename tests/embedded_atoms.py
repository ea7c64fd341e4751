"""Embedded-atom potentials for tests: analytic functions, and the files that tabulate them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase.data import atomic_masses, atomic_numbers
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Analytic:
    """Morse pairs, exponential densities and square roots, which end smoothly at the cutoff.

    fcc crystals with lattice constants of about 4 A are stable.
    """

    species: tuple[str, ...]
    form: str = "alloy"
    cutoff: float = 5.5
    seed: int = 0

    def _number(self, *key: int) -> float:
        """Between -1 and 1, of its own for each seed and key."""
        return float(np.random.default_rng([self.seed, *key]).uniform(-1.0, 1.0))

    def _end(self, r: Array) -> Array:
        return np.where(r < self.cutoff, 1.0 - r / self.cutoff, 0.0) ** 3

    def pair(self, a: int, b: int, r: Array) -> Array:
        """Pair energy, eV."""
        low, high = min(a, b), max(a, b)
        depth = 1.6 + 0.3 * self._number(1, low, high)
        distance = 3.3 + 0.1 * self._number(2, low, high)
        decay = np.exp(-1.4 * (r - distance))
        return depth * (decay**2 - 2.0 * decay) * self._end(r)

    def density(self, source: int, host: int, r: Array) -> Array:
        """Density that `source` contributes at `host`, which matters for fs only."""
        of_host = 0.3 * self._number(3, source, host) if self.form == "fs" else 0.0
        strength = 2.0 + 0.5 * self._number(4, source) + of_host
        return strength * np.exp(-0.8 * (r - 2.7)) * self._end(r)

    def embedding(self, a: int, density: Array) -> Array:
        """Embedding energy, eV."""
        return -(1.0 + 0.2 * self._number(5, a)) * (np.sqrt(density + 0.3) - np.sqrt(0.3))

    def text(self, n_rho: int = 2001, n_r: int = 2001, largest_density: float = 40.0) -> str:
        """The file of LAMMPS."""
        count = len(self.species)
        d_rho, d_r = largest_density / (n_rho - 1), self.cutoff / (n_r - 1)
        r, rho = d_r * np.arange(n_r), d_rho * np.arange(n_rho)
        blocks = [
            "analytic functions\nof a test\n\n",
            f"{count} {' '.join(self.species)}\n",
            f"{n_rho} {d_rho:.17e} {n_r} {d_r:.17e} {self.cutoff:.17e}\n",
        ]
        for a, symbol in enumerate(self.species):
            number = atomic_numbers[symbol]
            blocks.append(f"{number} {atomic_masses[number]:.6f} 4.05 fcc\n")
            blocks.append(_numbers(self.embedding(a, rho)))
            for host in range(count if self.form == "fs" else 1):
                blocks.append(_numbers(self.density(a, host, r)))
        for a in range(count):
            blocks += [_numbers(r * self.pair(a, b, r)) for b in range(a + 1)]
        return "".join(blocks)

    def write(self, path: Path, n_rho: int = 2001, n_r: int = 2001) -> Path:
        """Write the file and return its name."""
        path.write_text(self.text(n_rho, n_r))
        return path

    def energies(self, distances: Array, types: Sequence[int]) -> Array:
        """Energies of the atoms of a cluster, from the functions themselves; distances (N, N)."""
        energies = np.zeros(len(types))
        for i, a in enumerate(types):
            density = 0.0
            for j, b in enumerate(types):
                if i != j:
                    r = distances[i, j]
                    energies[i] += 0.5 * float(self.pair(a, b, r))
                    density += float(self.density(b, a, r))
            energies[i] += float(self.embedding(a, np.array(density)))
        return energies


def _numbers(values: Array) -> str:
    return "".join(f"{value:.17e}\n" for value in values)
