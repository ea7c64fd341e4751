"""The Ising model as a low-rank potential."""

from __future__ import annotations

import numpy as np
from ase import Atoms

from maxvolt.potentials.lattice import (
    LowRankPotential,
    ParentLattice,
    TensorTrain,
    environments_of,
)

__all__ = ["SPINS", "ising_model", "square_or_cube"]

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
