"""A slab of a crystal that is held at its places, so that the melt around it freezes from it."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.errors import DataError
from maxvolt.properties.dynamic.preparation import Prepared

__all__ = ["at_their_places", "held_slab"]

_SAME_LAYER = 0.1
"""Angstrom, between atoms of one layer across it."""


def held_slab(begin: Prepared, share: float, purpose: str) -> NDArray[np.bool_]:
    """Choose whole layers of a crystal, one above the other along the third vector of its cell.

    Parameters
    ----------
    begin
        The crystal.
    share
        Of its layers, from 0 (none) to below 1; where it is not 0 at least one is held, and at
        least one is not.
    purpose
        What is computed, for messages.

    Returns
    -------
    held : shape (N,)

    Raises
    ------
    DataError
        All atoms are in one layer.
    """
    places = begin.places
    if share == 0:
        return np.zeros(len(places), np.bool_)
    tolerance = _SAME_LAYER * float(np.linalg.norm(np.linalg.inv(begin.atoms.cell.array)[:, 2]))
    heights = (places[:, 2] + tolerance) % 1
    order = np.argsort(heights)
    layers = np.empty(len(places), np.int64)
    layers[order] = np.cumsum(np.diff(heights[order], prepend=-1) > tolerance) - 1
    count = int(layers.max()) + 1
    if count < 2:
        raise DataError(
            f"{purpose}: the cell has one layer of atoms only, of which none can be held while the "
            "rest melts; raise atoms, or take held_share=0"
        )
    return np.asarray(layers < np.clip(round(share * count), 1, count - 1))


def at_their_places(begin: Prepared, held: NDArray[np.bool_]) -> Atoms:
    """Put the held atoms of a hot crystal where they are at rest, the others stay where they are.

    The crystal as a whole may have drifted; the places go along.
    """
    atoms: Atoms = begin.atoms.copy()
    scaled = atoms.get_scaled_positions(wrap=False)
    away = scaled - begin.places
    drift = (away - np.round(away - away[0])).mean(axis=0)
    scaled[held] = begin.places[held] + drift
    atoms.set_scaled_positions(scaled)
    return atoms
