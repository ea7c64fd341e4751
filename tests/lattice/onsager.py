"""Exact answers of the Ising model on the square lattice."""

from __future__ import annotations

import numpy as np
from scipy.integrate import quad
from scipy.special import ellipk


def onsager_energy(temperature: float) -> float:
    """Per site of the square lattice, in units of J: L. Onsager, Phys. Rev. 65, 117 (1944)."""
    k = 1.0 / temperature
    kappa = 2.0 * np.sinh(2 * k) / np.cosh(2 * k) ** 2
    return float(
        -(1 + 2 / np.pi * (2 * np.tanh(2 * k) ** 2 - 1) * ellipk(kappa**2)) / np.tanh(2 * k)
    )


def onsager_heat_capacity(temperature: float) -> float:
    """Per site, in units of k_B: the slope of the energy."""
    step = 1e-4 * temperature
    above, below = onsager_energy(temperature + step), onsager_energy(temperature - step)
    return (above - below) / (2 * step)


def onsager_energy_by_integral(temperature: float) -> float:
    """The same from the integral of the free energy, by its slope."""

    k, step = 1.0 / temperature, 1e-5
    return -(_reduced(k + step) - _reduced(k - step)) / (2 * step)


def onsager_free_energy(temperature: float) -> float:
    """Per site, in units of J."""
    return -temperature * _reduced(1.0 / temperature)


def yang_concentration(temperature: float) -> float:
    """Of the dilute one of two phases of the lattice gas: C. N. Yang, Phys. Rev. 85, 808 (1952)."""
    magnetization = (1.0 - np.sinh(2.0 / temperature) ** -4) ** 0.125
    return float(0.5 * (1.0 - magnetization))


def _reduced(k: float) -> float:
    """Logarithm of the partition function per site."""
    kappa = 2 * np.sinh(2 * k) / np.cosh(2 * k) ** 2

    def inner(angle: float) -> float:
        return float(np.log(0.5 * (1 + np.sqrt(1 - (kappa * np.sin(angle)) ** 2))))

    return float(np.log(2 * np.cosh(2 * k)) + quad(inner, 0, np.pi)[0] / (2 * np.pi))
