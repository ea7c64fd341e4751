"""Second derivatives of the energy by positions, from differences of forces."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from maxvolt.neighbors.neighborhoods import Neighborhoods

__all__ = ["STEP", "difference_hessian", "warn_of_crossings"]

STEP = 1e-4
"""Angstrom by which atoms are displaced: what is cut off of the derivative and what rounding of the
forces adds are then both below 1e-6 of a force constant."""


def difference_hessian(
    forces: Callable[[NDArray[np.float64]], NDArray[np.float64]], positions: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Central differences of forces, symmetrised.

    Parameters
    ----------
    forces
        Gives the forces, shape (N, 3), at positions.
    positions : shape (N, 3), Angstrom
        Where the derivatives are taken.

    Returns
    -------
    hessian : shape (3 N, 3 N), eV/Angstrom^2
        Coordinates in the order x, y, z of atom 0, of atom 1, ...
    """
    hessian = np.empty((positions.size, positions.size))
    for coordinate in range(positions.size):
        there, back = positions.copy(), positions.copy()
        there.flat[coordinate] += STEP
        back.flat[coordinate] -= STEP
        length = there.flat[coordinate] - back.flat[coordinate]  # of the numbers as rounded
        hessian[coordinate] = (forces(back) - forces(there)).ravel() / length
    return 0.5 * (hessian + hessian.T)


def warn_of_crossings(neighborhoods: Neighborhoods, cutoff: float) -> None:
    """Warn of pairs that a displacement may carry across the cutoff.

    Many potentials end there as (R - r)^2: the second derivative by such a distance jumps, and a
    difference gives the mean of both sides.
    """
    pairs = neighborhoods.pairs
    translations = pairs.shifts @ neighborhoods.cells[0]
    vectors = (
        neighborhoods.positions[pairs.neighbors]
        + translations
        - neighborhoods.positions[pairs.owners]
    )
    count = int((abs(np.linalg.norm(vectors, axis=1) - cutoff) <= STEP).sum())
    if count:
        warnings.warn(
            f"{count} pairs of atoms are as far apart as the cutoff of {cutoff:g} A, up to "
            f"{STEP:g} A: second derivatives jump there, and the Hessian holds the mean of "
            "both sides; change the cell a little to keep a shell of neighbours clear of the "
            "cutoff",
            stacklevel=2,
        )
