"""The best distinct structures that a search has found so far."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.properties import convex_hull, crystal_fingerprints, same_crystals
from maxvolt.properties.same_crystals import DISTANCE
from maxvolt.search.candidates import Candidate
from maxvolt.search.compositions import Counts, counts_of, ratio_of
from maxvolt.search.settings import SearchSettings

__all__ = ["Population", "heights_of", "with_vacuum"]

Array = NDArray[np.float64]

_BETWEEN = 15.0
"""Angstrom of vacuum between images of a cluster, for its fingerprint: twice its cutoff."""


class Population:
    """Distinct structures, the lowest first.

    Parameters
    ----------
    settings
        Of the search.
    members
        The structures.
    heights : shape (n,), eV/atom
        Of each above the hull, see `heights_of`.
    niche
        Largest difference of fingerprints at which, of two structures, only the lower one is kept,
        equation (115); 0: all distinct ones are.
    """

    def __init__(
        self,
        settings: SearchSettings,
        members: Sequence[Candidate] = (),
        heights: Array | None = None,
        *,
        niche: float = 0.0,
    ) -> None:
        self._settings = settings
        self._niche = niche
        self.members = tuple(members)
        self.heights = np.empty(0) if heights is None else heights

    def __len__(self) -> int:
        return len(self.members)

    def with_candidates(self, candidates: Sequence[Candidate]) -> Population:
        """Take in those that were relaxed: one of each crystal, and of these the lowest."""
        relaxed = [*self.members, *(one for one in candidates if one.is_relaxed)]
        if not relaxed:
            return self
        structures = Dataset.from_atoms([with_vacuum(one.atoms, one.enthalpy) for one in relaxed])
        chosen = same_crystals(structures, distance=DISTANCE).representatives
        distinct = [relaxed[k] for k in chosen]
        counts = [self.counts(one) for one in distinct]
        enthalpies = np.array([one.enthalpy for one in distinct])
        heights = heights_of(counts, enthalpies, cluster=self._settings.cluster)
        numbers = np.array([one.number for one in distinct])
        order = np.lexsort((numbers, heights))
        if self._niche:
            order = order[_far_apart(structures.select(chosen[order]), self._niche)]
        order = order[: self._settings.population]
        members = [distinct[k] for k in order]
        return Population(self._settings, members, heights[order], niche=self._niche)

    def counts(self, candidate: Candidate) -> Counts:
        """Composition of a candidate."""
        return counts_of(self._settings.species, candidate.atoms.numbers)


def heights_of(counts: Sequence[Counts], enthalpies: Array, *, cluster: bool) -> Array:
    """How far structures are above the best that there is, equation (89) or (90).

    Parameters
    ----------
    counts
        Atoms of each element.
    enthalpies : shape (n,), eV
        Of the whole structures.
    cluster
        Clusters compare with those of the same atoms; crystals with the convex hull, or, where a
        pure element is missing, with those of the same ratio of elements.

    Returns
    -------
    heights : shape (n,), eV/atom
    """
    table = np.array(counts)
    per_atom = enthalpies / table.sum(axis=1)
    pure = (table > 0).sum(axis=1) == 1
    present = table.any(axis=0)
    if not cluster and (present == table[pure].any(axis=0)).all():
        elements = 1 + np.arange(table.shape[1])
        structures = [Atoms(np.repeat(elements, row)) for row in table]
        for atoms, enthalpy in zip(structures, enthalpies, strict=True):
            atoms.calc = SinglePointCalculator(atoms, energy=enthalpy)
        return convex_hull(Dataset.from_atoms(structures)).distances
    keys = [one if cluster else ratio_of(one) for one in counts]
    lowest: dict[Counts, float] = {}
    for key, value in zip(keys, per_atom, strict=True):
        lowest[key] = min(value, lowest.get(key, np.inf))
    return np.asarray(per_atom - np.array([lowest[key] for key in keys]))


def _far_apart(structures: Dataset, distance: float) -> NDArray[np.int64]:
    """Take each structure whose fingerprint is far from those of all taken before it."""
    fingerprints = crystal_fingerprints(structures)
    taken: list[int] = []
    for k, one in enumerate(fingerprints):
        if (np.abs(fingerprints[taken] - one).max(axis=1) > distance).all():
            taken.append(k)
    return np.array(taken, np.int64)


def with_vacuum(atoms: Atoms, energy: float) -> Atoms:
    """Return a crystal as it is, a cluster with vacuum around it, so that it has a fingerprint."""
    made = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    if not atoms.pbc.all():
        extent = float(np.ptp(atoms.positions, axis=0).max()) + _BETWEEN
        made = Atoms(atoms.numbers, atoms.positions, cell=[extent] * 3, pbc=True)
    made.calc = SinglePointCalculator(made, energy=energy)
    return made
