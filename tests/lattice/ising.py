"""The Ising model as a low-rank potential, and its exact answers."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from scipy.integrate import quad
from scipy.special import ellipk

from maxvolt.potentials.lattice.environments import environments_of
from maxvolt.potentials.lattice.parent import ParentLattice
from maxvolt.potentials.lattice.potential import LowRankPotential
from maxvolt.potentials.lattice.tensor_train import TensorTrain

SPINS = np.array([1.0, -1.0])


def square_or_cube(dimensions: int) -> Atoms:
    """Sites one apart; a square lattice has its third direction out of reach."""
    return Atoms("Fe", cell=[1.0, 1.0, 1.0 if dimensions == 3 else 3.0], pbc=True)


def ising_model(dimensions: int) -> LowRankPotential:
    """Energy -s s' of each pair of neighbours, in eV.

    A row (sum, s_0) goes through the environment; each neighbour adds -s_0 s_k / 2 to the sum.
    """
    parent = ParentLattice.of(square_or_cube(dimensions), ["Co", "Fe"])
    (environment,) = environments_of(parent, 1)
    centre = np.zeros((2, 1, 2))
    centre[:, 0, 1] = SPINS
    neighbor = np.array([[[1.0, 0.0], [-0.5 * spin, 1.0]] for spin in SPINS])
    cores = [centre, *[neighbor] * (environment.length - 2), neighbor[:, :, :1]]
    train = TensorTrain(tuple(np.ascontiguousarray(core) for core in cores))
    return LowRankPotential(parent, 1, False, np.zeros((1, 2)), (train,))


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

    def reduced(k: float) -> float:
        def inner(angle: float) -> float:
            kappa = 2 * np.sinh(2 * k) / np.cosh(2 * k) ** 2
            return float(np.log(0.5 * (1 + np.sqrt(1 - (kappa * np.sin(angle)) ** 2))))

        return float(np.log(2 * np.cosh(2 * k)) + quad(inner, 0, np.pi)[0] / (2 * np.pi))

    k, step = 1.0 / temperature, 1e-5
    return -(reduced(k + step) - reduced(k - step)) / (2 * step)
