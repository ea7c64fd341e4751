"""Fourier components of arrangements at all wave vectors of a supercell: equation (223)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.properties.lattice.order.cubic_sites import CubicSites

__all__ = ["ConcentrationWaves", "smith_form"]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

_WHOLE = 1e-6


class ConcentrationWaves:
    """Wave vectors of a supercell of cubic sites, and what arrangements have at them.

    A wave vector is known by its three numbers in a grid, which add up like wave vectors do.

    Parameters
    ----------
    sites
        Of the supercell.

    Attributes
    ----------
    grid : shape (3,), int64
        Numbers of wave vectors along its axes, each a multiple of the one before.
    """

    def __init__(self, sites: CubicSites) -> None:
        self.sites = sites
        self.grid, self._columns = smith_form(sites.supercell.vectors)
        places = sites.supercell.offsets() @ self._columns % self.grid
        self._cells = np.ravel_multi_index(tuple(places.T), tuple(self.grid.tolist()))

    def amplitudes(self, occupation: NDArray[np.integer[Any]], species: int) -> NDArray[Any]:
        """Amplitude of the wave of one species at all wave vectors, shape (n_sites,), complex."""
        values = np.zeros(len(self._cells))
        values[self._cells] = self.sites.occupation(occupation) == species
        return np.asarray(np.fft.fftn(values.reshape(self.grid)).ravel() / len(values))

    def numbers(self, index: NDArray[np.integer[Any]]) -> Integers:
        """Numbers in the grid of wave vectors, shape (..., 3), by their place in `amplitudes`."""
        return np.stack(np.unravel_index(index, tuple(self.grid.tolist())), axis=-1)

    def index(self, numbers: NDArray[np.integer[Any]]) -> Integers:
        """Place in `amplitudes` of wave vectors by their numbers, shape (..., 3)."""
        inside = np.moveaxis(np.asarray(numbers) % self.grid, -1, 0)
        return np.asarray(np.ravel_multi_index(tuple(inside), tuple(self.grid.tolist())))

    def find(self, vector: Array) -> Integers | None:
        """Numbers of a wave vector in 2 pi / a; None: the supercell does not have it."""
        fractions = self.sites.basis @ vector / 2.0
        exact = np.linalg.solve(self._columns, fractions) * self.grid
        numbers = np.rint(exact)
        if np.abs(exact - numbers).max() > _WHOLE:
            return None
        return np.asarray(numbers.astype(np.int64) % self.grid)

    def vectors(self, numbers: NDArray[np.integer[Any]]) -> Array:
        """Shortest of the equivalent wave vectors, shape (n, 3), in 2 pi / a along the axes."""
        fractions = (np.asarray(numbers) / self.grid) @ self._columns.T
        reciprocal = 2.0 * np.linalg.inv(self.sites.basis)
        steps = np.stack(np.meshgrid(*[np.arange(-2, 3)] * 3, indexing="ij"), -1).reshape(-1, 3)
        images = (fractions - np.rint(fractions))[:, None] @ reciprocal.T + steps @ reciprocal.T
        shortest = np.linalg.norm(images, axis=2).round(9).argmin(axis=1)
        return np.asarray(images[np.arange(len(images)), shortest])

    def invariant(self, numbers: NDArray[np.integer[Any]], steps: Integers) -> NDArray[np.bool_]:
        """Whether translations leave all of these waves as they are.

        Parameters
        ----------
        numbers : shape (n, 3)
            Of the wave vectors.
        steps : shape (m, 3)
            Translations, in primitive vectors.

        Returns
        -------
        invariant : shape (m,)
        """
        largest = self.grid[-1]
        phases = (steps @ self._columns) @ (np.asarray(numbers) * (largest // self.grid)).T
        return np.asarray((phases % largest == 0).all(axis=1))


def smith_form(matrix: Integers) -> tuple[Integers, Integers]:
    """Make a matrix diagonal by whole-number steps between rows and between columns.

    Parameters
    ----------
    matrix : shape (3, 3)
        Whole numbers, not singular.

    Returns
    -------
    diagonal : shape (3,)
        Positive, each a divisor of the next.
    columns : shape (3, 3)
        V of U M V = D, with determinant 1 or -1.
    """
    m = np.array(matrix, np.int64)
    v = np.eye(3, dtype=np.int64)
    for k in range(3):
        while True:
            left = np.abs(m[k:, k:])
            row, column = np.argwhere(left == left[left > 0].min())[0] + k
            m[[k, row]] = m[[row, k]]
            m[:, [k, column]], v[:, [k, column]] = m[:, [column, k]], v[:, [column, k]]
            m[k + 1 :] -= (m[k + 1 :, k] // m[k, k])[:, None] * m[k]
            times = m[k, k + 1 :] // m[k, k]
            m[:, k + 1 :] -= times * m[:, k : k + 1]
            v[:, k + 1 :] -= times * v[:, k : k + 1]
            if m[k + 1 :, k].any() or m[k, k + 1 :].any():
                continue
            odd = np.argwhere(m[k + 1 :, k + 1 :] % m[k, k])
            if not len(odd):
                break
            m[k] += m[k + 1 + odd[0][0]]
    return np.abs(m.diagonal()), v
