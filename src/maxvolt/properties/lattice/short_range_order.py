"""Short-range order of Warren and Cowley: equation (206)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.potentials.lattice.environments import environments_of
from maxvolt.potentials.lattice.parent import ParentLattice
from maxvolt.potentials.lattice.supercells import Supercell

__all__ = ["ShellPairs"]

Array = NDArray[np.float64]


class ShellPairs:
    """Pairs of sites of a supercell, shell by shell.

    Parameters
    ----------
    parent
        The lattice.
    supercell
        Of the arrangements.
    shells
        Nearest shells around each site.
    """

    def __init__(self, parent: ParentLattice, supercell: Supercell, shells: int) -> None:
        self._parent = parent
        self._n_species = len(parent.species)
        kinds = environments_of(parent, shells)
        every = [kind.neighbors(parent, supercell) for kind in kinds]
        self._pairs = [
            [
                _pairs(around, kind.shells == shell)
                for kind, around in zip(kinds, every, strict=True)
            ]
            for shell in range(1, shells + 1)
        ]
        self.distances = np.array(
            [kinds[0].distances[kinds[0].shells == shell][0] for shell in range(1, shells + 1)]
        )

    def probabilities(self, occupation: NDArray[np.integer[Any]]) -> Array:
        """Share of the pairs of each shell that are of two species, shape (shells, c, c)."""
        species, c = np.asarray(occupation, np.int64), self._n_species
        found = np.zeros((len(self._pairs), c * c))
        for row, kinds in zip(found, self._pairs, strict=True):
            for centres, others in kinds:
                row += np.bincount(
                    (species[centres] * c + species[others]).ravel(), minlength=c * c
                )
        return np.asarray((found / found.sum(axis=1, keepdims=True)).reshape(-1, c, c))

    def parameters(self, occupation: NDArray[np.integer[Any]]) -> Array:
        """Parameters alpha of Warren and Cowley, shape (shells, c, c); NaN of what is not there.

        0 where species are at random, negative where two attract each other.
        """
        pairs = self.probabilities(occupation)
        shares = np.bincount(occupation, minlength=self._n_species) / len(occupation)
        at_random = shares[:, None] * shares[None, :]
        with np.errstate(invalid="ignore", divide="ignore"):
            found = 1.0 - pairs / at_random
        return np.where(at_random > 0, found, np.nan)


def _pairs(
    around: NDArray[np.int64], of_shell: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Centres, as a column, and their neighbours of a shell."""
    return around[:, :1], around[:, of_shell]
