"""Training sets cut down to the structures with respect to which all others interpolate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.io.structures import Structures, structures_of
from maxvolt.potentials import ParameterGradients
from maxvolt.selection.active_set import THRESHOLD, ActiveSet
from maxvolt.selection.weights import Mode, RowWeights

__all__ = ["Sparsified", "sparsify"]


@dataclass(frozen=True, slots=True, eq=False)
class Sparsified:
    """What is kept of a dataset.

    Parameters
    ----------
    indices : shape (k,), int64
        Numbers of the structures that are kept, ascending.
    structures
        These structures.
    others : shape (m - k,), int64
        Numbers of those that are not.
    grades : shape (m - k,)
        Their grades with respect to what is kept: none exceeds the threshold.
    active_set
        The active set that all of the kept structures are in.
    """

    indices: NDArray[np.int64]
    structures: Dataset
    others: NDArray[np.int64]
    grades: NDArray[np.float64]
    active_set: ActiveSet


def sparsify(
    potential: ParameterGradients,
    dataset: Structures,
    *,
    weights: RowWeights | None = None,
    mode: Mode | None = None,
    threshold: float = THRESHOLD,
    threads: int | None = None,
) -> Sparsified:
    """Keep the structures of the active set of a dataset, at most one a parameter.

    Parameters
    ----------
    potential, weights, mode, threshold, threads
        As of `ActiveSet.from_dataset`.
    dataset
        The structures, for instance a training set that has grown long. A `Dataset`, one
        `ase.Atoms`, the path of a file, or several of these.
    """
    dataset = structures_of(dataset, potential.species)
    empty = ActiveSet.empty(potential, weights=weights, mode=mode)
    selection = empty.select(dataset, threshold=threshold, threads=threads)
    active_set = selection.active_set
    others = np.setdiff1d(np.arange(len(dataset)), selection.indices)
    return Sparsified(
        indices=selection.indices,
        structures=selection.structures,
        others=others,
        grades=active_set.grade(dataset.select(others), threads=threads),
        active_set=active_set,
    )
