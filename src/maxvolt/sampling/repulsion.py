"""Atoms pushed apart by a repulsion of all pairs that are too close, in a cell that stays."""

from __future__ import annotations

import numpy as np
from ase.data import covalent_radii
from numpy.typing import NDArray
from scipy.optimize import minimize

from maxvolt.neighbors import build_neighbors

__all__ = ["covalent_distances", "overlap", "push_apart", "shortest_of"]

Array = NDArray[np.float64]

_MARGIN = 1e-3
"""A force that vanishes at the distance itself would be followed to it only in the limit."""

_COINCIDING = 1e-3
"""Angstrom; closer atoms have no direction in which to be pushed, and are shaken first."""

_RADII = 0.75
"""Shortest distance relative to the sum of covalent radii, where none is given."""


def covalent_distances() -> Array:
    """Shortest distances that structures are given by default, by atomic numbers, Angstrom.

    Returns
    -------
    table : shape (119, 119)
        0.75 times the sum of the covalent radii.
    """
    return np.asarray(_RADII * (covalent_radii[:119, None] + covalent_radii[:119]))


def push_apart(
    positions: Array,
    cell: Array,
    pbc: NDArray[np.bool_],
    distances: float | Array,
    free: NDArray[np.bool_] | None = None,
) -> tuple[Array, bool]:
    """Relax under a repulsion of all pairs that are closer than they may be.

    The energy of a pair is (d - r)^2 for r < d.

    Parameters
    ----------
    positions : shape (N, 3), Angstrom
    cell : shape (3, 3), Angstrom
    pbc : shape (3,)
    distances : Angstrom
        That no pair may fall below: one, or one for each pair of atoms, shape (N, N).
    free : shape (N,)
        Which atoms may move; None: all.

    Returns
    -------
    positions : shape (N, 3), Angstrom
        The same array where nothing is too close.
    succeeded
        Whether no pair is too close any more.
    """
    least = np.broadcast_to(np.asarray(distances, np.float64), (len(positions), len(positions)))
    if not len(positions) or overlap(positions, cell, pbc, least) <= 0:
        return positions, True
    start = positions
    longest = float(least.max())
    movable = np.ones(len(start), np.bool_) if free is None else free
    if shortest_of(start, cell, pbc, _COINCIDING) < _COINCIDING:
        shaken = np.random.default_rng(0).normal(scale=0.1 * longest, size=start.shape)
        start = start + np.where(movable[:, None], shaken, 0.0)

    def energy(x: Array) -> tuple[float, Array]:
        trial = start.copy()
        trial[movable] = x.reshape(-1, 3)
        value, gradient = _repulsion(trial, cell, pbc, least * (1 + _MARGIN))
        return value, gradient[movable].ravel()

    found = minimize(
        energy,
        start[movable].ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 10_000, "maxfun": 20_000, "ftol": 0.0, "gtol": 1e-9 * longest},
    )
    moved = start.copy()
    moved[movable] = found.x.reshape(-1, 3)
    return moved, overlap(moved, cell, pbc, least) <= 0


def shortest_of(positions: Array, cell: Array, pbc: NDArray[np.bool_], cutoff: float) -> float:
    """Shortest distance below a cutoff, Angstrom; infinite where there is none."""
    _, _, vectors = _pairs(positions, cell, pbc, cutoff)
    return float(np.linalg.norm(vectors, axis=1).min(initial=np.inf))


def _pairs(
    positions: Array, cell: Array, pbc: NDArray[np.bool_], cutoff: float
) -> tuple[NDArray[np.int32], NDArray[np.int32], Array]:
    """Atoms of each pair within the cutoff, and the vectors from the first to the second."""
    found = build_neighbors(positions, cell, pbc, cutoff)
    return found.owners, found.neighbors, found.vectors(positions, cell)


def overlap(positions: Array, cell: Array, pbc: NDArray[np.bool_], least: Array) -> float:
    """By how much the closest pair is closer than it may be; at most 0 where none is."""
    owners, neighbors, vectors = _pairs(positions, cell, pbc, float(least.max()))
    missing = least[owners, neighbors] - np.linalg.norm(vectors, axis=1)
    return float(missing.max(initial=0.0))


def _repulsion(
    positions: Array, cell: Array, pbc: NDArray[np.bool_], least: Array
) -> tuple[float, Array]:
    """Energy, and its gradient by the positions, shape (N, 3)."""
    owners, neighbors, vectors = _pairs(positions, cell, pbc, float(least.max()))
    lengths = np.linalg.norm(vectors, axis=1)
    overlap = np.maximum(least[owners, neighbors] - lengths, 0.0)
    pull = (2 * overlap / np.maximum(lengths, 1e-12))[:, None] * vectors
    gradient = np.zeros_like(positions)
    np.add.at(gradient, owners, pull)
    np.add.at(gradient, neighbors, -pull)
    return float((overlap**2).sum()), gradient
