"""Averages at temperatures beside the one that was simulated: equation (208)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import logsumexp

from maxvolt.errors import SettingsError

__all__ = ["binder_cumulant", "cumulant_crossing", "reweighted"]

Array = NDArray[np.float64]


def reweighted(energies: ArrayLike, values: ArrayLike, beta: float, other: float) -> Array:
    """Average values over the states of a simulation as if it had another temperature.

    Parameters
    ----------
    energies : shape (n,), eV
        Of the whole supercell.
    values : shape (n,) or (k, n)
        What is averaged.
    beta, other : 1/eV
        Inverse temperatures, of the simulation and of the average.

    Returns
    -------
    averages : scalar or shape (k,)

    References
    ----------
    A. M. Ferrenberg and R. H. Swendsen, Phys. Rev. Lett. 61, 2635 (1988).
    """
    exponents = -(other - beta) * np.asarray(energies, float)
    weights = np.exp(exponents - logsumexp(exponents))
    return np.asarray(np.asarray(values, float) @ weights)


def binder_cumulant(moments: ArrayLike, energies: ArrayLike, beta: float, other: float) -> float:
    """1 - <m^4> / (3 <m^2>^2) of an order parameter m: equation (209).

    Parameters
    ----------
    moments : shape (n,)
        The order parameter, whose mean is zero by symmetry.
    energies, beta, other
        As of `reweighted`.
    """
    squares = np.asarray(moments, float) ** 2
    second, fourth = reweighted(energies, [squares, squares**2], beta, other)
    return float(1.0 - fourth / (3.0 * second**2))


def cumulant_crossing(
    small: Callable[[float], float], large: Callable[[float], float], betas: tuple[float, float]
) -> float:
    """Find where the cumulants of two sizes are equal, 1/eV.

    Raises
    ------
    SettingsError
        They do not cross between the two inverse temperatures.
    """

    def difference(beta: float) -> float:
        return large(beta) - small(beta)

    if difference(betas[0]) * difference(betas[1]) > 0:
        raise SettingsError(
            f"the cumulants do not cross between {betas[0]:g} and {betas[1]:g} 1/eV; look in a "
            "wider range, or take more samples"
        )
    return float(brentq(difference, *betas))
