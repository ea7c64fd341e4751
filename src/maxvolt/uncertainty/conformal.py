"""Bounds of errors at a stated coverage, by conformal prediction with scaled scores.

The score of an error is its ratio to what was expected. A bound at coverage c is the expected error
times a quantile of the scores of held-out structures. Atoms of one structure are alike, structures
are exchangeable: so a quantile counts atoms, and its correction for a finite sample counts
structures, equation (46) of docs/formulation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import DataError

__all__ = ["ConformalScores", "conformal_scores"]

Array = NDArray[np.float64]

_MOST_BINS = 5
_STRUCTURES_OF_A_BIN = 40.0
"""Of equal size, at least, so that quantiles of 90 and 95 % exist in each bin."""

_LEVELS = (0.5, 0.68, 0.9)
"""Coverages by which bins are decided on."""

_TOLERANCE = 0.02
"""By which coverage may differ between bins, beyond chance, before bins are used."""


@dataclass(frozen=True, slots=True, eq=False)
class ConformalScores:
    """Scores of held-out errors in bins of the expected error.

    Attributes
    ----------
    edges : shape (b - 1,)
        Expected errors between the bins, ascending.
    scores : tuple of b arrays
        Ascending.
    structures : shape (b,)
        Number of structures of equal size that each bin amounts to.
    """

    edges: Array
    scores: tuple[Array, ...]
    structures: Array

    def factors(self, coverage: float) -> Array:
        """Bound over expected error in each bin, shape (b,); infinite where no bound exists.

        Raises
        ------
        DataError
            A coverage that is not between 0 and 1.
        """
        if not 0 < coverage < 1:
            raise DataError(f"coverage is {coverage}; expected a number between 0 and 1, like 0.9")
        found = np.full(len(self.scores), np.inf)
        for number, scores in enumerate(self.scores):
            level = coverage * (1.0 + 1.0 / self.structures[number])
            rank = int(np.ceil(level * len(scores) - 1e-9))
            if rank <= len(scores):
                found[number] = scores[max(rank, 1) - 1]
        return found

    def bounds(self, expected: Array, coverage: float) -> Array:
        """Bounds of errors, of the shape of what is expected."""
        return np.asarray(expected * self.factors(coverage)[self.bins(expected)])

    def bins(self, expected: Array) -> NDArray[np.int64]:
        """Number of the bin of each expected error."""
        return np.searchsorted(self.edges, expected, side="right")

    @property
    def largest_coverage(self) -> float:
        """Coverage up to which there are bounds in all bins."""
        return float((self.structures / (self.structures + 1.0)).min())


def conformal_scores(
    expected: Array, errors: Array, owners: NDArray[np.int64], *, bins: int | None = None
) -> ConformalScores:
    """Scores in as many bins as the data ask for.

    Parameters
    ----------
    expected, errors : shape (m,)
        Of models that were fitted without the structure of each.
    owners : shape (m,)
        Structure of each.
    bins
        Number of bins; None: one, or more (up to 5 with 40 structures each) where the coverage
        with one differs between them by more than chance.
    """
    scores = errors / expected
    most = _MOST_BINS if bins is None else bins
    for number in range(most, 1, -1):
        edges = np.unique(np.quantile(expected, np.arange(1, number) / number))
        places = np.searchsorted(edges, expected, side="right")
        counts = np.array([effective(owners[places == b]) for b in range(len(edges) + 1)])
        if bins is None and (len(edges) < number - 1 or counts.min() < _STRUCTURES_OF_A_BIN):
            continue
        if bins is None and not _differ(scores, places, counts):
            break
        parts = tuple(np.sort(scores[places == b]) for b in range(len(edges) + 1))
        return ConformalScores(edges, parts, counts)
    return ConformalScores(np.empty(0), (np.sort(scores),), np.array([effective(owners)]))


def effective(owners: NDArray[np.int64]) -> float:
    """Number of structures of equal size that some atoms amount to, (sum n)^2 / sum n^2."""
    sizes = np.unique(owners, return_counts=True)[1].astype(float)
    return float(sizes.sum() ** 2 / (sizes**2).sum()) if len(sizes) else 0.0


def _differ(scores: Array, places: NDArray[np.int64], counts: Array) -> bool:
    """Whether one quantile for all covers some bins more than others."""
    for level in _LEVELS:
        inside = scores <= np.quantile(scores, level)
        for b, count in enumerate(counts):
            chance = 2.0 * np.sqrt(level * (1 - level) / count)
            if abs(float(inside[places == b].mean()) - level) > _TOLERANCE + chance:
                return True
    return False
