"""Atoms pushed apart until none is closer to another than a distance, in a cell that stays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from maxvolt.errors import DataError
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.mlp.geometry import moved
from maxvolt.neighbors import build_neighbors

__all__ = ["pushed_apart"]

_MARGIN = 1e-3
"""A force that vanishes at the distance itself would be followed to it only in the limit."""

_COINCIDING = 1e-3
"""Angstrom; closer atoms have no direction in which to be pushed, and are shaken first."""


def pushed_apart(
    configuration: CfgConfiguration, distance: float, free: NDArray[np.bool_] | None = None
) -> CfgConfiguration:
    """Relax under a repulsion of all pairs that are closer than a distance.

    The energy of a pair is (d - r)^2 for r < d. Labels, which would no longer be true, are
    dropped where an atom moves.

    Parameters
    ----------
    configuration
        What to push.
    distance : Angstrom
        That no pair may fall below.
    free : shape (N,)
        Which atoms may move; None: all.

    Raises
    ------
    DataError
        There is no room, or an atom is too close to its own periodic image.
    """
    start = configuration.positions
    if not len(start) or _shortest(configuration, start, distance) >= distance:
        return configuration
    movable = np.ones(len(start), np.bool_) if free is None else free
    if _shortest(configuration, start, _COINCIDING) < _COINCIDING:
        shaken = np.random.default_rng(0).normal(scale=0.1 * distance, size=start.shape)
        start = start + np.where(movable[:, None], shaken, 0.0)

    def energy(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        positions = start.copy()
        positions[movable] = x.reshape(-1, 3)
        value, gradient = _repulsion(configuration, positions, distance * (1 + _MARGIN))
        return value, gradient[movable].ravel()

    found = minimize(
        energy,
        start[movable].ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 10_000, "maxfun": 20_000, "ftol": 0.0, "gtol": 1e-9 * distance},
    )
    positions = start.copy()
    positions[movable] = found.x.reshape(-1, 3)
    reached = _shortest(configuration, positions, distance)
    if reached < distance:
        raise DataError(
            f"atoms cannot be pushed {distance:g} A apart in this cell: {reached:.4g} A is the "
            "most that was reached; ask for a smaller distance"
        )
    return moved(configuration, positions)


def _pairs(
    configuration: CfgConfiguration, positions: NDArray[np.float64], cutoff: float
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
    """Atoms of each pair within the cutoff, and the vectors from the first to the second."""
    cell = configuration.cell
    found = build_neighbors(positions, cell, cell.any(axis=1), cutoff)
    owners, neighbors = found.owners, found.neighbors
    return owners, neighbors, positions[neighbors] + found.shifts @ cell - positions[owners]


def _shortest(
    configuration: CfgConfiguration, positions: NDArray[np.float64], cutoff: float
) -> float:
    _, _, vectors = _pairs(configuration, positions, cutoff)
    return float(np.linalg.norm(vectors, axis=1).min(initial=np.inf))


def _repulsion(
    configuration: CfgConfiguration, positions: NDArray[np.float64], distance: float
) -> tuple[float, NDArray[np.float64]]:
    """Energy, and its gradient by the positions, shape (N, 3)."""
    owners, neighbors, vectors = _pairs(configuration, positions, distance)
    lengths = np.linalg.norm(vectors, axis=1)
    overlap = distance - lengths
    pull = (2 * overlap / np.maximum(lengths, 1e-12))[:, None] * vectors
    gradient = np.zeros_like(positions)
    np.add.at(gradient, owners, pull)
    np.add.at(gradient, neighbors, -pull)
    return float((overlap**2).sum()), gradient
