"""Markov chains of arrangements on a lattice, run by the compiled core."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase.units import kB
from numpy.typing import NDArray

from maxvolt.compiled import _core
from maxvolt.errors import SettingsError
from maxvolt.potentials.lattice.hamiltonian import Hamiltonian

__all__ = ["Chain", "Samples"]

Array = NDArray[np.float64]


class Samples:
    """What a chain has been through.

    Attributes
    ----------
    energies : shape (n,), eV
        Of the whole supercell.
    counts : shape (n, c), int
        Atoms of each species.
    accepted : float
        Share of the attempts.
    """

    def __init__(self, energies: Array, counts: NDArray[np.int32], accepted: float) -> None:
        self.energies = energies
        self.counts = counts
        self.accepted = accepted


class Chain:
    """Changes an arrangement step by step, deterministically by its seed.

    Parameters
    ----------
    hamiltonian
        Energies.
    occupation : shape (n_sites,), int
        Species of all sites to begin with.
    seed
        Of the random numbers.
    """

    def __init__(
        self, hamiltonian: Hamiltonian, occupation: NDArray[np.integer[Any]], seed: int = 0
    ) -> None:
        species = hamiltonian.potential.checked(hamiltonian.supercell, occupation)
        self._begin(hamiltonian, species, _core.lattice_random_state(seed))

    def _begin(
        self, hamiltonian: Hamiltonian, species: NDArray[np.integer[Any]], state: Sequence[int]
    ) -> None:
        self.hamiltonian = hamiltonian
        self._core = _core.LatticeChain(hamiltonian.core, species.astype(np.uint8), state)

    @property
    def occupation(self) -> NDArray[np.int64]:
        """Species of all sites, shape (n_sites,)."""
        return np.asarray(self._core.species, np.int64)

    @property
    def energy(self) -> float:
        """Energy of the arrangement, eV."""
        return float(self._core.energy)

    def run(
        self,
        temperature: float,
        attempts: int,
        *,
        every: int = 0,
        chemical_potentials: Sequence[float] | None = None,
    ) -> Samples:
        """Attempt changes, accepted as Metropolis has it: equations (203) and (204).

        Parameters
        ----------
        temperature : K
        attempts
            Their number.
        every
            Attempts between samples; 0: none is taken.
        chemical_potentials : shape (c,), eV
            Of each species: sites change their species one by one. None: two sites exchange them.

        Raises
        ------
        SettingsError
            The temperature is not positive, or a number is negative.
        """
        if not (np.isfinite(temperature) and temperature > 0):
            raise SettingsError(f"temperature must be a positive number of K, got {temperature}")
        return self.run_at(1.0 / (kB * temperature), attempts, every, chemical_potentials)

    def run_at(
        self,
        beta: float,
        attempts: int,
        every: int = 0,
        chemical_potentials: Sequence[float] | None = None,
    ) -> Samples:
        """The same at an inverse temperature, 1/eV."""
        if attempts < 0 or every < 0:
            raise SettingsError("attempts and every must not be negative")
        n = attempts // every if every else 0
        energies = np.empty(n)
        c = len(self.hamiltonian.potential.species)
        counts = np.empty((n, c), np.int32)
        given = np.empty(0) if chemical_potentials is None else np.array(chemical_potentials, float)
        if chemical_potentials is not None and (
            given.shape != (c,) or not np.isfinite(given).all()
        ):
            raise SettingsError(f"there must be one chemical potential for each of {c} species")
        accepted = self._core.run(beta, given, attempts, every, energies, counts)
        self._core.renew()
        return Samples(energies, counts, accepted / attempts if attempts else 0.0)

    def difference(self, sites: Sequence[int], species: Sequence[int]) -> float:
        """Change of energy if these sites had these species, eV; nothing is changed."""
        return float(self._core.difference(np.array(sites, np.int32), np.array(species, np.uint8)))

    def walk(
        self, lowest: float, width: float, logarithms: Array, visits: NDArray[np.int64],
        step: float, attempts: int,
    ) -> float:  # fmt: skip
        """Swaps that visit all energies alike, as Wang and Landau have it: equation (205).

        Parameters
        ----------
        lowest, width : eV
            Of the first bin of energies.
        logarithms, visits : shape (bins,)
            Of the density of states, and how often the chain was there; both are changed.
        step
            Added to a logarithm at each visit.
        attempts
            Their number.

        Returns
        -------
        accepted
            Share of the attempts.
        """
        accepted = self._core.walk(lowest, width, logarithms, visits, step, attempts)
        self._core.renew()
        return accepted / attempts if attempts else 0.0

    @property
    def random_state(self) -> NDArray[np.uint64]:
        """State of the random numbers, shape (4,)."""
        return np.array(self._core.random_state, np.uint64)

    @classmethod
    def in_state(
        cls,
        hamiltonian: Hamiltonian,
        occupation: NDArray[np.integer[Any]],
        random_state: NDArray[np.uint64],
    ) -> Chain:
        """Go on bit for bit where another chain was."""
        found = cls.__new__(cls)
        species = hamiltonian.potential.checked(hamiltonian.supercell, occupation)
        found._begin(hamiltonian, species, [int(word) for word in random_state])
        return found
