"""Which structures are so similar that the label of one counts for the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from maxvolt.dataset import Dataset
from maxvolt.properties import crystal_fingerprints, same_crystals
from maxvolt.search.compositions import counts_of
from maxvolt.search.population import heights_of, with_vacuum

__all__ = ["ALIKE", "is_known", "likes", "lowest"]

ALIKE = 0.01
"""Distance of fingerprints: a lattice constant that differs by 0.7 %; polytypes are 0.03 apart."""


def lowest(structures: Dataset, count: int, species: tuple[str, ...]) -> Dataset:
    """Take the distinct structures that are least above the hull, the lowest first.

    Parameters
    ----------
    structures
        With ``enthalpy`` in their infos, as of `SearchResult.structures`; all crystals or all
        clusters.
    count
        So many at most.
    species
        Elements.

    Returns
    -------
    structures
        With ``height`` (eV/atom, equation (89) or (90)) in their infos.
    """
    if not len(structures):
        return structures
    atoms = structures.to_atoms()
    enthalpies = np.array([one.info["enthalpy"] for one in atoms])
    both = zip(atoms, enthalpies.tolist(), strict=True)
    padded = Dataset.from_atoms([with_vacuum(*one) for one in both])
    chosen = same_crystals(padded).representatives
    counts = [counts_of(species, atoms[k].numbers) for k in chosen]
    heights = heights_of(counts, enthalpies[chosen], cluster=not bool(structures.pbc.all()))
    order = np.argsort(heights, kind="stable")[:count]
    found = [atoms[chosen[k]] for k in order]
    for one, height in zip(found, heights[order], strict=True):
        one.info["height"] = float(height)
    return Dataset.from_atoms(found)


def is_known(structures: Dataset, labelled: Dataset) -> NDArray[np.bool_]:
    """Say which structures are labelled, or as good as the same as one that is, equation (94).

    Returns
    -------
    known : shape (n,)
    """
    return likes(structures, labelled) >= 0


def likes(structures: Dataset, labelled: Dataset) -> NDArray[np.int64]:
    """Find the structure that resembles each one most, equation (94).

    Returns
    -------
    indices : shape (n,)
        Of the labelled ones; -1 where none is alike.
    """
    if not len(structures) or not len(labelled):
        return np.full(len(structures), -1)
    both = [with_vacuum(one, 0.0) for one in [*structures, *labelled]]
    fingerprints = crystal_fingerprints(Dataset.from_atoms(both))
    n = len(structures)
    apart = cdist(fingerprints[:n], fingerprints[n:], metric="chebyshev")
    nearest = apart.argmin(axis=1)
    return np.where(apart.min(axis=1) <= ALIKE, nearest, -1)
