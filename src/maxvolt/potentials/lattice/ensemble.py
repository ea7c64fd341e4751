"""Several potentials for the same lattice: their mean, and their spread as its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import SettingsError
from maxvolt.potentials.lattice.parent import ParentLattice
from maxvolt.potentials.lattice.potential import LowRankPotential
from maxvolt.potentials.lattice.supercells import Supercell
from maxvolt.potentials.lattice.tensor_train import TensorTrain

__all__ = ["LowRankEnsemble"]

Array = NDArray[np.float64]
Occupation = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class LowRankEnsemble:
    """Potentials that were fitted to the same arrangements: equation (210).

    Attributes
    ----------
    members
        At least one; all of the same lattice, shells and symmetry.

    Raises
    ------
    SettingsError
        There is none, or they do not belong together.
    """

    members: tuple[LowRankPotential, ...]

    def __post_init__(self) -> None:
        if not self.members:
            raise SettingsError("an ensemble needs at least one potential")
        first = self.members[0]
        for one in self.members[1:]:
            if (one.shells, one.symmetric) != (first.shells, first.symmetric) or not (
                one.parent.allowed == first.parent.allowed
                and np.array_equal(one.parent.cell, first.parent.cell)
                and np.array_equal(one.parent.places, first.parent.places)
            ):
                raise SettingsError(
                    "the potentials of an ensemble need the same lattice, species, shells and "
                    "symmetry"
                )

    @property
    def parent(self) -> ParentLattice:
        """The lattice."""
        return self.members[0].parent

    @property
    def species(self) -> tuple[str, ...]:
        """Symbols, in the order of their numbers."""
        return self.parent.species

    @cached_property
    def digest(self) -> str:
        """Name of the numbers of all members."""
        return sha256("".join(one.digest for one in self.members).encode()).hexdigest()

    def energies(self, supercell: Supercell, occupation: Occupation) -> Array:
        """Energy of an arrangement by each member, shape (members,), eV.

        Raises
        ------
        SettingsError
            The occupation does not fit the supercell.
        """
        return np.array([one.energy(supercell, occupation) for one in self.members])

    def energy(self, supercell: Supercell, occupation: Occupation) -> float:
        """Mean of the energies by the members, eV."""
        return float(self.energies(supercell, occupation).mean())

    def spread(self, supercell: Supercell, occupation: Occupation) -> float:
        """Sample standard deviation of the energies by the members, eV; 0 for one member."""
        found = self.energies(supercell, occupation)
        return float(found.std(ddof=1)) if len(found) > 1 else 0.0

    @cached_property
    def mean(self) -> LowRankPotential:
        """Potential whose energies are the means, for simulations.

        Its ranks are those of all members together, or fewer where the tensors allow no more.
        """
        first, count = self.members[0], len(self.members)
        if count == 1:
            return first
        trains = zip(*(one.trains for one in self.members), strict=True)
        return LowRankPotential(
            first.parent,
            first.shells,
            first.symmetric,
            np.mean([one.atomic for one in self.members], axis=0),
            tuple(TensorTrain.mean_of(several) for several in trains),
        )
