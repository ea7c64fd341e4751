"""Linear least squares of energies and forces, with the weights that all contestants have."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

import maxvolt
from front.contest import Contest
from maxvolt.fitting.objective import equation_weights

__all__ = ["solved"]

Array = NDArray[np.float64]
Rows = Callable[[Atoms], tuple[Array, Array]]
"""Of a structure: coefficients of its energy, shape (m,), and of its forces, shape (3 N, m)."""

_RIDGES = 10.0 ** np.arange(-14, -1)
"""Relative to the diagonal; the one with the least error on every tenth structure is taken."""


class _Normal:
    """Normal equations."""

    def __init__(self, m: int) -> None:
        self.matrix, self.vector, self.labels = np.zeros((m, m)), np.zeros(m), 0.0

    def add(self, rows: Array, labels: Array) -> None:
        self.matrix += rows.T @ rows
        self.vector += rows.T @ labels
        self.labels += float(labels @ labels)

    def loss(self, x: Array) -> float:
        return float(x @ self.matrix @ x - 2 * x @ self.vector + self.labels)


def solved(contest: Contest, rows: Rows) -> Array:
    """Coefficients of least weighted squares, with the ridge that predicts held-out labels best.

    Parameters
    ----------
    contest
        Its training set.
    rows
        Of a structure; a constant for each atom is among them.
    """
    first = rows(next(iter(contest.training)))[0]
    kept, held_out = _Normal(len(first)), _Normal(len(first))
    for k, (equations, labels) in enumerate(_equations(contest.training, contest.weights, rows)):
        (held_out if k % 10 == 0 else kept).add(equations, labels)
    scale = 1 / np.sqrt(np.maximum(np.diag(kept.matrix), 1e-300))
    fits = [_solve(kept, scale, ridge) for ridge in _RIDGES]
    best = _RIDGES[int(np.argmin([held_out.loss(x) for x in fits]))]
    kept.matrix += held_out.matrix
    kept.vector += held_out.vector
    return _solve(kept, scale, best)


def _solve(normal: _Normal, scale: Array, ridge: float) -> Array:
    scaled = normal.matrix * np.outer(scale, scale)
    scaled[np.diag_indices_from(scaled)] += ridge
    return scale * np.linalg.solve(scaled, scale * normal.vector)


def _equations(
    dataset: maxvolt.Dataset, weights: maxvolt.Weights, rows: Rows
) -> Iterator[tuple[Array, Array]]:
    """Weighted equations of each structure."""
    of_all = equation_weights(dataset, weights, "vibrations")
    offsets = np.concatenate([[0], np.cumsum(dataset.counts)])
    for k, atoms in enumerate(dataset):
        energy, forces = rows(atoms)
        part = slice(offsets[k], offsets[k + 1])
        roots = np.sqrt(np.concatenate([[of_all.energies[k]], np.repeat(of_all.forces[part], 3)]))
        labels = np.concatenate([[dataset.energies[k]], dataset.forces[part].ravel()])
        yield np.vstack([energy, forces]) * roots[:, None], labels * roots
