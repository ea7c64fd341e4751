"""Densities of states, and what follows from them at any temperature: equation (228)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from ase.units import kB
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp

from maxvolt.errors import SettingsError
from maxvolt.potentials.lattice.parent import ParentLattice

__all__ = [
    "DensityOfStates",
    "Thermodynamics",
    "joined",
    "logarithm_of_arrangements",
    "thermodynamics",
]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class DensityOfStates:
    """How many arrangements of a composition have which energy.

    Attributes
    ----------
    energies : shape (n,), eV
        Middles of the bins that were found, of the whole supercell.
    logarithms : shape (n,)
        Of the numbers of arrangements.
    width : eV
        Of a bin.
    n_sites
        Of the supercell.
    attempts
        Swaps that were tried.
    """

    energies: Array
    logarithms: Array
    width: float
    n_sites: int
    attempts: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "energies": self.energies.tolist(),
            "logarithms": self.logarithms.tolist(),
            "width": self.width,
            "n_sites": self.n_sites,
            "attempts": self.attempts,
        }

    def _moments(self, temperature: float) -> tuple[float, float, float, float]:
        """Energy, its variance, free energy in eV, and weight of the last bin."""
        beta = 1.0 / (kB * temperature)
        exponents = self.logarithms - beta * self.energies
        total = logsumexp(exponents)
        weights = np.exp(exponents - total)
        mean = float(weights @ self.energies)
        variance = float(weights @ (self.energies - mean) ** 2)
        return mean, variance, float(-total / beta), float(weights[-1])

    def at(self, temperature: float) -> tuple[float, float, float, float, float]:
        """Energy, heat capacity, free energy, entropy, weight of the highest energy.

        Parameters
        ----------
        temperature : K

        Returns
        -------
        energy, heat_capacity, free_energy, entropy, highest
            eV, k_B, eV and k_B per site; and a share.

        Raises
        ------
        SettingsError
            The temperature is not positive.
        """
        if not (np.isfinite(temperature) and temperature > 0):
            raise SettingsError(f"temperature must be a positive number of K, got {temperature}")
        energy, variance, free_energy, highest = self._moments(temperature)
        thermal = kB * temperature
        return (
            energy / self.n_sites,
            variance / thermal**2 / self.n_sites,
            free_energy / self.n_sites,
            (energy - free_energy) / thermal / self.n_sites,
            highest,
        )


@dataclass(frozen=True, slots=True)
class Thermodynamics:
    """What densities of states say of one temperature; errors are NaN of a single one.

    Attributes
    ----------
    temperature : K
    energy, energy_error : eV per site
    heat_capacity, heat_capacity_error : k_B per site
    free_energy, free_energy_error : eV per site
    entropy, entropy_error : k_B per site
    highest
        Weight of the highest energy that was found: where it is not next to nothing, the range of
        energies is too short for this temperature.
    """

    temperature: float
    energy: float
    energy_error: float
    heat_capacity: float
    heat_capacity_error: float
    free_energy: float
    free_energy_error: float
    entropy: float
    entropy_error: float
    highest: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def thermodynamics(
    densities: Sequence[DensityOfStates], temperatures: Sequence[float]
) -> list[Thermodynamics]:
    """Average over densities of independent walks, errors by equation (229).

    Parameters
    ----------
    densities
        Of the same supercell and composition.
    temperatures : K

    Raises
    ------
    SettingsError
        A temperature is not positive.
    """
    found = []
    for temperature in temperatures:
        every = np.array([one.at(temperature) for one in densities])
        mean = every.mean(axis=0)
        error = np.full(4, np.nan)
        if len(every) > 1:
            error = every[:, :4].std(axis=0, ddof=1) / np.sqrt(len(every))
        energy, capacity, free_energy, entropy = zip(mean[:4].tolist(), error.tolist(), strict=True)
        found.append(
            Thermodynamics(
                float(temperature), *energy, *capacity, *free_energy, *entropy, float(mean[4])
            )
        )
    return found


def joined(windows: Sequence[tuple[Integers, Array]]) -> tuple[Integers, Array]:
    """Join densities of states of overlapping ranges of energy.

    Each window is shifted to the mean of what both have; there the two are averaged.

    Parameters
    ----------
    windows
        Bins, as whole numbers, and logarithms of each, from low to high energies.

    Returns
    -------
    bins, logarithms : shape (n,)

    Raises
    ------
    SettingsError
        Two windows have no energy in common.
    """
    bins, logarithms = windows[0]
    for above, of_above in windows[1:]:
        _, here, there = np.intersect1d(bins, above, return_indices=True)
        if not len(here):
            raise SettingsError(
                "two windows have no energy in common; ask for fewer windows or more bins"
            )
        shift = (logarithms[here] - of_above[there]).mean()
        merged = np.concatenate([logarithms, np.delete(of_above + shift, there)])
        merged[here] = (logarithms[here] + of_above[there] + shift) / 2
        bins = np.concatenate([bins, np.delete(above, there)])
        order = np.argsort(bins)
        bins, logarithms = bins[order], merged[order]
    return bins, logarithms


def logarithm_of_arrangements(parent: ParentLattice, occupation: NDArray[np.integer[Any]]) -> float:
    """Logarithm of the number of arrangements that swaps can reach.

    Raises
    ------
    SettingsError
        Sites have some, but not all of their species in common: they are not counted so simply.
    """
    species = np.asarray(occupation).reshape(-1, len(parent.active))
    kinds, of_site = np.unique(parent.may_have, axis=0, return_inverse=True)
    if (kinds.sum(axis=0) > 1).any():
        raise SettingsError(
            "sites that differ in what they allow have species in common; densities of states "
            "need sites whose species are the same or all different"
        )
    total = 0.0
    for kind in range(len(kinds)):
        counts = np.bincount(species[:, of_site.ravel() == kind].ravel())
        total += float(gammaln(counts.sum() + 1) - gammaln(counts + 1).sum())
    return total
