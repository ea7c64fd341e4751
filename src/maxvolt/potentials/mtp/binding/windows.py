"""What the compiled core makes of neighbourhoods: windows of atoms that are evaluated together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maxvolt.compiled import _core
from maxvolt.neighbors.neighborhoods import Neighborhoods

__all__ = ["ATOMS_PER_WINDOW", "system_of", "windows_of"]

ATOMS_PER_WINDOW = 256
"""Atoms evaluated together: few for the cache and the threads, many to have few images around."""


def windows_of(neighborhoods: Neighborhoods, atoms: int | None = None) -> _core.NeighborWindows:
    """Windows over the neighbours, made once for each list: of so many atoms, if asked first."""
    kept = neighborhoods.kept_with_pairs
    if "windows" not in kept:
        kept["windows"] = _made(neighborhoods, atoms or ATOMS_PER_WINDOW)
    windows: _core.NeighborWindows = kept["windows"]
    return windows


def _made(neighborhoods: Neighborhoods, atoms: int) -> _core.NeighborWindows:
    pairs = neighborhoods.pairs
    types = np.ascontiguousarray(neighborhoods.types, dtype=np.int32)
    if pairs.found is not None:
        return _core.NeighborWindows.of_search(pairs.found, types, atoms)
    structures = np.ascontiguousarray(neighborhoods.structures, dtype=np.int32)
    inside, images = _wrapped(neighborhoods.positions, neighborhoods.cells, structures)
    return _core.NeighborWindows(
        pairs.pairs, pairs.shifts, inside, images, structures, types, atoms
    )


def system_of(neighborhoods: Neighborhoods) -> _core.System:
    """Windows and atoms: what the kernels run over, made once for each set of positions."""
    kept = neighborhoods.kept_with_atoms
    if "system" not in kept:
        kept["system"] = _core.System(
            np.ascontiguousarray(neighborhoods.positions, dtype=float),
            np.ascontiguousarray(neighborhoods.cells, dtype=float),
            np.ascontiguousarray(neighborhoods.types, dtype=np.int32),
            windows_of(neighborhoods),
        )
    system: _core.System = kept["system"]
    return system


def _wrapped(
    positions: NDArray[np.float64], cells: NDArray[np.float64], structures: NDArray[np.int32]
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Positions moved into the cell, and the lattice translations that were taken off."""
    inverse = _inverses(cells)
    # Atoms on a side of the cell, up to rounding, count as inside.
    fractions = np.einsum("na,nab->nb", positions, inverse[structures])
    images = np.floor(fractions + 1e-6)
    inside = positions - np.einsum("na,nab->nb", images, cells[structures])
    return inside, images.astype(np.int32)


def _inverses(cells: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverse cells; of those with directions that are not periodic, whose rows are zero, what
    takes their place.
    """  # noqa: D205
    whole = np.all(np.any(cells, axis=2), axis=1)
    if whole.all():
        return np.asarray(np.linalg.inv(cells))
    found = np.empty_like(cells)
    found[whole] = np.linalg.inv(cells[whole])
    found[~whole] = np.linalg.pinv(cells[~whole])
    return found
