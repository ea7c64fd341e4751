"""Operators of an evolution, those of ASE's genetic algorithm, with a seed for each offspring."""

from __future__ import annotations

import importlib
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.geometry import minkowski_reduce
from numpy.typing import NDArray

from maxvolt.errors import MaxvoltError
from maxvolt.sampling.repulsion import push_apart
from maxvolt.search.compositions import Counts, counts_of, numbers_of
from maxvolt.search.random_candidates import boxed
from maxvolt.search.settings import SearchSettings
from maxvolt.search.surface import carry_outermost

__all__ = ["Operators", "require_operators", "standard"]

_STRAIN = 0.3
"""Standard deviation of the components of a strain."""

_RATTLE = 0.35
"""Largest move of an atom along an axis, relative to the sum of two covalent radii."""

_CARRIED = 3
"""Most atoms of a cluster that are put elsewhere on its surface."""

_OVERLAP = 0.7
"""Shortest distance that an operator may leave, relative to that to which atoms are pushed."""

_ANGLES = (30.0, 150.0)
"""Degrees, between which each vector of a cell stands to the plane of the others."""


def standard(atoms: Atoms) -> Atoms:
    """Write a structure in its most compact cell, a cluster in a cube; atoms by their elements."""
    if not atoms.pbc.all():
        made = boxed(atoms)
    else:
        made = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True)
        reduced, _ = minkowski_reduce(made.cell)
        made.set_cell(reduced)
        made.wrap()
    return made[np.argsort(made.numbers, kind="stable")]


def require_operators() -> None:
    """Refuse to begin where the operators are missing.

    Raises
    ------
    MaxvoltError
        Says what to install.
    """
    _of_ase("utilities")


