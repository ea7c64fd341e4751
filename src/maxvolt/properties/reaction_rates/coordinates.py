"""Reaction coordinates: 0 at the surface of separate reactants, 1 at that of the transition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from ase import units
from numpy.typing import NDArray

from maxvolt.errors import DataError

__all__ = ["Bimolecular", "Line", "ReactionCoordinate"]

Array = NDArray[np.float64]
Bond = tuple[int, int]


class ReactionCoordinate(Protocol):
    """What umbrella sampling and transmission ask of a coordinate xi."""

    @property
    def unit(self) -> str:
        """Unit of rates."""
        ...

    def check(self, positions: Array) -> None:
        """Refuse a system that it does not fit, positions of shape (N, d)."""
        ...

    def evaluate(self, centroids: Array, masses: Array) -> tuple[Array, Array]:
        """Xi, shape (R,), and its gradient, shape (R, N, d), 1/Angstrom."""
        ...

    def is_across(self, centroids: Array, masses: Array, value: float) -> NDArray[np.bool_]:
        """Whether centroids are on the products' side of where xi has a value, shape (R,)."""
        ...

    def rate_of_reactants(self, masses: Array, temperature: float) -> float:
        """Rate that the free energy at the transition state is compared with, in `unit`."""
        ...


@dataclass(frozen=True, slots=True)
class Line:
    """One particle on a line: a model without partition functions.

    Parameters
    ----------
    reactant, transition : Angstrom
        Places where xi is 0, where the potential vanishes, and 1.
    """

    reactant: float
    transition: float = 0.0
    unit = "m/s"

    def check(self, positions: Array) -> None:
        """Refuse all but one particle on a line, and places that are none or the same."""
        if not (np.isfinite(self.transition - self.reactant) and self.transition != self.reactant):
            raise DataError(
                "reactant and transition must be different places; got "
                f"{self.reactant} and {self.transition}"
            )
        if positions.shape != (1, 1):
            raise DataError(
                f"Line is for one particle in one dimension; got positions of shape "
                f"{positions.shape}"
            )

    def evaluate(self, centroids: Array, masses: Array) -> tuple[Array, Array]:
        """See `ReactionCoordinate`."""
        length = self.transition - self.reactant
        values = (centroids[:, 0, 0] - self.reactant) / length
        return values, np.full(centroids.shape, 1 / length)

    def is_across(self, centroids: Array, masses: Array, value: float) -> NDArray[np.bool_]:
        """See `ReactionCoordinate`."""
        return self.evaluate(centroids, masses)[0] > value

    def rate_of_reactants(self, masses: Array, temperature: float) -> float:
        """Flux of free particles in one direction over their density, m/s."""
        flux = np.sqrt(units.kB * temperature / (2 * np.pi * masses[0]))
        return float(flux) * units.fs * 1e5  # 1 Angstrom/fs is 1e5 m/s


