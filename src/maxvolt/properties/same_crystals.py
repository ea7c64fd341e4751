"""Which of many structures are the same crystal, in whatever cell each of them is written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from maxvolt.errors import DataError
from maxvolt.io.structures import Structures, structures_of
from maxvolt.neighbors.neighborhoods import Neighborhoods, iterate_neighborhoods
from maxvolt.properties.convex_hull import SAME_ENERGY
from maxvolt.units import VOIGT

__all__ = ["DISTANCE", "SameCrystals", "crystal_fingerprints", "same_crystals"]

Array = NDArray[np.float64]

DISTANCE = 0.003
"""Of fingerprints, below which crystals are the same unless their energies say otherwise.

Atoms displaced by 0.003 Angstrom make 0.0007; close-packed metals that differ in the order of their
layers, up to nine, are at least 0.007 apart.
"""

_SHELLS = 12
"""Functions of the distance."""

_CUTOFF = 7.0
"""Angstrom."""

_ATOMS_AT_ONCE = 4000


@dataclass(frozen=True, slots=True, eq=False)
class SameCrystals:
    """Crystals among n structures.

    Attributes
    ----------
    groups : shape (n,)
        Number of the crystal of each structure, from 0, in the order of their first structures.
    representatives : shape (crystals,)
        One structure of each: the fewest atoms, then the lowest energy.
    """

    groups: NDArray[np.int64]
    representatives: NDArray[np.int64]

    def __repr__(self) -> str:
        """Say how many there are."""
        return f"SameCrystals({len(self.representatives)} crystals, {len(self.groups)} structures)"


def same_crystals(
    structures: Structures, *, distance: float = DISTANCE, energy: float = SAME_ENERGY
) -> SameCrystals:
    """Find the structures that are the same crystal, by `crystal_fingerprints`.

    Structures are the same crystal if their compositions are equal, no number of their fingerprints
    differs by more than `distance`, and their energies by no more than `energy`, where both have
    one. What is the same as a third structure is the same as each other. To be relaxed tightly is
    up to the caller: two ends of the same valley that are 0.01 Angstrom apart are not recognised.

    Parameters
    ----------
    structures
        A `Dataset`, several ``ase.Atoms`` or the path of a file; periodic in three directions.
    distance
        Largest difference of fingerprints, dimensionless.
    energy : eV/atom
        Largest difference of energies.

    Raises
    ------
    DataError
        A structure that is not periodic, or a limit below 0.
    """
    if not (distance >= 0 and energy >= 0):
        raise DataError(f"same_crystals: expected limits of at least 0; got {distance}, {energy}")
    dataset = structures_of(structures, None, name="structures")
    if not len(dataset):
        return SameCrystals(np.empty(0, np.int64), np.empty(0, np.int64))
    fingerprints = crystal_fingerprints(dataset)
    energies = np.where(dataset.has_energy, dataset.energies, np.nan) / dataset.counts
    pairs = cKDTree(fingerprints).query_pairs(distance, p=np.inf, output_type="ndarray")
    apart = abs(energies[pairs[:, 0]] - energies[pairs[:, 1]])  # NaN where one is unknown
    pairs = pairs[~(apart > energy)]
    n = len(dataset)
    graph = coo_array((np.ones(len(pairs), np.bool_), pairs.T), shape=(n, n))
    _, found = connected_components(graph, directed=False)
    _, first, groups = np.unique(found, return_index=True, return_inverse=True)
    groups = np.argsort(np.argsort(first))[groups]
    best = np.lexsort((np.nan_to_num(energies, nan=np.inf), dataset.counts, groups))
    representatives = best[np.unique(groups[best], return_index=True)[1]]
    return SameCrystals(groups.astype(np.int64), representatives.astype(np.int64))


def crystal_fingerprints(structures: Structures, *, cutoff: float = _CUTOFF) -> Array:
    r"""Numbers that are equal for structures that are the same crystal, equation (74).

    Around each atom, neighbours of each element are summed with smooth functions of the distance:
    their number, the length of the sum of their directions, and the anisotropy of these. Of each of
    these numbers there are mean and standard deviation over the atoms of each element. They change
    with none of: cell, rotation, translation, reflection, order of the atoms. All are in units of
    neighbours, divided by how many there are.

    Parameters
    ----------
    structures
        As of `same_crystals`.
    cutoff : Angstrom
        Up to which neighbours count.

    Returns
    -------
    fingerprints : shape (n, columns)
        The first columns are the shares of the elements.

    Raises
    ------
    DataError
        A structure that is not periodic.
    """
    dataset = structures_of(structures, None, name="structures")
    if not dataset.pbc.all():
        first = int(np.flatnonzero(~dataset.pbc.all(axis=1))[0])
        raise DataError(f"structure {first}, counted from 0, is not periodic; expected crystals")
    species = dataset.species
    columns = len(species) * (1 + 6 * _SHELLS * (len(species) + 1))
    found = np.zeros((len(dataset), columns))
    for part, neighborhoods in iterate_neighborhoods(
        dataset, species, cutoff, atoms_at_once=_ATOMS_AT_ONCE
    ):
        found[part] = _of_structures(neighborhoods, len(species), cutoff)
    return found


def _of_structures(where: Neighborhoods, kinds: int, cutoff: float) -> Array:
    """Shares of the elements, then means and deviations over the atoms of each element."""
    sites = _of_sites(where, kinds, cutoff)
    n, counts = where.n_structures, np.bincount(where.structures, minlength=where.n_structures)
    neighbors = sites[:, -1, :, 0].sum(axis=1)
    total = _summed(where.structures, neighbors[:, None], n) / counts[:, None]
    parts = []
    flat = sites.reshape(len(sites), -1) / total[where.structures]
    for kind in range(kinds):
        of = where.types == kind
        share = np.bincount(where.structures[of], minlength=n) / counts
        parts.append(share[:, None])
        mean = _summed(where.structures[of], flat[of], n) / counts[:, None]
        with np.errstate(invalid="ignore"):
            own = np.nan_to_num(mean / share[:, None])
        square = _summed(where.structures[of], (flat[of] - own[where.structures[of]]) ** 2, n)
        parts += [mean, np.sqrt(square / counts[:, None])]
    return np.concatenate(parts, axis=1)


def _of_sites(where: Neighborhoods, kinds: int, cutoff: float) -> Array:
    """Number, polarity and anisotropy of the neighbours, shape (N, kinds + 1, shells, 3).

    The last of the kinds is all of them together.
    """
    owners, neighbors, shifts = where.pairs.both_ways()
    cells = where.cells[where.structures[owners]]
    vectors = where.positions[neighbors] - where.positions[owners]
    vectors += np.einsum("pa,pab->pb", shifts.astype(float), cells)
    lengths = np.linalg.norm(vectors, axis=1)
    inside = lengths < cutoff
    owners, neighbors = owners[inside], neighbors[inside]
    lengths, units = lengths[inside], vectors[inside] / lengths[inside, None]
    harmonics = [np.ones(len(lengths)), *units.T, *(units[:, a] * units[:, b] for a, b in VOIGT)]
    group = owners.astype(np.int64) * kinds + where.types[neighbors]
    groups = where.n_atoms * kinds
    sums = np.empty((where.n_atoms, kinds + 1, _SHELLS, 10))
    for shell, weight in enumerate(_weights(lengths, cutoff)):
        for component, values in enumerate(harmonics):
            each = np.bincount(group, weight * values, groups).reshape(-1, kinds)
            sums[:, :kinds, shell, component] = each
            sums[:, kinds, shell, component] = each.sum(axis=1)
    numbers, tensor = sums[..., 0], sums[..., 4:]
    tensor[..., :3] -= numbers[..., None] / 3.0
    squares = (tensor[..., :3] ** 2).sum(axis=-1) + 2.0 * (tensor[..., 3:] ** 2).sum(axis=-1)
    polarity = np.linalg.norm(sums[..., 1:4], axis=-1)
    return np.stack([numbers, polarity, np.sqrt(squares)], axis=-1)


def _weights(lengths: Array, cutoff: float) -> list[Array]:
    """Smooth functions of the distance that fade out at the cutoff, each with its own maximum."""
    fading = (1.0 - (lengths / cutoff) ** 2) ** 2
    scaled = lengths / cutoff
    return [
        fading * np.exp(-0.5 * ((scaled - center) * 2.0 * _SHELLS) ** 2)
        for center in np.linspace(0.3, 0.85, _SHELLS)
    ]


def _summed(owners: NDArray[np.int32], values: Array, n: int) -> Array:
    """Sum rows that belong to the same of n owners."""
    return np.stack([np.bincount(owners, column, n) for column in values.T], axis=1)
