"""Atoms pushed apart until none is closer to another than a distance, in a cell that stays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import DataError
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.mlp.geometry import moved
from maxvolt.sampling.repulsion import push_apart, shortest_of

__all__ = ["pushed_apart"]


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
    cell = configuration.cell
    pbc = np.asarray(cell.any(axis=1))
    start = configuration.positions
    positions, succeeded = push_apart(start, cell, pbc, distance, free)
    if not succeeded:
        reached = shortest_of(positions, cell, pbc, distance)
        raise DataError(
            f"atoms cannot be pushed {distance:g} A apart in this cell: {reached:.4g} A is the "
            "most that was reached; ask for a smaller distance"
        )
    return configuration if positions is start else moved(configuration, positions)
