"""What a simulation at one temperature has shown: means, fluctuations, order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase.units import kB
from numpy.typing import NDArray

from maxvolt.errors import SettingsError
from maxvolt.potentials.lattice.chain import Samples
from maxvolt.potentials.lattice.parent import ParentLattice
from maxvolt.potentials.lattice.supercells import Supercell
from maxvolt.properties.lattice.at_temperature import AtTemperature
from maxvolt.properties.lattice.order import CubicSites, ordered_state
from maxvolt.properties.lattice.short_range_order import ShellPairs
from maxvolt.properties.statistics import series_mean

__all__ = ["Observer"]


class Observer:
    """Averages over the samples and arrangements of simulations in one supercell.

    Parameters
    ----------
    parent, supercell
        Of the arrangements.
    shells
        Of the short-range order.
    chemical_potentials : eV
        Of each species, which then replace each other; None: constant composition.
    """

    def __init__(
        self,
        parent: ParentLattice,
        supercell: Supercell,
        shells: int,
        chemical_potentials: Sequence[float] | None,
    ) -> None:
        self._parent, self._supercell = parent, supercell
        self._potentials = np.array(chemical_potentials or np.zeros(len(parent.species)))
        self._pairs = ShellPairs(parent, supercell, shells)
        try:
            CubicSites.of(parent, supercell)
        except SettingsError:  # long-range order is found and named on cubic lattices alone
            self._cubic = False
        else:
            self._cubic = True

    def at_temperature(
        self,
        temperature: float,
        parts: Sequence[Samples],
        arrangements: NDArray[np.integer[Any]],
        occupation: NDArray[np.int64],
        random_state: NDArray[np.uint64],
    ) -> AtTemperature:
        """Average.

        Parameters
        ----------
        temperature : K
        parts
            One after the other.
        arrangements : shape (n, n_sites)
            Over which the order is averaged.
        occupation, random_state
            What the simulation goes on with.
        """
        n, pieces = len(occupation), len(arrangements)
        energies = np.concatenate([part.energies for part in parts]) / n
        counts = np.concatenate([part.counts for part in parts])
        mean = series_mean(energies, 0)
        grand = energies - counts @ self._potentials / n  # what fluctuates with the entropy
        squares = series_mean((grand - grand.mean()) ** 2, 0)
        scale = n / (kB * temperature) ** 2  # of kB
        order = np.array([self._pairs.parameters(one) for one in arrangements])
        spread = order.std(axis=0, ddof=1) if pieces > 1 else np.full(order.shape[1:], np.nan)
        return AtTemperature(
            temperature=temperature,
            energy=mean.mean,
            energy_error=mean.error,
            heat_capacity=squares.mean * scale,
            heat_capacity_error=squares.error * scale,
            accepted=float(np.mean([part.accepted for part in parts])),
            concentrations=counts.mean(axis=0) / n,
            order=order.mean(axis=0),
            order_error=spread / np.sqrt(pieces),
            state=(
                ordered_state(self._parent, self._supercell, arrangements) if self._cubic else None
            ),
            occupation=occupation,
            random_state=random_state,
        )
