"""Coexistence of order and solution on the square lattice, exact but for the width of a strip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.sparse.linalg import eigsh

__all__ = ["ExactCoexistence", "exact_coexistence"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ExactCoexistence:
    """Of a solution of few spins -1 and a checkerboard.

    Attributes
    ----------
    difference
        Of chemical potentials of the spins -1 and 1, J.
    solution, ordered
        Shares of the spins -1.
    potential
        Grand potential of both, J per site.
    """

    difference: float
    solution: float
    ordered: float
    potential: float


def exact_coexistence(
    temperature: float, couplings: tuple[float, float], width: int
) -> ExactCoexistence:
    """Find where both phases have the same grand potential in an infinitely long strip.

    The largest eigenvalues of the transfer matrix are those of the phases. A row of a checkerboard
    gives way to the other one: of its two eigenvalues, equal but for their signs, the negative one
    stands alone. The positive one mixes with that of the solution where they are equal, which
    leaves their sum, and the sum of the shares, as they are.

    Parameters
    ----------
    temperature : J/k_B
    couplings : J
        Of pairs of neighbours and of pairs across a square; energies are J s s'.
    width
        Of the strip, sites, even; it is periodic.
    """
    strip = _Strip(1.0 / temperature, couplings, width)

    def excess(difference: float) -> float:
        ordered, solution, _, _ = strip.phases(difference)
        return float(np.log(ordered / solution))

    # Without temperature both have the energy -2 J_1 + 2 J_2 here.
    begin = -8.0 * couplings[0]
    found = float(brentq(excess, begin - 2.0, begin + 2.0, xtol=1e-10))
    ordered, _, of_ordered, of_solution = strip.phases(found)
    potential = -temperature * float(np.log(ordered)) / width - 0.5 * found
    return ExactCoexistence(found, of_solution, of_ordered, potential)


class _Strip:
    def __init__(self, beta: float, couplings: tuple[float, float], width: int) -> None:
        self._beta, self._width = beta, width
        near, across = couplings
        numbers = np.arange(2**width)
        spins = 1.0 - 2.0 * ((numbers[:, None] >> np.arange(width)) & 1)
        beside = np.roll(spins, 1, axis=1)
        between = near * spins @ spins.T + across * (spins @ beside.T + beside @ spins.T)
        self._matrix: Array = np.exp(-beta * between)
        self._rows = near * (spins * beside).sum(axis=1)
        self._spins = spins.sum(axis=1)

    def phases(self, difference: float) -> tuple[float, float, float, float]:
        """Eigenvalues of order and solution, and shares of the spins -1 in them."""
        # E - difference N(-1), but for a constant: a field of -difference / 2 on all spins.
        half = np.exp(-0.5 * self._beta * (self._rows + 0.5 * difference * self._spins))
        matrix = half[:, None] * self._matrix * half
        (lowest,), below = eigsh(matrix, 1, which="SA")
        highest, above = eigsh(matrix, 2, which="LA")
        shares = 0.5 * (1.0 - self._spins / self._width)
        of_ordered = float(below[:, 0] ** 2 @ shares)
        both = float((above**2).sum(axis=1) @ shares)
        return -float(lowest), float(highest.sum() + lowest), of_ordered, both - of_ordered
