"""Frequencies of small cells in the harmonic approximation, and rates of jumps from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms, units
from numpy.typing import NDArray

from maxvolt.errors import MaxvoltError

__all__ = ["Vibrations", "formation_entropy", "vineyard_frequency"]

_DISPLACEMENT = 0.01
"""Angstrom."""

_FLAT = 1e-4
"""Part of the largest curvature below which one is not told from that of a translation."""

_THZ = 1e3 * units.fs / (2 * np.pi)
"""Of an angular frequency in ASE's units."""


@dataclass(frozen=True, slots=True, eq=False)
class Vibrations:
    """Vibrations of a cell in the harmonic approximation.

    Attributes
    ----------
    curvatures : shape (3 N - 3,)
        Eigenvalues of the dynamical matrix in ASE's units, without the three translations.
    """

    curvatures: NDArray[np.float64]

    @classmethod
    def of(cls, calculator: Any, atoms: Atoms) -> Vibrations:
        """Take differences of the forces on all atoms, where no force is left."""
        rows = [_rows(calculator, atoms, atom) for atom in range(len(atoms))]
        return cls(_curvatures(np.concatenate(rows), atoms))

    @classmethod
    def of_crystal(cls, calculator: Any, crystal: Atoms) -> Vibrations:
        """The same of a perfect crystal whose atoms are alike by translation: one is displaced."""
        first = _rows(calculator, crystal, 0).reshape(3, len(crystal), 3)
        scaled = crystal.get_scaled_positions()
        hessian = np.zeros((len(crystal), 3, len(crystal), 3))
        for atom in range(len(crystal)):
            hessian[atom][:, _moved(scaled, atom)] = first
        return cls(_curvatures(hessian.reshape(3 * len(crystal), -1), crystal))

    @property
    def unstable(self) -> int:
        """Number of directions in which the energy has a maximum."""
        return int((self.curvatures < 0).sum())

    def logarithms(self, unstable: int, purpose: str) -> NDArray[np.float64]:
        """Logarithms of the frequencies in THz, without unstable directions.

        Parameters
        ----------
        unstable
            How many there are: 0 at rest, 1 at a saddle.
        purpose
            What is computed, for messages.

        Raises
        ------
        MaxvoltError
            There is another number of them, or the energy is flat in a direction.
        """
        least = float(np.abs(self.curvatures).min() / self.curvatures.max())
        if self.unstable != unstable or least < _FLAT:
            raise MaxvoltError(
                f"{purpose}: expected {unstable} unstable directions and no flat one; found "
                f"{self.unstable} unstable, and a least curvature of {least:.1e} of the largest: "
                "the structure is no such place of this potential; try another size, or see the "
                "barrier of vacancy-migration"
            )
        stable = self.curvatures[self.curvatures > 0]
        return np.asarray(0.5 * np.log(stable) + np.log(_THZ))


def vineyard_frequency(rest: NDArray[np.float64], saddle: NDArray[np.float64]) -> float:
    """Attempt frequency of a jump in THz, equation (104).

    G. H. Vineyard, J. Phys. Chem. Solids 3, 121 (1957).

    Parameters
    ----------
    rest : shape (n,)
        Logarithms of the frequencies in THz at rest.
    saddle : shape (n - 1,)
        The same at the saddle, without the unstable one.
    """
    return float(np.exp(rest.sum() - saddle.sum()))


def formation_entropy(vacancy: NDArray[np.float64], crystal: NDArray[np.float64]) -> float:
    """Vibrational entropy of forming a vacancy in units of kB, equation (103).

    Parameters
    ----------
    vacancy : shape (3 N - 6,)
        Logarithms of the frequencies of a cell with a vacancy.
    crystal : shape (3 N - 3,)
        The same of the perfect cell; they count as many as those of the vacancy.
    """
    return float(len(vacancy) * crystal.mean() - vacancy.sum())


def _rows(calculator: Any, atoms: Atoms, atom: int) -> NDArray[np.float64]:
    """Rows of the Hessian that belong to an atom, shape (3, 3 N), eV/Angstrom^2."""
    rows = []
    for axis in range(3):
        forces = []
        for sign in (1, -1):
            moved = atoms.copy()
            moved.set_constraint()
            moved.positions[atom, axis] += sign * _DISPLACEMENT
            moved.calc = calculator
            forces.append(moved.get_forces())
        rows.append(((forces[1] - forces[0]) / (2 * _DISPLACEMENT)).ravel())
    return np.array(rows)


def _moved(scaled: NDArray[np.float64], atom: int) -> NDArray[np.int64]:
    """Where each atom comes to lie by the translation that takes the first one to another."""
    targets = scaled + scaled[atom] - scaled[0]
    apart = targets[:, None] - scaled[None]
    apart -= np.round(apart)
    return np.asarray(np.linalg.norm(apart, axis=2).argmin(axis=1))


def _curvatures(hessian: NDArray[np.float64], atoms: Atoms) -> NDArray[np.float64]:
    """Eigenvalues of the dynamical matrix but the three nearest to zero."""
    masses = np.repeat(atoms.get_masses(), 3)
    dynamical = hessian / np.sqrt(np.outer(masses, masses))
    values = np.linalg.eigvalsh((dynamical + dynamical.T) / 2)
    return np.asarray(values[np.sort(np.argsort(np.abs(values))[3:])])
