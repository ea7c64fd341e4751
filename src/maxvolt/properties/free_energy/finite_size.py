"""What a crystal without end has beyond one of some hundred atoms, in its free energy."""

from __future__ import annotations

from itertools import product

import numpy as np
from ase import units
from numpy.typing import ArrayLike, NDArray

from maxvolt.properties.free_energy.analytic import check_stable, harmonic_crystal

__all__ = ["endless_crystal", "frequencies_between", "leading_finite_size"]

_EIGHT = 8
"""Cells of a crystal that is twice as long along each cell vector."""

_MIDWAY = 1e-3
"""Of a cell vector, within which two images of an atom count as equally near."""


def leading_finite_size(temperature: float, atoms: int) -> float:
    """Free energy of a crystal without end less that of N atoms, equation (161) without c, eV.

    Parameters
    ----------
    temperature : K
    atoms
        N; the free energy is that of all of them.
    """
    return float(units.kB * temperature * np.log(atoms) / 2)


def endless_crystal(
    temperature: float,
    frequencies: ArrayLike,
    between: ArrayLike,
    masses: ArrayLike,
    volume: float,
) -> float:
    """Free energy of a harmonic crystal without end less that of N atoms, equation (162).

    Parameters
    ----------
    temperature : K
    frequencies : shape (3 N - 3,)
        Angular, in the inverse unit of time of ASE, of the waves that N atoms have.
    between : shape (21 N,)
        Of those between them that 8 N atoms have besides, of `frequencies_between`.
    masses : shape (N,), u
    volume : Angstrom^3
        Of N atoms.

    Returns
    -------
    float
        Of N atoms, eV.
    """
    one = harmonic_crystal(temperature, frequencies, masses, volume)
    eightfold = harmonic_crystal(
        temperature,
        np.concatenate([frequencies, between]),
        np.tile(masses, _EIGHT),
        _EIGHT * volume,
    )
    logarithm = units.kB * temperature * np.log(_EIGHT) / 2
    return float(_EIGHT * (eightfold / _EIGHT - one) + logarithm) / (_EIGHT - 1)


def frequencies_between(
    matrix: NDArray[np.float64], scaled_positions: ArrayLike
) -> NDArray[np.float64]:
    """Angular frequencies of the waves that eight cells have beside those of one.

    They have twice the length of the cell along one, two or three of its vectors. Each atom acts
    on the nearest image of another, half on each of two that are equally near.

    Parameters
    ----------
    matrix : shape (3 N, 3 N), eV/Angstrom^2/u
        Dynamical matrix of the cell.
    scaled_positions : shape (N, 3)
        Of the atoms at rest.

    Returns
    -------
    shape (21 N,)
        In the inverse unit of time of ASE.

    Raises
    ------
    UnstableCrystalError
        A frequency is imaginary: the cell is too small, or the crystal is not stable.
    """
    places = np.asarray(scaled_positions, float)
    apart = places[None, :] - places[:, None]
    cells = np.round(apart)
    midway = np.abs(np.abs(apart - cells) - 0.5) < _MIDWAY
    # exp(i q R) is 1 or -1 where q is half of a vector of the reciprocal lattice.
    along_each = np.where(midway, 0.0, 1.0 - 2.0 * (cells % 2))
    symmetric = (matrix + matrix.T) / 2
    found = []
    for corner in product((0, 1), repeat=3):
        if not any(corner):
            continue
        signs = np.where(np.array(corner) == 1, along_each, 1.0).prod(axis=2)
        squares = np.linalg.eigvalsh(symmetric * np.kron(signs, np.ones((3, 3))))
        check_stable(squares[0])
        found.append(np.sqrt(squares))
    return np.concatenate(found)
