"""Stated surfaces: the barrier of Eckart with its exact rate, the surface of London and Sato."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import units
from numpy.typing import NDArray
from scipy.integrate import quad

from maxvolt.errors import DataError
from maxvolt.properties.reaction_rates.ring_polymers import HBAR

__all__ = ["LEPS", "EckartBarrier"]

Evaluated = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class EckartBarrier:
    """Symmetric barrier V = height / cosh(x / width)^2 of one particle on a line, equation (142).

    Parameters
    ----------
    height : eV
    width : Angstrom
    """

    height: float
    width: float

    def __call__(self, positions: NDArray[np.float64]) -> Evaluated:
        """Energies and forces, positions of shape (m, 1, 1)."""
        x = positions / self.width
        energies = self.height / np.cosh(x) ** 2
        return energies[:, 0, 0], 2 * energies * np.tanh(x) / self.width

    def classical_rate(self, mass: float, temperature: float) -> float:
        """Flux per density of reactants, Angstrom per unit of time of ASE; exact for 1 bead."""
        kt = units.kB * temperature
        return float(np.sqrt(kt / (2 * np.pi * mass)) * np.exp(-self.height / kt))

    def exact_rate(self, mass: float, temperature: float) -> float:
        """Quantum flux per density of reactants, equation (142), Angstrom per unit of time.

        Raises
        ------
        DataError
            A barrier so low or narrow that the formula for its transmission is another.
        """
        kt = units.kB * temperature
        inside = 8 * mass * self.height * self.width**2 / HBAR**2 - 1
        if inside <= 0:
            raise DataError("expected a barrier with 8 m height width^2 > hbar^2")
        cosine = np.cosh(0.5 * np.pi * np.sqrt(inside)) ** 2

        def integrand(reduced: float) -> float:
            wave = np.pi * self.width * np.sqrt(2 * mass * reduced * kt) / HBAR
            sine = np.sinh(wave) ** 2
            return float(sine / (sine + cosine) * np.exp(-reduced))

        top = self.height / kt
        integral = quad(integrand, 0, top, limit=500)[0] + quad(integrand, top, top + 60)[0]
        density = np.sqrt(2 * np.pi * mass * kt)
        return float(integral * kt / density)


@dataclass(frozen=True, slots=True)
class LEPS:
    """Three equal atoms after London, Eyring, Polanyi and Sato, equation (144).

    The Morse constants are those of H2; with this Sato parameter the barrier of H + H2 is collinear
    and 0.366 eV high. Zero is three separate atoms.

    Parameters
    ----------
    depth : eV
        Of the Morse curve of the pair.
    decay : 1/Angstrom
        Of the Morse curve.
    distance : Angstrom
        Of the minimum of the pair.
    sato
        Parameter of Sato.
    """

    depth: float = 4.746
    decay: float = 1.942
    distance: float = 0.742
    sato: float = 0.1475

    def __call__(self, positions: NDArray[np.float64]) -> Evaluated:
        """Energies and forces, positions of shape (m, 3, d)."""
        x = np.ascontiguousarray(positions.transpose(1, 2, 0))
        bonds = [x[1] - x[0], x[2] - x[1], x[0] - x[2]]
        coulomb, exchange, slopes = np.zeros(len(positions)), [], []
        for bond in bonds:
            r = np.sqrt(np.einsum("dm,dm->m", bond, bond))
            q, dq, j, dj = self._integrals(r)
            coulomb = coulomb + q
            exchange.append(j)
            slopes.append((dq, dj, bond / r))
        a, b, c = exchange
        root = np.sqrt(0.5 * ((a - b) ** 2 + (b - c) ** 2 + (c - a) ** 2))
        energies = (coulomb - root) / (1 + self.sato)
        pulls = []
        with np.errstate(invalid="ignore", divide="ignore"):  # the three are equal: no slope
            inverse = np.where(root > 0, 0.5 / root, 0.0)
        for j, (dq, dj, direction) in zip(exchange, slopes, strict=True):
            slope = (dq - inverse * (3 * j - (a + b + c)) * dj) / (1 + self.sato)
            pulls.append(slope * direction)
        forces = np.empty(positions.shape)
        for atom in range(3):
            forces[:, atom] = (pulls[atom] - pulls[atom - 1]).T
        return energies, forces

    def _integrals(self, r: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """Coulomb and exchange integrals with their slopes, times 1 + the Sato parameter."""
        e = np.exp(-self.decay * (r - self.distance))
        k, d = self.sato, self.depth
        # Q, J = ((1 + k) singlet +- (1 - k) triplet) / 2: squares and first powers of e
        up, down = 0.5 * d * (1 + k), 0.25 * d * (1 - k)
        squares, firsts = (up + down) * e * e, (2 * up - 2 * down) * e
        q, dq = squares - firsts, -self.decay * (2 * squares - firsts)
        squares, firsts = (up - down) * e * e, (2 * up + 2 * down) * e
        return q, dq, squares - firsts, -self.decay * (2 * squares - firsts)
