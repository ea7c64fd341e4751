"""What the candidates of a generation are: a function of those before, and of the seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.units import kB

from maxvolt.sampling.repulsion import push_apart
from maxvolt.search.candidates import Candidate, Proposal
from maxvolt.search.compositions import Counts, counts_of
from maxvolt.search.operators import Operators, require_operators, standard
from maxvolt.search.population import Population
from maxvolt.search.random_candidates import new_candidate, require_pyxtal
from maxvolt.search.seeds import check_seeds
from maxvolt.search.settings import SearchSettings

__all__ = ["Evolution", "Hopping", "Randomness", "SearchMethod", "method_of"]

_TRIES = 5
"""Operators tried for one offspring before it is made at random."""

_HOP_STEP = 0.35
"""Of a hop, relative to the mean sum of two covalent radii."""

_HOP_STRAIN = 0.08
"""Standard deviation of the strain of a crystal that hops."""

_EXCHANGES = 0.3
"""Share of hops that exchange two elements instead, or move the outermost atom of a cluster."""


_OPERATORS = {"paired": 0.5, "strained": 0.2, "rattled": 0.15, "exchanged": 0.15}
"""How often offspring is made by each."""


class SearchMethod(Protocol):
    """Proposes candidates, and is told what has become of them."""

    def propose(self, generation: int) -> list[Proposal]:
        """Make the candidates of the next generation."""

    def learn(self, candidates: Sequence[Candidate], population: Population) -> None:
        """Take in a generation; the population holds its best already."""


def method_of(settings: SearchSettings, seeds: Sequence[Atoms] = ()) -> SearchMethod:
    """Give the method that settings ask for; refuse it where something is not installed.

    Parameters
    ----------
    settings
    seeds
        Structures that belong to the first generation, before random ones.

    Raises
    ------
    DataError
        A seed is not what is searched for.
    MaxvoltError
        Says what to install.
    """
    check_seeds(settings, seeds)
    if settings.symmetry and not settings.cluster:
        require_pyxtal()
    if settings.method == "evolution":
        require_operators()
        return Evolution(settings, seeds)
    return (Hopping if settings.method == "hopping" else Randomness)(settings, seeds)


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


class Evolution(Randomness):
    """Offspring of the best, beside new structures."""

    def __init__(self, settings: SearchSettings, seeds: Sequence[Atoms] = ()) -> None:
        super().__init__(settings, seeds)
        self._population = Population(settings)

    def learn(self, candidates: Sequence[Candidate], population: Population) -> None:
        """Take the population as parents."""
        self._population = population

    def _proposal(self, generation: int, index: int) -> Proposal:
        generator = self._generator(generation, index)
        is_new = generator.random() < self._settings.random_share
        if generation == 0 or is_new or not len(self._population):
            return self._new(generation, index)
        operators = Operators(self._settings, generator)
        for _ in range(_TRIES):
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


class Hopping(Randomness):
    """Basin hopping: each walker moves, relaxes, and stays or goes back (Metropolis)."""

    def __init__(self, settings: SearchSettings, seeds: Sequence[Atoms] = ()) -> None:
        super().__init__(settings, seeds)
        self._walkers: dict[int, Candidate] = {}

    def learn(self, candidates: Sequence[Candidate], population: Population) -> None:
        """Let each walker stay where it has come to, or go back, equation (93)."""
        for index, one in enumerate(candidates):
            before = self._walkers.get(index)
            if one.is_relaxed and (before is None or self._accepts(index, before, one)):
                self._walkers[index] = one

    def _accepts(self, index: int, before: Candidate, after: Candidate) -> bool:
        rise = after.enthalpy - before.enthalpy
        if rise <= 0:
            return True
        chance = np.exp(-rise / (kB * self._settings.hop_temperature))
        return bool(self._generator(after.generation, index, 3).random() < chance)

    def _proposal(self, generation: int, index: int) -> Proposal:
        walker = self._walkers.get(index)
        if walker is None:
            return self._new(generation, index)
        generator = self._generator(generation, index)
        for _ in range(_TRIES):
            moved = _hopped(self._settings, standard(walker.atoms), generator)
            if moved is not None:
                return Proposal(moved, "hop", (walker.number,))
        # Equation (93) compares enthalpies, which only structures of the same atoms can.
        counts = counts_of(self._settings.species, walker.atoms.numbers)
        return self._random(generation, index, counts)


def _hopped(settings: SearchSettings, atoms: Atoms, generator: np.random.Generator) -> Atoms | None:
    """Move a structure out of its basin; None where atoms come too close."""
    several = len(set(atoms.numbers)) > 1
    if (several or settings.cluster) and generator.random() < _EXCHANGES:
        _exchange(atoms, generator) if several else _carry_outermost(atoms, generator)
    else:
        radii = covalent_radii[atoms.numbers]
        step = settings.hop_step or _HOP_STEP * 2 * float(radii.mean())
        atoms.positions += generator.uniform(-step, step, (len(atoms), 3))
        if not settings.cluster:
            _strain(atoms, generator)
    table = settings.distances[atoms.numbers[:, None], atoms.numbers]
    positions, succeeded = push_apart(atoms.positions, atoms.cell.array, atoms.pbc, table)
    atoms.positions = positions
    return atoms if succeeded else None


def _strain(atoms: Atoms, generator: np.random.Generator) -> None:
    """Strain the cell at random, equation (92); its volume changes, too."""
    strain = generator.normal(scale=_HOP_STRAIN, size=(3, 3))
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.5 * (strain + strain.T)), scale_atoms=True)


def _exchange(atoms: Atoms, generator: np.random.Generator) -> None:
    """Exchange two atoms of different elements."""
    first = int(generator.integers(len(atoms)))
    others = np.flatnonzero(atoms.numbers != atoms.numbers[first])
    second = int(others[generator.integers(len(others))])
    atoms.positions[[first, second]] = atoms.positions[[second, first]]


def _carry_outermost(atoms: Atoms, generator: np.random.Generator) -> None:
    """Put the outermost atom of a cluster somewhere else on its surface."""
    center = atoms.positions.mean(axis=0)
    distances = np.linalg.norm(atoms.positions - center, axis=1)
    outermost = int(distances.argmax())
    direction = generator.standard_normal(3)
    atoms.positions[outermost] = center + distances[outermost] * direction / np.linalg.norm(
        direction
    )
