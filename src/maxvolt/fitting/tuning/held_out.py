"""Errors on structures that were not fitted, and which differences between them mean anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import FitError
from maxvolt.fitting.prediction_errors import Comparison

__all__ = ["HeldOutErrors", "as_good_as_the_best"]

_SAMPLES = 1000
"""Of the bootstrap."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class HeldOutErrors:
    """Squared errors of each of K structures; zero where it has no such label.

    Attributes
    ----------
    energies : shape (K,), (eV/atom)^2
    forces : shape (K,), (eV/Angstrom)^2
        Summed over the components.
    has_energy : shape (K,), of 0 and 1
    components : shape (K,)
        Number of force components with a label.
    """

    energies: Array
    forces: Array
    has_energy: Array
    components: Array

    @classmethod
    def of(cls, comparison: Comparison) -> Self:
        """From predictions beside labels."""
        data = comparison.dataset
        with np.errstate(invalid="ignore"):
            energies = ((comparison.energies - data.energies) / data.counts) ** 2
            of_atoms = ((comparison.forces - data.forces) ** 2).sum(axis=1)
        forces = np.bincount(data.structure_of_atom, np.nan_to_num(of_atoms), minlength=len(data))
        return cls(
            np.where(data.has_energy, energies, 0.0),
            np.where(data.has_forces, forces, 0.0),
            data.has_energy.astype(float),
            np.where(data.has_forces, 3.0 * data.counts, 0.0),
        )

    @property
    def energy(self) -> float:
        """Root mean square error, eV/atom; NaN without energies."""
        return _root(self.energies.sum(), self.has_energy.sum())

    @property
    def force(self) -> float:
        """Root mean square error of the components, eV/Angstrom; NaN without forces."""
        return _root(self.forces.sum(), self.components.sum())

    def score(self, energy_share: float) -> float:
        """Logarithm of the common measure of both errors, equation (254)."""
        return float(self.scores(np.ones((1, len(self.energies))), energy_share)[0])

    def scores(self, counts: Array, energy_share: float) -> Array:
        """The same where structures count several times; counts of shape (B, K)."""
        share = energy_share
        if not self.components.any():
            share = 1.0
        if not self.has_energy.any():
            share = 0.0
        total = np.zeros(len(counts))
        with np.errstate(divide="ignore", invalid="ignore"):
            if share < 1:
                forces = (counts @ self.forces) / (counts @ self.components)
                total += 0.5 * (1 - share) * np.log(forces)
            if share > 0:
                energies = (counts @ self.energies) / (counts @ self.has_energy)
                total += 0.5 * share * np.log(energies)
        return total


def as_good_as_the_best(
    several: Sequence[HeldOutErrors], energy_share: float, *, seed: int = 0
) -> NDArray[np.bool_]:
    """Say whose errors are no larger than the least by more than its standard error: (255).

    All are compared on the same samples of the structures, drawn with replacement: what makes a
    sample hard is hard for all, and cancels in the difference.

    Parameters
    ----------
    several
        Errors on the same structures.
    energy_share
        See `HeldOutErrors.score`.
    seed
        Of the samples.

    Raises
    ------
    FitError
        There is nothing to compare, or the structures have no labels.
    """
    if not several:
        raise FitError("there is nothing to compare yet")
    n = len(several[0].energies)
    generator = np.random.default_rng(seed)
    counts = generator.multinomial(n, np.full(n, 1 / n), size=_SAMPLES).astype(float)
    scores = np.array([one.score(energy_share) for one in several])
    if np.isnan(scores).any():
        raise FitError("the held-out structures have neither energies nor forces")
    best = several[int(np.argmin(scores))].scores(counts, energy_share)
    with np.errstate(invalid="ignore"):
        errors = [np.nanstd(one.scores(counts, energy_share) - best) for one in several]
    return np.asarray(scores - scores.min() <= np.nan_to_num(errors))


def _root(total: float, number: float) -> float:
    return float(np.sqrt(total / number)) if number else float("nan")
