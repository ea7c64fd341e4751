"""Disordered starts: orthorhombic boxes of random edges and density, filled with atoms at random.

Atoms are put in one after the other, each at a place drawn anew until it keeps its distance from
those before it and from their images: random sequential addition, docs/formulation, equation (176).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from ase import Atoms
from ase.data import atomic_masses, chemical_symbols
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.limits import ATOMS, CUTOFF, RANDOM_ATOMS, STRUCTURES
from maxvolt.sampling.compositions import Range, checked_range, drawn_numbers, shares_of
from maxvolt.sampling.rule import PairDistances, distance_table
from maxvolt.units import G_CM3_PER_U_A3

__all__ = ["RandomBoxes"]

_TRIALS = 600
"""Places tried for each atom of a box, on average, before the box counts as full."""

_FILLINGS = 10
"""A box that is full too early is emptied, and filled anew so often before it is an error."""

_JAMMING = 0.384
"""Share of the volume that equal spheres fill at most when they are put in one after the other at
random: S. Torquato, O. U. Uche, F. H. Stillinger, Phys. Rev. E 74, 061308 (2006)."""

_ROUNDING = 1 + 1e-9
"""The search for close pairs reaches a little farther than the distance that is then compared."""


@dataclass(frozen=True, slots=True)
class RandomBoxes:
    """Periodic orthorhombic boxes, in which atoms lie at random at least a distance apart.

    The three edges are drawn independently, then the density; both are uniform in their ranges. The
    number of atoms is the nearest whole number, so that the density holds to half an atom.
    Defaults are those of J. S. Smith et al., Nat. Commun. 12, 1257 (2021), for aluminium.

    Parameters
    ----------
    composition
        Share of each element, for example ``{"Al": 1}`` or ``{"Ni": 1, "Al": 3}``; shares that do
        not come out whole are drawn at random.
    edges : Angstrom
        Of the boxes: one length, or the least and the most.
    density : g/cm^3
        One, or the least and the most.
    minimum_distance : Angstrom
        Shortest distance between atoms and images of atoms: one for all pairs, or one for each
        (``{"Al-Ni": 1.9}``), where pairs not named take 1.8.

    Raises
    ------
    DataError
        A range is none, or the distances cannot fit into the densest box.
    SpeciesError
        The composition names no elements.

    Examples
    --------
    ``RandomBoxes({"Al": 1}).draw(10, seed=0)``
    """

    composition: Mapping[str, float]
    edges: Range = (10.5, 17.0)
    density: Range = (1.80, 4.05)
    minimum_distance: PairDistances = 1.8
    _shares: Mapping[int, float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        shares = shares_of(self.composition)
        object.__setattr__(self, "_shares", shares)
        edges, density = checked_range("edges", self.edges), checked_range("density", self.density)
        table = self._distances()
        longest = float(table.max())
        CUTOFF.check("minimum_distance", max(longest, CUTOFF.least), DataError)
        if edges[0] < longest:
            raise DataError(
                f"edges: the shortest, {edges[0]:g} A, brings an atom closer to its own image than "
                f"minimum_distance = {longest:g} A; allow longer edges"
            )
        fewest = self._count(edges[0] ** 3, density[0])
        most = self._count(edges[1] ** 3, density[1])
        if fewest < 2:
            raise DataError(
                f"edges and density: a box of {edges[0]:g} A and {density[0]:g} g/cm3 holds "
                f"{fewest} atoms; expected at least 2"
            )
        RANDOM_ATOMS.check("the number of atoms in the largest box", most, DataError)
        self._check_room(density[1], table)

    def _check_room(self, density: float, table: NDArray[np.float64]) -> None:
        """Refuse densities at which even the smallest of the distances cannot be kept."""
        shortest = float(table.min())
        filled = np.pi / 6 * shortest**3 * density / (self._mass * G_CM3_PER_U_A3)
        if filled > _JAMMING:
            raise DataError(
                f"density: at {density:g} g/cm3, atoms {shortest:g} A apart fill "
                f"{100 * filled:.0f}% of the volume, and atoms put down at random at most "
                f"{100 * _JAMMING:.1f}%; lower the density or minimum_distance"
            )

    @property
    def species(self) -> tuple[str, ...]:
        """Symbols of the elements."""
        return tuple(chemical_symbols[number] for number in self._shares)

    def draw(self, count: int = 1, *, seed: int = 0) -> Dataset:
        """Draw boxes; each depends on the seed and on its number only.

        Raises
        ------
        DataError
            A box cannot be filled.
        """
        STRUCTURES.check("count", count, DataError)
        made, atoms = [], 0
        for index in range(count):
            made.append(self.box(np.random.default_rng([seed, index])))
            atoms += len(made[-1])
            ATOMS.check("the number of atoms in all boxes", atoms, DataError)
        return Dataset.from_atoms(made)

    def densest(self, *, seed: int = 0) -> Atoms:
        """Draw the box that is the hardest to fill: the smallest, of the highest density.

        Raises
        ------
        DataError
            It cannot be filled.
        """
        edges, density = checked_range("edges", self.edges), checked_range("density", self.density)
        return self._filled(np.full(3, edges[0]), density[1], np.random.default_rng(seed))

    def box(self, generator: np.random.Generator) -> Atoms:
        """Draw one box.

        Raises
        ------
        DataError
            It cannot be filled.
        """
        edges = generator.uniform(*checked_range("edges", self.edges), size=3)
        density = generator.uniform(*checked_range("density", self.density))
        return self._filled(edges, density, generator)

    def _filled(
        self, edges: NDArray[np.float64], density: float, generator: np.random.Generator
    ) -> Atoms:
        n = max(2, self._count(float(edges.prod()), density))
        numbers = generator.permutation(drawn_numbers(self._shares, n, generator))
        table, most = distance_table(*self._limits), 0
        for _ in range(_FILLINGS):
            positions = _added_in_turn(edges, numbers, table, generator)
            if len(positions) == n:
                return Atoms(numbers=numbers, positions=positions, cell=edges, pbc=True)
            most = max(most, len(positions))
        sides = " x ".join(f"{edge:.2f}" for edge in edges)
        raise DataError(
            f"a box of {sides} A with {density:.3g} g/cm3 is full after {most} of {n} atoms, the "
            f"best of {_FILLINGS} fillings, none closer than minimum_distance = "
            f"{self.minimum_distance}; lower the density or minimum_distance"
        )

    @property
    def _limits(self) -> tuple[PairDistances, float]:
        return self.minimum_distance, 1.8

    @property
    def _mass(self) -> float:
        """Mean mass of an atom, u."""
        return float(sum(share * atomic_masses[number] for number, share in self._shares.items()))

    def _distances(self) -> NDArray[np.float64]:
        elements = list(self._shares)
        return distance_table(*self._limits)[np.ix_(elements, elements)]

    def _count(self, volume: float, density: float) -> int:
        """Whole number of atoms nearest to a density, equation (176)."""
        return round(volume * density / (self._mass * G_CM3_PER_U_A3))


def _added_in_turn(
    edges: NDArray[np.float64],
    numbers: NDArray[np.int_],
    table: NDArray[np.float64],
    generator: np.random.Generator,
) -> NDArray[np.float64]:
    """Places of atoms, as many as found one in their turn, shape (k, 3).

    Places are tried many at once: a search tree finds which of them are close to each other, then
    each is taken or refused in its order, as if it had been tried alone.
    """
    placed = np.empty((0, 3))
    for _ in range(_TRIALS // 2):
        trials = generator.random((2 * len(numbers), 3)) * edges
        points = np.concatenate([placed, trials])
        placed = points[_taken(points, len(placed), edges, numbers, table)]
        if len(placed) == len(numbers):
            break
    return placed


def _taken(
    points: NDArray[np.float64],
    first: int,
    edges: NDArray[np.float64],
    numbers: NDArray[np.int_],
    table: NDArray[np.float64],
) -> list[int]:
    """Which points atoms have: the first ones, and of the others those that are free in turn."""
    kinds = np.unique(numbers)
    reach = float(table[np.ix_(kinds, kinds)].max()) * _ROUNDING
    # The tree wants coordinates below the edge, which a product may round up to.
    tree = cKDTree(np.where(points < edges, points, 0.0), boxsize=edges)
    pairs = tree.query_pairs(reach, output_type="ndarray")
    pairs = pairs[pairs[:, 1] >= first]
    pairs = pairs[np.argsort(pairs[:, 1], kind="stable")]
    vectors = points[pairs[:, 1]] - points[pairs[:, 0]]
    vectors -= edges * np.round(vectors / edges)
    distances = np.linalg.norm(vectors, axis=1)
    begins = np.searchsorted(pairs[:, 1], np.arange(first, len(points) + 1))
    turn = {point: point for point in range(first)}  # which atom is at a point
    for point in range(first, len(points)):
        if len(turn) == len(numbers):
            break
        close = slice(begins[point - first], begins[point - first + 1])
        limits = table[numbers[len(turn)]]
        free = True
        for other, distance in zip(pairs[close, 0].tolist(), distances[close], strict=True):
            if other in turn and distance < limits[numbers[turn[other]]]:
                free = False
                break
        if free:
            turn[point] = len(turn)
    return list(turn)
