"""Candidates that are all new, and what is asked of any method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from ase import Atoms

from maxvolt.search.candidates import Candidate, Proposal
from maxvolt.search.compositions import Counts
from maxvolt.search.operators import standard
from maxvolt.search.population import Population
from maxvolt.search.random_candidates import new_candidate
from maxvolt.search.settings import SearchSettings

__all__ = ["TRIES", "Randomness", "SearchMethod"]

TRIES = 5
"""Changes of structures tried for one candidate before it is made at random."""


class SearchMethod(Protocol):
    """Proposes candidates, and is told what has become of them."""

    def propose(self, generation: int) -> list[Proposal]:
        """Make the candidates of the next generation."""

    def learn(self, candidates: Sequence[Candidate], population: Population) -> None:
        """Take in a generation; the population holds its best already."""


class Randomness:
    """Every candidate is new."""

    def __init__(self, settings: SearchSettings, seeds: Sequence[Atoms] = ()) -> None:
        self._settings = settings
        self._seeds = [standard(atoms) for atoms in seeds]

    def propose(self, generation: int) -> list[Proposal]:
        """Begin with the seeds, and make the rest at random."""
        seeds = self._seeds if generation == 0 else []
        found = [Proposal(atoms, "seed") for atoms in seeds]
        # However many seeds there are, new structures belong to a start.
        few = len(seeds) + self._settings.population // 2 if seeds else 0
        total = max(self._settings.population, few)
        return [*found, *(self._proposal(generation, k) for k in range(len(found), total))]

    def learn(self, candidates: Sequence[Candidate], population: Population) -> None:
        """Nothing is learned."""

    def _proposal(self, generation: int, index: int) -> Proposal:
        return self._new(generation, index)

    def _generator(self, generation: int, index: int, purpose: int = 0) -> np.random.Generator:
        return np.random.default_rng([self._settings.seed, generation, index, purpose])

    def _new(self, generation: int, index: int) -> Proposal:
        """A random structure: at first of each composition in turn, later of any."""
        every = self._settings.compositions
        chosen = int(self._generator(generation, index, 1).integers(len(every)))
        if generation == 0:
            chosen = _spread(every, index)
        return self._random(generation, index, every[chosen])

    def _random(self, generation: int, index: int, counts: Counts) -> Proposal:
        seed = [self._settings.seed, generation, index, 2]
        return Proposal(*new_candidate(self._settings, counts, seed))


def _spread(every: Sequence[Counts], index: int) -> int:
    """Pure elements first, the others evenly spread behind: there may be more than candidates."""
    pure = sum(sum(count > 0 for count in counts) == 1 for counts in every)
    others = len(every) - pure
    if index < pure or not others:
        return index % len(every)
    golden = (index - pure) * 0.6180339887498949
    return pure + int(others * (golden - int(golden)))
