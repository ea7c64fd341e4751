"""Structures that stand for all of a large training set in the products of J.

J costs most, and its products say only which way to go: the rows of some structures are enough,
equation (244) of docs/formulation. Neighbours in a file are alike, so these are taken evenly from
all of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.fitting.training_set import Portion, TrainingSet

__all__ = ["sampled_structures"]

_SAMPLED = 1 / 32
"""Least share of the rows."""

_ROWS_PER_PARAMETER = 50
"""At least so many: with fewer, their products would point elsewhere."""

_FEWEST_STRUCTURES = 200
"""Whose rows are made: those of one structure are alike."""

_FEWEST_OF_PAIR = 50
"""Of these, with each pair of species: without them its coefficients would stay where they are."""

_WORTHWHILE = 0.5
"""Largest share of the structures for which leaving out the others saves time."""


def sampled_structures(
    dataset: Dataset, training_set: TrainingSet, n_species: int, n_parameters: int
) -> NDArray[np.int64] | None:
    """Choose structures whose rows by the radial coefficients are made.

    Parameters
    ----------
    dataset, training_set
        All structures, and their equations.
    n_species
        Of the potential.
    n_parameters
        Number of all parameters, of which there must be far fewer than rows.

    Returns
    -------
    indices : shape (m,), int64, or None
        Ascending; None where all are needed.
    """
    total, rows = len(dataset), training_set.n_equations
    wanted = max(
        _SAMPLED * rows,
        _ROWS_PER_PARAMETER * n_parameters,
        _FEWEST_STRUCTURES * rows / max(total, 1),
    )
    if wanted > _WORTHWHILE * rows:
        return None
    kinds = np.concatenate(list(training_set.portions.each(partial(_kinds_of_pairs, n_species))))
    taken = np.zeros(total, np.bool_)
    taken[_evenly(total, math.ceil(total * wanted / rows))] = True
    for having in kinds.T:
        left = np.flatnonzero(having & ~taken)
        missing = _FEWEST_OF_PAIR - int(np.count_nonzero(having & taken))
        if missing > 0 and len(left):
            taken[left[_evenly(len(left), min(missing, len(left)))]] = True
    return np.flatnonzero(taken)


def _evenly(total: int, number: int) -> NDArray[np.int64]:
    return ((np.arange(number) + 0.5) * total / number).astype(np.int64)


def _kinds_of_pairs(n_species: int) -> Callable[[Portion], NDArray[np.bool_]]:
    """Which pairs of species each structure has and learns from, shape (n, C * C)."""

    def work(portion: Portion) -> NDArray[np.bool_]:
        neighborhoods, pairs = portion.neighborhoods, portion.neighborhoods.pairs
        types, structures = neighborhoods.types, neighborhoods.structures
        ends = np.sort([types[pairs.owners], types[pairs.neighbors]], axis=0)
        found = np.zeros((neighborhoods.n_structures, n_species * n_species), np.bool_)
        found[structures[pairs.owners], ends[0] * n_species + ends[1]] = True
        energies, forces, virials = portion.split(portion.weights)
        used = (energies > 0) | (virials > 0).any(axis=1)
        used[structures[(forces > 0).any(axis=1)]] = True
        return found & used[:, None]

    return work
