"""Offspring of the best structures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase import Atoms

from maxvolt.search.candidates import Candidate, Proposal
from maxvolt.search.operators import Operators, standard
from maxvolt.search.population import Population
from maxvolt.search.randomness import TRIES, Randomness
from maxvolt.search.settings import SearchSettings

__all__ = ["Evolution"]

_OPERATORS = {"paired": 0.5, "strained": 0.2, "rattled": 0.15, "exchanged": 0.15}
"""How often offspring is made by each; of clusters some atoms are carried where cells strain."""


class Evolution(Randomness):
    """Offspring of the best, beside new structures."""

    def __init__(self, settings: SearchSettings, seeds: Sequence[Atoms] = ()) -> None:
        super().__init__(settings, seeds)
        self._population = Population(settings, niche=settings.niche)

    def learn(self, candidates: Sequence[Candidate], population: Population) -> None:
        """Take in candidates as parents, the lowest of each niche."""
        self._population = self._population.with_candidates(candidates)

    def _proposal(self, generation: int, index: int) -> Proposal:
        generator = self._generator(generation, index)
        is_new = generator.random() < self._settings.random_share
        if generation == 0 or is_new or not len(self._population):
            return self._new(generation, index)
        operators = Operators(self._settings, generator)
        for _ in range(TRIES):
            found = self._offspring(operators, generator)
            if found is not None:
                return found
        return self._new(generation, index)

    def _offspring(self, operators: Operators, generator: np.random.Generator) -> Proposal | None:
        members = self._population.members
        first = members[self._tournament(generator)]
        name = str(generator.choice(list(_OPERATORS), p=list(_OPERATORS.values())))
        if name == "paired":
            mates = self._mates(first)
            if not mates:
                return None
            mate, mother, father = mates[int(generator.integers(len(mates)))]
            child = operators.paired(mother, father)
            return None if child is None else Proposal(child, name, (first.number, mate.number))
        if name == "strained" and self._settings.cluster:
            name = "carried"
        if name == "exchanged":
            name = str(generator.choice(["permuted", "transmuted"]))
        child = getattr(operators, name)(first.atoms)
        return None if child is None else Proposal(child, name, (first.number,))

    def _tournament(self, generator: np.random.Generator) -> int:
        """The better of two members, equation (91)."""
        return int(generator.integers(len(self._population), size=2).min())

    def _mates(self, first: Candidate) -> list[tuple[Candidate, Atoms, Atoms]]:
        """Members of the same composition, in cells of the same size, and both structures."""
        found, population = [], self._population
        counts = population.counts(first)
        for other in population.members:
            theirs = population.counts(other)
            size = int(np.lcm(sum(counts), sum(theirs)))
            times = size // sum(counts), size // sum(theirs)
            same = all(times[0] * a == times[1] * b for a, b in zip(counts, theirs, strict=True))
            if other is first or not same or size > self._settings.atoms[1]:
                continue
            found.append(
                (other, _repeated(first.atoms, times[0]), _repeated(other.atoms, times[1]))
            )
        return found


def _repeated(atoms: Atoms, times: int) -> Atoms:
    """A supercell along the shortest vector."""
    if times == 1:
        return atoms
    made = standard(atoms)
    shortest = int(made.cell.lengths().argmin())
    longer: Atoms = made.repeat([times if axis == shortest else 1 for axis in range(3)])
    return longer
