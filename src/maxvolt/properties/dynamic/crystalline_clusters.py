"""How large the pieces of crystal in a structure are."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from maxvolt.properties.dynamic.common_neighbours import (
    PHASES,
    common_neighbours,
    nearest_neighbours,
)

__all__ = ["phases_and_clusters"]

_SHELL = {"fcc": 12, "hcp": 12, "bcc": 14, "icosahedral": 12, "diamond": 4, "hexagonal diamond": 4}
"""Nearest neighbours through which atoms of a phase are connected."""


def phases_and_clusters(atoms: Atoms) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count the atoms in each phase, and those of the largest connected piece of it.

    Atoms of the same phase are connected where one is among the nearest neighbours of the other,
    14 in bcc, 4 in diamond, else 12; through the sides of the cell, too.

    Parameters
    ----------
    atoms
        As of `common_neighbours`.

    Returns
    -------
    counts, clusters : shape (number of `PHASES`,)
        Of atoms; clusters of "other" are not counted.

    Raises
    ------
    DataError
        The structure has too few atoms, or is not periodic.
    """
    phases = common_neighbours(atoms)
    indices, _ = nearest_neighbours(atoms)
    clusters = np.zeros(len(PHASES), np.int64)
    for name, shell in _SHELL.items():
        phase = PHASES.index(name)
        if (phases == phase).any():
            clusters[phase] = _largest(phases == phase, indices[:, :shell])
    return np.bincount(phases, minlength=len(PHASES)), clusters


def _largest(inside: NDArray[np.bool_], neighbours: NDArray[np.int64]) -> int:
    """Atoms of the largest piece of those inside, connected by neighbours inside."""
    owners = np.repeat(np.arange(len(inside)), neighbours.shape[1])
    others = neighbours.ravel()
    bonded = inside[owners] & inside[others]
    graph = coo_array(
        (np.ones(int(bonded.sum()), np.bool_), (owners[bonded], others[bonded])),
        shape=(len(inside), len(inside)),
    )
    _, labels = connected_components(graph, directed=False)
    return int(np.bincount(labels[inside]).max())
