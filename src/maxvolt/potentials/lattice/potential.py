"""Low-rank potentials: energies of arrangements of species on a lattice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import SettingsError
from maxvolt.potentials.lattice.environments import Environment, environments_of
from maxvolt.potentials.lattice.parent import ParentLattice
from maxvolt.potentials.lattice.supercells import Supercell
from maxvolt.potentials.lattice.tensor_train import TensorTrain

__all__ = ["LowRankPotential"]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LowRankPotential:
    """Energy of an arrangement: equation (201).

    Attributes
    ----------
    parent
        The lattice.
    shells
        Shells of neighbours in an environment.
    symmetric
        Whether environments are averaged over the symmetry of the site.
    atomic : shape (b, c), eV
        Energy of each species on each site with a choice: the part that is linear in the
        concentrations.
    trains
        For each kind of site, what its environment adds, eV.
    """

    parent: ParentLattice
    shells: int
    symmetric: bool
    atomic: Array
    trains: tuple[TensorTrain, ...]

    def __post_init__(self) -> None:
        c = len(self.parent.species)
        if self.atomic.shape != (len(self.parent.active), c):
            raise SettingsError(f"atomic must have the shape {(len(self.parent.active), c)}")
        expected = [(one.length, c) for one in self.environments]
        if [(one.length, one.n_species) for one in self.trains] != expected:
            raise SettingsError(f"the lattice asks for trains of length and species {expected}")

    @cached_property
    def environments(self) -> tuple[Environment, ...]:
        """For each kind of site."""
        return environments_of(self.parent, self.shells, symmetric=self.symmetric)

    @property
    def species(self) -> tuple[str, ...]:
        """Symbols, in the order of their numbers."""
        return self.parent.species

    @cached_property
    def digest(self) -> str:
        """Name of its numbers, lattice and species."""
        content = sha256(repr((self.parent.allowed, self.shells, self.symmetric)).encode())
        for array in (self.parent.cell, self.parent.places, self.atomic):
            content.update(np.ascontiguousarray(array).tobytes())
        for train in self.trains:
            content.update(repr(train.ranks).encode() + train.vector().tobytes())
        return content.hexdigest()

    @property
    def n_parameters(self) -> int:
        """Number of parameters, as they stand in the file."""
        return self.atomic.size + sum(train.n_parameters for train in self.trains)

    def site_energies(self, supercell: Supercell, occupation: NDArray[np.integer[Any]]) -> Array:
        """Energies of all sites with a choice, shape (n_sites,), eV.

        Parameters
        ----------
        supercell
            Of the arrangement.
        occupation : shape (n_sites,), int
            Numbers of species.

        Raises
        ------
        SettingsError
            The occupation does not fit the supercell.
        """
        species = self.checked(supercell, occupation)
        b = len(self.parent.active)
        of_sites = np.arange(len(species)) % b
        energies = np.array(self.atomic[of_sites, species])
        for environment, train in zip(self.environments, self.trains, strict=True):
            around = environment.neighbors(self.parent, supercell)
            orders = environment.permutations
            total = sum(train.values(species[around[:, order]]) for order in orders)
            energies[around[:, 0]] += total / len(orders)
        return energies

    def energy(self, supercell: Supercell, occupation: NDArray[np.integer[Any]]) -> float:
        """Energy of an arrangement, eV."""
        return float(self.site_energies(supercell, occupation).sum())

    def checked(self, supercell: Supercell, occupation: Sequence[int] | Any) -> Integers:
        """An occupation as numbers that fit.

        Raises
        ------
        SettingsError
            Its length is wrong, or a site may not have its species.
        """
        species = np.asarray(occupation)
        n = self.parent.n_sites(supercell)
        if species.shape != (n,) or species.dtype.kind not in "iu":
            raise SettingsError(
                f"an occupation has one whole number for each of the {n} sites; got an array of "
                f"shape {species.shape}"
            )
        b = len(self.parent.active)
        inside = (species >= 0) & (species < len(self.species))
        if not inside.all() or not self.parent.may_have[np.arange(n) % b, species].all():
            raise SettingsError("an occupation has species that its sites may not have")
        return species.astype(np.int64)
