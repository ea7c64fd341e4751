"""Structures that are not fitted, errors on them, and which differences mean anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import FitError
from maxvolt.fitting.prediction_errors import Comparison

__all__ = ["HeldOutErrors", "as_good_as_the_best", "check_not_fitted", "hold_out"]

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


def check_not_fitted(training: Dataset, test: Dataset) -> None:
    """Refuse errors of structures that are fitted, which say that the largest potential is best.

    Raises
    ------
    FitError
        A structure is among both.
    """
    known = set(training.digests)
    both = [number for number, digest in enumerate(test.digests) if digest in known]
    if both:
        name = test.name_of(both[0], "the validation set")
        raise FitError(
            f"{name} (and {len(both) - 1} more of {len(test)}) is also among the structures to "
            "fit, and errors of what is fitted say nothing about settings; remove it from one of "
            "both, or let a part of the data be held out"
        )


def hold_out(data: Dataset, share: float, seed: int) -> tuple[Dataset, Dataset]:
    """Hold a part out, at random; every species stays among the structures to fit.

    Raises
    ------
    FitError
        One of the parts would be empty.
    """
    number = round(share * len(data))
    species = [set(data.numbers[data.atoms_of(s)].tolist()) for s in range(len(data))]
    left = Counter(one for each in species for one in each)
    chosen: NDArray[np.bool_] = np.zeros(len(data), dtype=np.bool_)
    for structure in np.random.default_rng(seed).permutation(len(data)).tolist():
        if chosen.sum() < number and all(left[one] > 1 for one in species[structure]):
            chosen[structure] = True
            left.subtract(species[structure])
    if not 0 < share < 1 or not chosen.any():
        raise FitError(
            f"held_out = {share:g} of {len(data)} structures leaves nothing to fit or to "
            "measure errors on; expected a number between 0 and 1, and more structures"
        )
    return data.select(~chosen), data.select(chosen)


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