@dataclass(frozen=True, slots=True)
class Bimolecular:
    """Two reactants, equations (135) and (136), as in RPMDrate.

    Parameters
    ----------
    first, second
        Atoms of the two reactants, by their indices.
    channels
        A breaking and a forming bond, each a pair of atoms, for each of the equivalent ways.
    infinity : Angstrom
        Distance of the centres of mass at which the reactants do not interact.
    difference : Angstrom
        Length of the breaking less that of the forming bond at the transition state.
    """

    first: tuple[int, ...]
    second: tuple[int, ...]
    channels: tuple[tuple[Bond, Bond], ...]
    infinity: float
    difference: float = 0.0
    unit = "cm^3/s"

    def check(self, positions: Array) -> None:
        """Refuse atoms that are in no reactant or in both, and bonds that no reaction changes.

        Raises
        ------
        DataError
            Says which.
        """
        n = len(positions)
        if sorted((*self.first, *self.second)) != list(range(n)) or not (
            self.first and self.second
        ):
            raise DataError(
                f"each of the {n} atoms, 0 to {n - 1}, must be in one of both reactants; got "
                f"{self.first} and {self.second}"
            )
        for bond in (bond for channel in self.channels for bond in channel):
            if len(set(bond)) != 2 or not all(0 <= atom < n for atom in bond):
                raise DataError(f"a bond is a pair of different atoms below {n}; got {bond}")
        if not self.channels:
            raise DataError("give at least one channel: a breaking and a forming bond")
        for breaking, forming in self.channels:
            if self._joins_reactants(breaking) or not self._joins_reactants(forming):
                raise DataError(
                    "a channel is a breaking bond in one reactant and a forming bond between "
                    f"both; got {breaking} and {forming}"
                )
        if not (np.isfinite(self.infinity) and self.infinity > 0):
            raise DataError(f"infinity must be a positive distance; got {self.infinity}")
        if not np.isfinite(self.difference):
            raise DataError(f"difference must be a number; got {self.difference}")

    def _joins_reactants(self, bond: Bond) -> bool:
        return (bond[0] in self.first) != (bond[1] in self.first)

    def evaluate(self, centroids: Array, masses: Array) -> tuple[Array, Array]:
        """See `ReactionCoordinate`."""
        far, far_gradient = self._distance_of_reactants(centroids, masses)
        near, near_gradient = self._difference_of_bonds(centroids)
        width = far - near
        slope_far, slope_near = -near / width**2, far / width**2
        gradient = slope_far[:, None, None] * far_gradient
        gradient += slope_near[:, None, None] * near_gradient
        return far / width, gradient

    def is_across(self, centroids: Array, masses: Array, value: float) -> NDArray[np.bool_]:
        """See `ReactionCoordinate`; without its pole, which separate products pass."""
        far, _ = self._distance_of_reactants(centroids, masses)
        near, _ = self._difference_of_bonds(centroids)
        return (1 - value) * far + value * near > 0

    def rate_of_reactants(self, masses: Array, temperature: float) -> float:
        """Flux of free reactants through a sphere over their densities, cm^3/s."""
        first, second = masses[list(self.first)].sum(), masses[list(self.second)].sum()
        reduced = first * second / (first + second)
        velocity = np.sqrt(units.kB * temperature / (2 * np.pi * reduced)) * units.fs
        return float(4 * np.pi * self.infinity**2 * velocity) * 1e-9  # 1 A^3/fs is 1e-9 cm^3/s

    def _distance_of_reactants(self, x: Array, masses: Array) -> tuple[Array, Array]:
        """S0: infinity less the distance between the centres of mass."""
        shares = np.zeros(x.shape[1])
        for sign, group in ((1.0, self.first), (-1.0, self.second)):
            members = list(group)
            shares[members] = sign * masses[members] / masses[members].sum()
        between = np.einsum("i,rid->rd", shares, x)
        distance = np.sqrt((between**2).sum(axis=1))
        direction = between / distance[:, None]
        return self.infinity - distance, -shares[None, :, None] * direction[:, None, :]

    def _difference_of_bonds(self, x: Array) -> tuple[Array, Array]:
        """S1 of the channel that has come farthest."""
        differences = np.stack([self._one(x, channel)[0] for channel in self.channels])
        leading = differences.argmax(axis=0)
        gradient = np.zeros(x.shape)
        for index, channel in enumerate(self.channels):
            chosen = np.flatnonzero(leading == index)
            gradient[chosen] = self._one(x[chosen], channel)[1]
        return differences.max(axis=0), gradient

    def _one(self, x: Array, channel: Sequence[Bond]) -> tuple[Array, Array]:
        values = np.full(len(x), -self.difference)
        gradient = np.zeros(x.shape)
        for sign, (i, j) in zip((1.0, -1.0), channel, strict=True):
            bond = x[:, i] - x[:, j]
            length = np.sqrt((bond**2).sum(axis=1))
            values += sign * length
            direction = sign * bond / length[:, None]
            gradient[:, i] += direction
            gradient[:, j] -= direction
        return values, gradient
