"""Normal equations of all parameters, streamed over a training set in bounded memory.

With rows J of the Jacobian, labels y and weights W they are N = J^T W J, b = J^T W y and
y^T W y; memory holds them and a few portions of rows, however large the training set is. Sums are
formed in an order that does not depend on the number of threads, so results are the same bit for
bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maxvolt.fitting.training_set import Portion, TrainingSet
from maxvolt.native import _core, kernels

__all__ = ["NormalEquations", "assemble"]

_STREAM_BYTES = 128 * 2**20
_MOST_STREAMS = 64


@dataclass(frozen=True, slots=True, eq=False)
class NormalEquations:
    """N, b and y^T W y for P parameters.

    Attributes
    ----------
    matrix : shape (P, P)
    vector : shape (P,)
    constant : float
    """

    matrix: NDArray[np.float64]
    vector: NDArray[np.float64]
    constant: float


def _weighted_rows(
    core: _core.Core, portion: Portion, fixed: kernels.Energies
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Rows and labels, both times the root of their weight, of energies, forces and virials.

    `fixed` is the part of the energy that no parameter changes (a pair repulsion).
    """
    rows, n = kernels.jacobian(core, portion.where), portion.where.n_structures
    known = np.bincount(portion.where.structures, fixed.site_energies, minlength=n)
    width = rows.energies.shape[1]
    for matrix, labels, weights in (
        (rows.energies, portion.energies - known, portion.weights.energies),
        (rows.forces, portion.forces - fixed.forces, np.repeat(portion.weights.forces, 3)),
        (rows.virials, portion.virials - fixed.virials, portion.weights.virials.ravel()),
    ):
        root = np.sqrt(weights)
        table = matrix.reshape(-1, width)
        table *= root[:, None]
        yield table, labels.ravel() * root


def stream_count(width: int) -> int:
    """Number of partial sums, which bounds the threads that are of use and fixes the order of sums.

    Parameters
    ----------
    width
        Number of parameters: each partial sum is a matrix of this size.
    """
    return int(np.clip(_STREAM_BYTES // (8 * width * width), 4, _MOST_STREAMS))


def assemble(
    core: _core.Core,
    fixed: Sequence[kernels.Energies],
    training_set: TrainingSet,
    *,
    threads: int,
) -> NormalEquations:
    """Normal equations at the parameters of `core`.

    Parameters
    ----------
    core
        Compiled model; the columns of the radial coefficients are taken at its moment coefficients.
    fixed
        For each portion, the part of the energy that no parameter changes (a pair repulsion).
    training_set
        Equations.
    threads
        Number of threads, each with the rows of one portion.
    """
    width = core.n_parameters
    streams = stream_count(width)

    def stream(first: int) -> NormalEquations:
        matrix, vector, constant = np.zeros((width, width)), np.zeros(width), 0.0
        chosen = slice(first, None, streams)
        for portion, known in zip(training_set.portions[chosen], fixed[chosen], strict=True):
            with np.errstate(over="ignore", invalid="ignore"):  # `project` refuses such sums
                for rows, labels in _weighted_rows(core, portion, known):
                    matrix += rows.T @ rows
                    vector += labels @ rows
                    constant += float(labels @ labels)
        return NormalEquations(matrix, vector, constant)

    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(stream, range(min(streams, len(training_set.portions)))))
    with np.errstate(over="ignore", invalid="ignore"):
        return NormalEquations(
            np.sum([part.matrix for part in parts], axis=0),
            np.sum([part.vector for part in parts], axis=0),
            float(np.sum([part.constant for part in parts])),
        )
