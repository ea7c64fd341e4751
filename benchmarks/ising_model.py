"""Ising models as low-rank potentials."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase import Atoms

from maxvolt.potentials.lattice import (
    LowRankPotential,
    ParentLattice,
    TensorTrain,
    environments_of,
)

__all__ = ["SPINS", "ising_model", "pairs_of_spins", "square_or_cube"]

SPINS = np.array([1.0, -1.0])


def square_or_cube(dimensions: int) -> Atoms:
    """Sites one apart; a square lattice has its third direction out of reach."""
    return Atoms("Fe", cell=[1.0, 1.0, 1.0 if dimensions == 3 else 3.0], pbc=True)


def ising_model(dimensions: int) -> LowRankPotential:
    """Energy -s s' of each pair of neighbours, in eV."""
    return pairs_of_spins(square_or_cube(dimensions), (-1.0,))


def pairs_of_spins(
    primitive: Atoms, couplings: Sequence[float], species: Sequence[str] = ("Co", "Fe")
) -> LowRankPotential:
    """Energy J s s' of each pair, in eV.

    A row (sum, s_0) goes through the environment; each neighbour adds J s_0 s_k / 2 to the sum.

    Parameters
    ----------
    primitive
        One site.
    couplings
        J of the pairs in each shell.
    species
        By their symbols in the alphabet; the first has the spin 1, the other one -1.
    """
    parent = ParentLattice.of(primitive, species)
    (environment,) = environments_of(parent, len(couplings))
    centre = np.zeros((2, 1, 2))
    centre[:, 0, 1] = SPINS
    cores = [centre] + [
        np.array([[[1.0, 0.0], [0.5 * couplings[shell - 1] * spin, 1.0]] for spin in SPINS])
        for shell in environment.shells[1:]
    ]
    cores[-1] = cores[-1][:, :, :1]
    train = TensorTrain(tuple(np.ascontiguousarray(core) for core in cores))
    return LowRankPotential(parent, len(couplings), False, np.zeros((1, 2)), (train,))
