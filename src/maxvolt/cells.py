"""Cell volumes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["cell_volume", "cell_volumes"]


def cell_volumes(cells: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the volumes of cells, zero without three independent lattice vectors.

    Cells made of wrong numbers give inf or nan without a warning; whoever uses them must check.

    Parameters
    ----------
    cells : shape (..., 3, 3), Angstrom
        Rows are lattice vectors.

    Returns
    -------
    volumes : shape (...), Angstrom^3
    """
    with np.errstate(all="ignore"):
        return np.asarray(np.abs(np.linalg.det(cells)))


def cell_volume(cell: NDArray[np.float64]) -> float:
    """Return the volume of one cell, shape (3, 3); see `cell_volumes`."""
    return float(cell_volumes(cell))
