"""Potentials on a lattice as the compiled core takes them: tables or matrices, lists of sites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.compiled import _core
from maxvolt.errors import SettingsError
from maxvolt.potentials.lattice.potential import LowRankPotential
from maxvolt.potentials.lattice.supercells import Supercell
from maxvolt.potentials.lattice.tensor_train import TensorTrain

__all__ = ["Hamiltonian"]

_LARGEST_TABLE, _LARGEST_AVERAGE = 2**22, 2**24
"""Entries: beyond, the matrices are about as fast as memory; with averages over symmetry, of which
each is a product of its own, later."""

_MOST_SITES = 2**31 - 1

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Hamiltonian:
    """Energies of the arrangements in one supercell.

    Attributes
    ----------
    potential
        That gives them.
    supercell
        Of all arrangements.
    core
        What the compiled core holds.
    """

    potential: LowRankPotential
    supercell: Supercell
    core: Any

    @classmethod
    def of(cls, potential: LowRankPotential, supercell: Supercell) -> Hamiltonian:
        """Prepare one.

        Raises
        ------
        SettingsError
            The supercell has more sites than numbers of 32 bits.
        """
        parent = potential.parent
        n_sites = parent.n_sites(supercell)
        if n_sites > _MOST_SITES:
            raise SettingsError(f"a supercell has at most {_MOST_SITES} sites, not {n_sites}")
        b = len(parent.active)
        kind_of_site = np.empty(b, np.int32)
        lengths = np.empty(b, np.int64)
        for number, environment in enumerate(potential.environments):
            kind_of_site[environment.members] = number
            lengths[environment.members] = environment.length
        first = np.concatenate([[0], np.cumsum(np.tile(lengths, supercell.n_cells))])
        neighbors = np.empty(first[-1], np.int32)
        for environment in potential.environments:
            around = environment.neighbors(parent, supercell)
            places = first[around[:, 0]][:, None] + np.arange(environment.length)
            neighbors[places] = around
        core = _core.lattice_hamiltonian(
            n_species=len(potential.species),
            kinds=[
                _kind(train, environment.permutations)
                for train, environment in zip(potential.trains, potential.environments, strict=True)
            ],
            kind_of=np.tile(kind_of_site, supercell.n_cells),
            n_basis=b,
            atomic=potential.atomic.ravel(),
            may_have=parent.may_have.astype(np.uint8).ravel(),
            first=first.astype(np.int64),
            neighbors=neighbors,
        )
        return cls(potential, supercell, core)

    def energy(self, occupation: NDArray[np.integer[Any]]) -> float:
        """Energy of an arrangement, eV."""
        species = self.potential.checked(self.supercell, occupation)
        return float(self.core.energy(species.astype(np.uint8)))


def _kind(train: TensorTrain, orders: Integers) -> tuple[int, Array, Any, Array, Any]:
    """Length, table, ranks, matrices and orders: the table, or what it would be made of."""
    none = np.empty(0)
    nothing = np.empty(0, np.int32)
    largest = _LARGEST_TABLE if len(orders) == 1 else _LARGEST_AVERAGE
    if train.n_species**train.length <= largest:
        return train.length, _averaged(train, orders), nothing, none, nothing
    ranks = np.array(train.ranks, np.int32)
    return train.length, none, ranks, train.vector(), orders.astype(np.int32).ravel()


def _averaged(train: TensorTrain, orders: Integers) -> Array:
    """Mean of a table over orders of its indices."""
    table = train.table().reshape((train.n_species,) * train.length)
    total = np.zeros_like(table)
    for order in orders:
        # The k-th index of the sum is what stands at place `order` of k: V(s[order]).
        total += table.transpose(np.argsort(order))
    return np.ascontiguousarray(total / len(orders)).ravel()
