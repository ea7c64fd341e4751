"""Sublattices of an ordered cell, and their occupations."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import SettingsError
from maxvolt.potentials.lattice.parent import ParentLattice
from maxvolt.potentials.lattice.supercells import Supercell

__all__ = ["Sublattices"]

Array = NDArray[np.float64]


class Sublattices:
    """Sites of a supercell by the site of an ordered cell that they repeat.

    Parameters
    ----------
    parent
        The lattice.
    supercell
        Of the arrangements.
    ordered
        The cell that is repeated, in the same primitive vectors.

    Attributes
    ----------
    numbers : shape (n_sites,), int64
        Sublattice of each site: cell after cell of the ordered cell, site after site in each.
    count : int
        How many there are.

    Raises
    ------
    SettingsError
        The supercell is not made of whole ordered cells.
    """

    def __init__(self, parent: ParentLattice, supercell: Supercell, ordered: Supercell) -> None:
        if ordered.numbers(supercell.vectors).any():
            raise SettingsError(
                f"the supercell {supercell.vectors.tolist()} is not made of whole ordered cells "
                f"{ordered.vectors.tolist()}"
            )
        b = len(parent.active)
        cells = ordered.numbers(supercell.offsets())
        self.numbers = (cells[:, None] * b + np.arange(b)).ravel()
        self.count = ordered.n_cells * b
        self._n_species = len(parent.species)

    def occupations(self, occupation: NDArray[np.integer[Any]]) -> Array:
        """Share of each species on each sublattice, shape (count, c)."""
        return shares(self.numbers, self.count, occupation, self._n_species)


def shares(
    numbers: NDArray[np.int64], count: int, occupation: NDArray[np.integer[Any]], n_species: int
) -> Array:
    """Share of each species on the sites of each number, shape (count, n_species)."""
    found = np.bincount(
        numbers * n_species + np.asarray(occupation, np.int64), minlength=count * n_species
    ).reshape(count, n_species)
    return np.asarray(found / found.sum(axis=1, keepdims=True))
