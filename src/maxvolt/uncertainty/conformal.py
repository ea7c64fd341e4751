"""Bounds of errors at a stated coverage, by conformal prediction with scaled scores.

The score of an error is its ratio to what was expected. A bound at coverage c is the expected error
times a quantile of the scores of held-out structures. Atoms of one structure are alike, structures
are exchangeable: so a quantile counts atoms, and its correction for a finite sample counts
structures, equations (47) and (48) of docs/formulation.
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

_GRID = np.linspace(0.0, 1.0, 201)
"""Levels of quantiles that are tried on structures left out."""

_LEFT_OUT = 300
"""Structures of a bin up to which they are left out one by one."""

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
    reached : shape (b, 201)
        Coverage of structures left out by quantiles of the others at 0, 0.5, ... 100 %.
    """

    edges: Array
    scores: tuple[Array, ...]
    structures: Array
    reached: Array

    def factors(self, coverage: float, *, strict: bool = False) -> Array:
        """Bound over expected error in each bin, shape (b,); infinite where no bound exists.

        Parameters
        ----------
        coverage
            Share of errors to be inside.
        strict
            True: the quantile of conformal prediction, as if atoms of a structure were alike. With
            few structures it covers more than stated. False: the quantile that covers so many when
            each structure is left out and bounded by the others.

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
            if not strict:
                level = _level(self.reached[number], coverage)
            rank = np.ceil(level * len(scores) - 1e-9)
            if rank <= len(scores):
                found[number] = scores[max(int(rank), 1) - 1]
        return found

    def bounds(self, expected: Array, coverage: float, *, strict: bool = False) -> Array:
        """Bounds of errors, of the shape of what is expected; see `factors`."""
        factors = self.factors(coverage, strict=strict)[self.bins(expected)]
        # No bound is no bound, also where no error is expected.
        return np.where(np.isinf(factors), np.inf, expected * np.nan_to_num(factors, posinf=0.0))

    def bins(self, expected: Array) -> NDArray[np.int64]:
        """Number of the bin of each expected error."""
        return np.searchsorted(self.edges, expected, side="right")

    @property
    def largest_coverage(self) -> float:
        """Coverage up to which there are bounds in all bins."""
        return float(self.reached[:, -1].min())


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
        edges = edges[edges > expected.min()]  # else no error would be in the first bin
        places = np.searchsorted(edges, expected, side="right")
        counts = np.array([effective(owners[places == b]) for b in range(len(edges) + 1)])
        if bins is None and (len(edges) < number - 1 or counts.min() < _STRUCTURES_OF_A_BIN):
            continue
        if bins is None and not _differ(scores, places, counts):
            break
        return _in_bins(edges, scores, owners, places)
    return _in_bins(np.empty(0), scores, owners, np.zeros(len(scores), np.int64))


def _in_bins(
    edges: Array, scores: Array, owners: NDArray[np.int64], places: NDArray[np.int64]
) -> ConformalScores:
    order = np.argsort(scores, kind="stable")
    parts = [order[places[order] == b] for b in range(len(edges) + 1)]
    return ConformalScores(
        edges,
        tuple(scores[part] for part in parts),
        np.array([effective(owners[part]) for part in parts]),
        np.array([_reached(scores[part], owners[part]) for part in parts]),
    )


def _reached(scores: Array, owners: NDArray[np.int64]) -> Array:
    """Coverage of each structure by quantiles of the others, at all levels; scores ascend."""
    structures = np.unique(owners)
    if len(structures) > _LEFT_OUT:  # the difference is below the noise of a quantile
        count = effective(owners)
        return np.asarray(_GRID * count / (count + 1.0))
    covered = np.zeros(len(_GRID))
    for structure in structures:
        others, mine = scores[owners != structure], scores[owners == structure]
        if len(others):
            ranks = np.ceil(_GRID * len(others) - 1e-9).astype(np.int64)
            inside = np.searchsorted(mine, others[np.maximum(ranks, 1) - 1], side="right")
            covered += np.where(ranks > 0, inside, 0)
    return np.asarray(covered / max(len(scores), 1))


def _level(reached: Array, coverage: float) -> float:
    """Level of the quantile that reaches a coverage; infinite where none does."""
    number = int(np.searchsorted(reached, coverage - 1e-12))
    if number == 0 or number == len(reached):
        return float("inf") if number else float(_GRID[0])
    below, above = reached[number - 1], reached[number]
    part = (coverage - below) / (above - below)
    return float(_GRID[number - 1] + part * (_GRID[number] - _GRID[number - 1]))


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
