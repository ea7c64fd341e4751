"""Free energies that are known: harmonic crystals, ideal gas, the reference liquid."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from ase import units
from numpy.typing import ArrayLike, NDArray

from maxvolt.errors import DataError, MaxvoltError

__all__ = [
    "UnstableCrystalError",
    "check_stable",
    "einstein_crystal",
    "frequencies",
    "harmonic_crystal",
    "ideal_gas",
    "quantum_correction",
    "reference_liquid",
]

HBAR = units._hbar * units.J * units.s
"""eV times the unit of time of ASE."""

_RIGID = 3
"""Frequencies of a periodic crystal that moves as a whole."""


class UnstableCrystalError(DataError):
    """A crystal at rest has imaginary frequencies."""


def einstein_crystal(
    temperature: float, masses: ArrayLike, frequency: float, volume: float
) -> float:
    """Free energy of atoms on springs whose centre of mass is free, equation (145).

    All springs have the same frequency, so that their sum leaves the centre of mass at rest, as
    the simulation does (J. M. Polson et al., J. Chem. Phys. 112, 5339 (2000)).

    Parameters
    ----------
    temperature : K
    masses : shape (N,), u
    frequency
        Angular, in the inverse unit of time of ASE.
    volume : Angstrom^3
        Of all atoms.

    Returns
    -------
    float
        Of all atoms, eV.
    """
    count = len(np.asarray(masses))
    return harmonic_crystal(temperature, np.full(_RIGID * (count - 1), frequency), masses, volume)


def harmonic_crystal(
    temperature: float, frequencies: ArrayLike, masses: ArrayLike, volume: float
) -> float:
    """Classical free energy of a harmonic crystal without its energy at rest, equation (145).

    Parameters
    ----------
    temperature : K
    frequencies : shape (3 N - 3,)
        Angular, in the inverse unit of time of ASE.
    masses : shape (N,), u
    volume : Angstrom^3
        Of all atoms; the centre of mass moves in that of one atom.

    Returns
    -------
    float
        Of all atoms, eV.
    """
    mass = np.asarray(masses, float)
    kt = units.kB * temperature
    vibrations = kt * np.log(HBAR * np.asarray(frequencies, float) / kt).sum()
    return float(vibrations + _moving(temperature, float(mass.sum()), volume / len(mass)))


def _moving(temperature: float, mass: float, volume: float) -> float:
    """Free energy of a particle in a volume, the last term of equation (145), eV."""
    kt = units.kB * temperature
    wave = HBAR * np.sqrt(2 * np.pi / (mass * kt))
    return float(-kt * np.log(volume / wave**3))


def quantum_correction(temperature: float, frequencies: ArrayLike) -> float:
    """Free energy of quantum oscillators less that of classical ones, equation (146), eV.

    Parameters
    ----------
    temperature : K
    frequencies : shape (n,)
        Angular, in the inverse unit of time of ASE.
    """
    kt = units.kB * temperature
    x = HBAR * np.asarray(frequencies, float) / kt
    return float(kt * (x / 2 + np.log(-np.expm1(-x)) - np.log(x)).sum())


def frequencies(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angular frequencies of a dynamical matrix without those of a rigid motion.

    Parameters
    ----------
    matrix : shape (3 N, 3 N), eV/Angstrom^2/u
        Second derivatives over the roots of the masses.

    Raises
    ------
    UnstableCrystalError
        A frequency is imaginary: the crystal is not stable.
    """
    squares = np.linalg.eigvalsh((matrix + matrix.T) / 2)
    order = np.argsort(np.abs(squares))
    kept = np.sort(squares[order[_RIGID:]])
    check_stable(kept[0])
    return np.asarray(np.sqrt(kept))


def check_stable(lowest: float) -> None:
    """Refuse a crystal whose lowest squared frequency is not positive."""
    if lowest <= 0:
        raise UnstableCrystalError(
            "free energy: the crystal at rest is not stable, one of its frequencies is imaginary; "
            "leave the harmonic crystal out (harmonic = false, --no-harmonic), or take another one"
        )


def ideal_gas(temperature: float, mass: float, density: float) -> float:
    """Free energy of an ideal gas of one element, equation (147), eV for each atom.

    Parameters
    ----------
    temperature : K
    mass : u
    density : 1/Angstrom^3
    """
    return _moving(temperature, mass, 1 / density) - units.kB * temperature


def reference_liquid(temperature: float, scaled_density: float, strength: int) -> float:
    """Excess free energy of the Uhlenbeck-Ford liquid, eV for each atom.

    R. Paula Leite et al., J. Chem. Phys. 145, 194101 (2016), by the tables of calphy.

    Parameters
    ----------
    temperature : K
    scaled_density
        x of equation (148).
    strength
        p of equation (148): 1, 25, 50, 75 or 100.

    Raises
    ------
    MaxvoltError
        calphy is not installed.
    """
    return units.kB * temperature * float(_calphy().find_fe(strength, scaled_density)[1])


def _calphy() -> Any:
    try:
        with warnings.catch_warnings():
            # It declares its settings in a way that pydantic is going to drop.
            warnings.simplefilter("ignore", DeprecationWarning)
            from calphy import integrators
    except ImportError as error:
        raise MaxvoltError(
            "the free energy of a liquid needs calphy: pip install maxvolt[free-energy]"
        ) from error
    return integrators
