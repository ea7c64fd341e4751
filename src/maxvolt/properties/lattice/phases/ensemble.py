"""Semi-grand-canonical means of one phase, by a chain or by its lowest excitations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from maxvolt.potentials.lattice.chain import Chain
from maxvolt.potentials.lattice.hamiltonian import Hamiltonian
from maxvolt.potentials.lattice.potential import LowRankPotential
from maxvolt.properties.lattice.phases.ground_states import GroundState
from maxvolt.properties.lattice.phases.variants import Orders
from maxvolt.properties.statistics import series_mean

__all__ = ["Excitations", "Moments", "PhaseCell", "PhaseChain", "has_left"]

Array = NDArray[np.float64]

_PIECES = 10
"""Of a production, after each of which it is looked at the order."""

_HALF = 0.5
"""Least order of an ordered phase, and most of a solution."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Means and fluctuations at one temperature and difference of chemical potentials.

    Attributes
    ----------
    concentration, concentration_error
        Share of the second species.
    energy, energy_error : eV per site
        Of the ensemble: that of the arrangement less the difference of chemical potentials for each
        atom of the second species.
    susceptibility, susceptibility_error
        Variance of the concentration times the number of sites.
    capacity, capacity_error : eV^2
        Variance of the energy per site times the number of sites.
    order
        Of an ordered phase: the overlap with its ground state, 1 where it is perfect, 0 where
        nothing of it is left. Of a solution: the largest order of any ground state in it.
    """

    concentration: float
    concentration_error: float
    energy: float
    energy_error: float
    susceptibility: float
    susceptibility_error: float
    capacity: float
    capacity_error: float
    order: float


def has_left(moments: Moments, *, ordered: bool) -> bool:
    """Whether an ordered phase has lost its order, or a solution has that of a ground state."""
    return moments.order < _HALF if ordered else moments.order > _HALF


@dataclass(frozen=True, slots=True, eq=False)
class PhaseCell:
    """A supercell filled with a ground state.

    Attributes
    ----------
    state
        The ground state.
    hamiltonian
        Energies.
    pattern : shape (n_sites,)
        Species of all sites.
    sites : shape (n_sites,)
        Site of the ground state that each repeats.
    orders
        What must not be in a solution; None of ordered phases.
    """

    state: GroundState
    hamiltonian: Hamiltonian
    pattern: NDArray[np.int64]
    sites: NDArray[np.int64]
    orders: Orders | None

    @classmethod
    def of(
        cls,
        potential: LowRankPotential,
        state: GroundState,
        repeats: tuple[int, int, int],
        states: Sequence[GroundState] = (),
    ) -> PhaseCell:
        """Fill one of about so many repeats of the primitive cell.

        Parameters
        ----------
        potential
            Energies.
        state
            What it is filled with.
        repeats
            Rounded to the period of the state.
        states
            All ground states: where one of species alone has their order, it is no solution.
        """
        parent = potential.parent
        supercell, sites = state.tiled(parent, repeats)
        orders = Orders(parent, supercell, states) if state.pure else None
        hamiltonian = Hamiltonian.of(potential, supercell)
        return cls(state, hamiltonian, state.occupation[sites], sites, orders)

    def order(self, occupation: NDArray[np.integer[Any]]) -> float:
        """Of an arrangement, as `Moments` have it."""
        if self.orders is not None:
            return self.orders.largest(occupation)
        pattern = self.pattern - self.pattern.mean()
        return float(pattern @ occupation) / float(pattern @ pattern)


class PhaseChain:
    """A chain that begins in one phase.

    Parameters
    ----------
    cell
        Energies, and what the phase is.
    occupation : shape (n_sites,)
        To begin with.
    equilibration, production
        Sweeps of each measurement.
    seed
        Of the random numbers.
    """

    def __init__(
        self,
        cell: PhaseCell,
        occupation: NDArray[np.integer[Any]],
        equilibration: int,
        production: int,
        seed: int,
    ) -> None:
        self._cell = cell
        self._chain = Chain(cell.hamiltonian, occupation, seed)
        self._equilibration, self._production = equilibration, production

    def has_left(self, moments: Moments) -> bool:
        """Whether it has gone over into another phase, by the order."""
        return has_left(moments, ordered=self._cell.orders is None)

    @property
    def occupation(self) -> NDArray[np.int64]:
        """Species of all sites."""
        return self._chain.occupation

    def put(self, occupation: NDArray[np.integer[Any]]) -> None:
        """Go back to an arrangement, with new random numbers."""
        self._chain = Chain.in_state(self._cell.hamiltonian, occupation, self._chain.random_state)

    def settle(self, beta: float, difference: float) -> None:
        """Equilibrate as long as measurements take altogether."""
        n = len(self._cell.pattern)
        attempts = (self._equilibration + self._production) * n
        self._chain.run_at(beta, attempts, chemical_potentials=(0.0, difference))

    def measure(self, beta: float, difference: float) -> Moments:
        """Equilibrate and average.

        Parameters
        ----------
        beta : 1/eV
            Inverse temperature.
        difference : eV
            Chemical potential of the second species less that of the first.
        """
        n = len(self._cell.pattern)
        potentials = (0.0, difference)
        self._chain.run_at(beta, self._equilibration * n, chemical_potentials=potentials)
        pieces = min(_PIECES, self._production)
        samples, orders = [], []
        for piece in range(pieces):
            sweeps = (piece + 1) * self._production // pieces - piece * self._production // pieces
            samples.append(self._chain.run_at(beta, sweeps * n, n, potentials))
            orders.append(self._cell.order(self.occupation))
        shares = np.concatenate([one.counts[:, 1] for one in samples]) / n
        energies = np.concatenate([one.energies for one in samples]) / n - difference * shares
        share, energy = series_mean(shares, 0), series_mean(energies, 0)
        varied = series_mean((shares - share.mean) ** 2, 0)
        spread = series_mean((energies - energy.mean) ** 2, 0)
        return Moments(
            share.mean, share.error, energy.mean, energy.error, n * varied.mean, n * varied.error,
            n * spread.mean, n * spread.error, float(np.mean(orders)),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Excitations:
    """Single sites of a ground state that have the other species: equation (221).

    Attributes
    ----------
    state
        The ground state.
    energies : shape (n,), eV
        That they cost, for each site of its cell.
    steps : shape (n,)
        1 where a site gets the second species, else -1.
    """

    state: GroundState
    energies: Array
    steps: Array

    @classmethod
    def of(cls, phase: PhaseCell) -> Excitations:
        """Find them in a supercell."""
        chain = Chain(phase.hamiltonian, phase.pattern)
        firsts = np.unique(phase.sites, return_index=True)[1].tolist()
        others = [int(1 - phase.pattern[site]) for site in firsts]
        costs = [chain.difference([site], [s]) for site, s in zip(firsts, others, strict=True)]
        return cls(phase.state, np.array(costs), 2.0 * np.array(others) - 1.0)

    def costs(self, difference: float) -> Array:
        """Of the ensemble, shape (n,), eV."""
        return self.energies - self.steps * difference

    def excited(self, beta: float, difference: float) -> float:
        """Share of the sites that are excited."""
        return float(expit(-beta * self.costs(difference)).mean())

    def hottest(self, difference: float, share: float) -> float:
        """Inverse temperature at which so many sites are excited, 1/eV; infinite: at none.

        Where a site is unstable it is infinite.
        """
        least = float(self.costs(difference).min())
        if least <= 0:
            return float("inf")
        low, high = 0.0, -np.log(share) / least
        for _ in range(60):
            middle = 0.5 * (low + high)
            low, high = (
                (middle, high) if self.excited(middle, difference) > share else (low, middle)
            )
        return float(high)

    def grand_potential(self, beta: float, difference: float) -> float:
        """Grand potential, eV per site."""
        ground = self.state.energy - difference * self.state.concentration
        return float(ground - np.logaddexp(0.0, -beta * self.costs(difference)).mean() / beta)

    def moments(self, beta: float, difference: float) -> Moments:
        """Means and fluctuations."""
        costs = self.costs(difference)
        shares = expit(-beta * costs)
        spread = shares * (1 - shares)
        state = self.state
        pattern = state.occupation - state.concentration
        order = 0.0
        if not state.pure:
            order = 1.0 + float((pattern * self.steps * shares).sum() / (pattern @ pattern))
        return Moments(
            state.concentration + float((self.steps * shares).mean()), 0.0,
            state.energy - difference * state.concentration + float((costs * shares).mean()), 0.0,
            float(spread.mean()), 0.0, float((costs**2 * spread).mean()), 0.0, order,
        )  # fmt: skip
