"""What a crystal without end has beyond one of some hundred atoms, in its free energy."""

from __future__ import annotations

from itertools import product

import numpy as np
from ase import Atoms, units
from ase.geometry import minkowski_reduce
from numpy.typing import ArrayLike, NDArray

from maxvolt.properties.free_energy.analytic import check_stable, harmonic_crystal

__all__ = ["endless_crystal", "frequencies_between", "leading_finite_size"]

_EIGHT = 8
"""Cells of a crystal that is twice as long along each cell vector."""

_EQUALLY_NEAR = 1e-3
"""Angstrom; images of an atom whose distances differ by less count as equally near."""

_PARITIES = np.array(list(product((0, 1), repeat=3)))
"""Even or odd along each cell vector: cells, and waves by the halves of reciprocal vectors in q."""


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


def frequencies_between(matrix: NDArray[np.float64], crystal: Atoms) -> NDArray[np.float64]:
    """Angular frequencies of the waves that eight cells have beside those of one.

    They have twice the length of the cell along one, two or three of its vectors. Each atom acts
    on the nearest image of another, on equal terms where several are equally near.

    Parameters
    ----------
    matrix : shape (3 N, 3 N), eV/Angstrom^2/u
        Dynamical matrix of the cell.
    crystal
        Of N atoms at rest.

    Returns
    -------
    shape (21 N,)
        In the inverse unit of time of ASE.

    Raises
    ------
    UnstableCrystalError
        A frequency is imaginary: the cell is too small, or the crystal is not stable.
    """
    shares = _nearest_images(crystal)
    symmetric = (matrix + matrix.T) / 2
    found = []
    for parity in _PARITIES[1:]:
        # exp(i q R) is 1 or -1 where q is half of a vector of the reciprocal lattice.
        signs = np.tensordot((-1.0) ** (_PARITIES @ parity), shares, axes=1)
        squares = np.linalg.eigvalsh(symmetric * np.kron(signs, np.ones((3, 3))))
        check_stable(squares[0])
        found.append(np.sqrt(squares))
    return np.concatenate(found)


def _nearest_images(crystal: Atoms) -> NDArray[np.float64]:
    """Share of the nearest images of each atom in cells of each of `_PARITIES`, shape (8, N, N).

    Which vectors span the lattice changes nothing for all waves together. The shortest do not miss
    a nearest image where the cell is oblique.
    """
    cell = minkowski_reduce(crystal.cell.array)[0]
    places = np.linalg.solve(cell.T, crystal.positions.T).T
    apart = places[None, :] - places[:, None]
    cells = np.round(apart)
    apart -= cells
    images = np.array(list(product((-1, 0, 1), repeat=3)))

    def distances(image: NDArray[np.int_]) -> NDArray[np.float64]:
        return np.asarray(np.linalg.norm((apart + image) @ cell, axis=2))

    nearest = distances(images[0])
    for image in images[1:]:
        np.minimum(nearest, distances(image), out=nearest)
    shares = np.zeros((len(_PARITIES), *nearest.shape))
    for image in images:
        near = distances(image) < nearest + _EQUALLY_NEAR
        odd = (cells[near] + image).astype(int) % 2
        shares[(odd @ [4, 2, 1], *np.nonzero(near))] += 1
    return np.asarray(shares / shares.sum(axis=0))
