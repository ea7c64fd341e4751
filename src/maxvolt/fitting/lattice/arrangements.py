"""Energies of arrangements of species on a lattice, and the equations that they give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from maxvolt.errors import FitError
from maxvolt.potentials.lattice.environments import Environment
from maxvolt.potentials.lattice.parent import ParentLattice
from maxvolt.potentials.lattice.potential import LowRankPotential
from maxvolt.potentials.lattice.supercells import Supercell
from maxvolt.potentials.lattice.tensor_train import TensorTrain

__all__ = ["Arrangement", "Equations", "counted", "equations"]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Arrangement:
    """A structure on a lattice, with its energy where that is known.

    Attributes
    ----------
    supercell
        Its edges.
    occupation : shape (n_sites,), int
        Numbers of species.
    energy : eV
        Of the supercell; NaN where it is not known.
    """

    supercell: Supercell
    occupation: Integers
    energy: float = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Equations:
    """Energies per site as sums over environments, each environment listed once.

    Attributes
    ----------
    environments : for each kind of site, shape (M, n), int64
        Those that are in any arrangement.
    counts : for each kind of site, sparse, shape (S, M)
        How often each is in each arrangement, per site, with the averages over symmetry.
    shells : for each kind of site, shape (n,), int64
        Shell of each place of its environments; 0 is the site itself.
    concentrations : shape (S, b c)
        Share of the sites that are site i of the primitive cell with species s.
    energies : shape (S,), eV per site
    n_species : int
        Number of species, c.
    """

    environments: tuple[Integers, ...]
    counts: tuple[Any, ...]
    shells: tuple[Integers, ...]
    concentrations: Array
    energies: Array
    n_species: int

    def of_trains(self, trains: Sequence[TensorTrain]) -> Array:
        """What trains, one for each kind of site, say of all arrangements, eV per site."""
        found = np.zeros(len(self.energies))
        for counts, train, environments in zip(self.counts, trains, self.environments, strict=True):
            found += counts @ train.values(environments)
        return found

    def energies_by(self, potential: LowRankPotential) -> Array:
        """Energies of all arrangements by a potential, eV per site."""
        return self.concentrations @ potential.atomic.ravel() + self.of_trains(potential.trains)

    def selected(self, chosen: NDArray[Any]) -> Equations:
        """The same of some arrangements."""
        return replace(
            self,
            counts=tuple(one[chosen] for one in self.counts),
            concentrations=self.concentrations[chosen],
            energies=self.energies[chosen],
        )

    def weighted(self, weights: Array) -> Equations:
        """The same with weights of the squared errors of the arrangements, shape (S,)."""
        factors = np.sqrt(weights / weights.mean())
        return replace(
            self,
            counts=tuple(scipy.sparse.diags_array(factors) @ one for one in self.counts),
            concentrations=factors[:, None] * self.concentrations,
            energies=factors * self.energies,
        )


def equations(
    parent: ParentLattice,
    kinds: Sequence[Environment],
    arrangements: Sequence[Arrangement],
) -> Equations:
    """Count environments of arrangements whose energies are known.

    Parameters
    ----------
    parent
        The lattice.
    kinds
        Environments of each kind of site.
    arrangements
        Labelled.

    Raises
    ------
    FitError
        There is none, or an energy is not finite.
    """
    if not arrangements or not all(np.isfinite(one.energy) for one in arrangements):
        raise FitError("a fit on a lattice needs arrangements whose energies are finite")
    return counted(parent, kinds, arrangements)


def counted(
    parent: ParentLattice,
    kinds: Sequence[Environment],
    arrangements: Sequence[Arrangement],
) -> Equations:
    """The same of arrangements, one or more, whose energies need not be known."""
    energies = np.array([one.energy for one in arrangements], float)
    sizes = np.array([len(one.occupation) for one in arrangements])
    environments, counts = [], []
    for kind in kinds:
        found, owners, shares = [], [], []
        for number, one in enumerate(arrangements):
            around = one.occupation[kind.neighbors(parent, one.supercell)]
            every = around[:, kind.permutations].reshape(-1, kind.length)
            unique, times = np.unique(every, axis=0, return_counts=True)
            found.append(unique)
            owners.append(np.full(len(unique), number))
            shares.append(times / (len(kind.permutations) * sizes[number]))
        unique, places = np.unique(np.concatenate(found), axis=0, return_inverse=True)
        matrix = scipy.sparse.csr_matrix(
            (np.concatenate(shares), (np.concatenate(owners), places.ravel())),
            shape=(len(arrangements), len(unique)),
        )
        environments.append(unique.astype(np.int64))
        counts.append(matrix)
    return Equations(
        tuple(environments),
        tuple(counts),
        tuple(kind.shells for kind in kinds),
        _concentrations(parent, arrangements),
        energies / sizes,
        len(parent.species),
    )


def _concentrations(parent: ParentLattice, arrangements: Sequence[Arrangement]) -> Array:
    b, c = parent.may_have.shape
    found = np.zeros((len(arrangements), b * c))
    for row, one in zip(found, arrangements, strict=True):
        sites = np.arange(len(one.occupation)) % b
        row += np.bincount(sites * c + one.occupation, minlength=b * c) / len(one.occupation)
    return found