class Operators:
    """Make offspring, each from random numbers of its own.

    Parameters
    ----------
    settings
        Of the search.
    generator
        Of one offspring.
    """

    def __init__(self, settings: SearchSettings, generator: np.random.Generator) -> None:
        self._settings = settings
        self._generator = generator
        # The operators of ASE draw as a RandomState does, and not as a Generator.
        self._random = np.random.RandomState(int(generator.integers(2**32)))

    def paired(self, mother: Atoms, father: Atoms) -> Atoms | None:
        """Cut two parents of the same composition by a plane and join the halves."""
        pairing = _of_ase("cutandsplicepairing").CutAndSplicePairing
        first, second = standard(mother), standard(father)
        if len(first) < 2:
            return None
        if self._settings.cluster:
            extent = max(first.cell.lengths()[0], second.cell.lengths()[0])
            for atoms in (first, second):
                atoms.set_cell([extent] * 3)
                atoms.rotate(*self._rotation(), center="COP")
                atoms.center()
        child = pairing(
            Atoms(cell=first.cell, pbc=first.pbc),
            len(first),
            self._closest(first),
            number_of_variable_cell_vectors=0 if self._settings.cluster else 3,
            cellbounds=None if self._settings.cluster else self._bounds(),
            rng=self._random,
        ).cross(first, second)
        return self._finished(child)

    def strained(self, parent: Atoms) -> Atoms | None:
        """Strain the cell, and move some atoms."""
        mutation = _of_ase("standardmutations").StrainMutation
        atoms = standard(parent)
        strain = mutation(self._closest(atoms), self._bounds(), stddev=_STRAIN, rng=self._random)
        child = strain.mutate(atoms)
        if child is None:
            return None
        moved = self.rattled(child, 0.3)
        return self._finished(child) if moved is None else moved

    def carried(self, parent: Atoms) -> Atoms | None:
        """Put the outermost atoms of a cluster somewhere else on its surface."""
        atoms = standard(parent)
        count = 1 + int(self._generator.integers(min(_CARRIED, len(atoms))))
        carry_outermost(atoms, self._generator, count)
        return self._finished(atoms)

    def rattled(self, parent: Atoms, share: float = 0.5) -> Atoms | None:
        """Move a share of the atoms."""
        mutation = _of_ase("standardmutations").RattleMutation
        atoms = standard(parent)
        radii = covalent_radii[atoms.numbers]
        rattle = mutation(
            self._closest(atoms),
            len(atoms),
            rattle_strength=_RATTLE * 2 * float(radii.mean()),
            rattle_prop=share,
            rng=self._random,
        )
        return self._finished(rattle.mutate(atoms))

    def permuted(self, parent: Atoms) -> Atoms | None:
        """Exchange atoms of different elements."""
        if len(set(parent.numbers)) < 2:
            return None
        mutation = _of_ase("standardmutations").PermutationMutation
        atoms = standard(parent)
        return self._finished(mutation(len(atoms), probability=0.5, rng=self._random).mutate(atoms))

    def transmuted(self, parent: Atoms) -> Atoms | None:
        """Turn atoms into those of other elements: another composition of as many atoms."""
        settings, atoms = self._settings, standard(parent)
        before = counts_of(settings.species, atoms.numbers)
        others = [one for one in settings.compositions if sum(one) == len(atoms) and one != before]
        if not others:
            return None
        order = self._generator.permutation(len(atoms))
        atoms.numbers = _turned(
            settings, atoms.numbers[order], others[self._generator.integers(len(others))]
        )[np.argsort(order)]
        scale = np.cbrt(
            (covalent_radii[atoms.numbers] ** 3).sum() / (covalent_radii[parent.numbers] ** 3).sum()
        )
        atoms.set_cell(scale * atoms.cell.array, scale_atoms=True)
        return self._finished(atoms)

    def _finished(self, child: Atoms | None) -> Atoms | None:
        """Push atoms apart that are too close; None where there is no room for that."""
        if child is None:
            return None
        table = self._settings.distances[child.numbers[:, None], child.numbers]
        positions, succeeded = push_apart(child.positions, child.cell.array, child.pbc, table)
        child.positions = positions
        return standard(child) if succeeded else None

    def _rotation(self) -> tuple[float, NDArray[np.float64]]:
        """A random angle in degrees, and axis."""
        return float(self._generator.uniform(0, 360)), self._generator.standard_normal(3)

    def _closest(self, atoms: Atoms) -> dict[tuple[int, int], float]:
        """Shortest distances as the operators of ASE have them."""
        kinds, table = sorted(set(atoms.numbers.tolist())), self._settings.distances
        pairs = combinations_with_replacement(kinds, 2)
        found = {pair: _OVERLAP * float(table[pair]) for pair in pairs}
        return found | {(b, a): distance for (a, b), distance in found.items()}

    def _bounds(self) -> Any:
        return _of_ase("utilities").CellBounds(
            {angle: list(_ANGLES) for angle in ("phi", "chi", "psi")}
        )


def _turned(
    settings: SearchSettings, numbers: NDArray[np.int64], counts: Counts
) -> NDArray[np.int64]:
    """Change as few of the atoms as it takes to have a composition, the first ones."""
    made = numbers.copy()
    wanted = numbers_of(settings.species, counts)
    missing = [
        kind
        for kind in np.unique(wanted)
        for _ in range(max(0, int((wanted == kind).sum() - (numbers == kind).sum())))
    ]
    for kind in np.unique(numbers):
        surplus = max(0, int((numbers == kind).sum() - (wanted == kind).sum()))
        for index in np.flatnonzero(numbers == kind)[:surplus]:
            made[index] = missing.pop()
    return made


def _of_ase(module: str) -> Any:
    try:
        return importlib.import_module(f"ase_ga.{module}")
    except ImportError as error:
        raise MaxvoltError(
            f"an evolution needs the operators of ASE's genetic algorithm ({error}): pip install "
            "'maxvolt[search]', or search by basin hopping (method = \"hopping\", --method hopping)"
        ) from error
