"""Basin hopping: each walker moves, relaxes, and stays or goes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.units import kB

from maxvolt.sampling.repulsion import push_apart
from maxvolt.search.candidates import Candidate, Proposal
from maxvolt.search.compositions import counts_of
from maxvolt.search.operators import standard
from maxvolt.search.population import Population
from maxvolt.search.randomness import TRIES, Randomness
from maxvolt.search.settings import SearchSettings
from maxvolt.search.surface import carry_outermost

__all__ = ["Hopping"]

_STEP = 0.35
"""Of a hop, relative to the mean sum of two covalent radii."""

_STRAIN = 0.08
"""Standard deviation of the strain of a crystal that hops."""

_EXCHANGES = 0.3
"""Share of hops that exchange two elements instead, or move the outermost atom of a cluster."""

_ADAPTION = 1.05
"""By which hops become longer where one is accepted, and shorter where one is not."""

_STRETCHES = (0.5, 1.6)
"""Within which hops adapt, relative to those of the settings."""


@dataclass(frozen=True, slots=True, eq=False)
class _Walker:
    """Where it stands, and how long its hops are, relative to those of the settings."""

    candidate: Candidate
    stretch: float = 1.0


class Hopping(Randomness):
    """Walkers that stay where a hop has led them, or go back (Metropolis)."""

    def __init__(self, settings: SearchSettings, seeds: Sequence[Atoms] = ()) -> None:
        super().__init__(settings, seeds)
        self._walkers: dict[int, _Walker] = {}

    def learn(self, candidates: Sequence[Candidate], population: Population) -> None:
        """Let each walker stay where it has come to, or go back, equation (93)."""
        for index, one in enumerate(candidates):
            before = self._walkers.get(index)
            if before is None:
                if one.is_relaxed:
                    self._walkers[index] = _Walker(one)
                continue
            stays = one.is_relaxed and self._accepts(index, before.candidate, one)
            self._walkers[index] = _Walker(
                one if stays else before.candidate,
                _adapted(before.stretch, stays) if one.origin == "hop" else before.stretch,
            )

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
        before = walker.candidate
        for _ in range(TRIES):
            atoms = standard(before.atoms)
            origin = _hop(self._settings, atoms, walker.stretch, generator)
            if origin is not None:
                return Proposal(atoms, origin, (before.number,))
        # Equation (93) compares enthalpies, which only structures of the same atoms can.
        counts = counts_of(self._settings.species, before.atoms.numbers)
        return self._random(generation, index, counts)


def _adapted(stretch: float, accepted: bool) -> float:
    """Length of the next hops, equation (116): half of them are to be accepted."""
    least, most = _STRETCHES
    return min(max(stretch * (_ADAPTION if accepted else 1 / _ADAPTION), least), most)


def _hop(
    settings: SearchSettings, atoms: Atoms, stretch: float, generator: np.random.Generator
) -> str | None:
    """Move a structure out of its basin, and name the move; None where atoms come too close."""
    several = len(set(atoms.numbers)) > 1
    if (several or settings.cluster) and generator.random() < _EXCHANGES:
        origin = "exchanged" if several else "carried"
        _exchange(atoms, generator) if several else carry_outermost(atoms, generator)
    else:
        origin = "hop"
        radii = covalent_radii[atoms.numbers]
        step = stretch * (settings.hop_step or _STEP * 2 * float(radii.mean()))
        atoms.positions += generator.uniform(-step, step, (len(atoms), 3))
        if not settings.cluster:
            _strain(atoms, stretch * _STRAIN, generator)
    table = settings.distances[atoms.numbers[:, None], atoms.numbers]
    atoms.positions, succeeded = push_apart(atoms.positions, atoms.cell.array, atoms.pbc, table)
    return origin if succeeded else None


def _strain(atoms: Atoms, deviation: float, generator: np.random.Generator) -> None:
    """Strain the cell at random, equation (92); its volume changes, too."""
    strain = generator.normal(scale=deviation, size=(3, 3))
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.5 * (strain + strain.T)), scale_atoms=True)


def _exchange(atoms: Atoms, generator: np.random.Generator) -> None:
    """Exchange two atoms of different elements."""
    first = int(generator.integers(len(atoms)))
    others = np.flatnonzero(atoms.numbers != atoms.numbers[first])
    second = int(others[generator.integers(len(others))])
    atoms.positions[[first, second]] = atoms.positions[[second, first]]
