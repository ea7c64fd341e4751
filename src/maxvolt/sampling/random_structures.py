"""Random periodic structures in which no two atoms are too close."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.limits import ATOMS, RANDOM_ATOMS, STRUCTURES
from maxvolt.neighbors import build_neighbors
from maxvolt.sampling.compositions import checked_range, drawn_numbers, shares_of
from maxvolt.sampling.repulsion import covalent_distances
from maxvolt.sampling.rule import PairDistances, distance_table

__all__ = ["random_structures"]

_CELL_TRIALS = 50
"""Cells tried for a structure before it is given up."""

_PUSHES = 200
"""Rounds in which atoms that are too close are pushed apart."""

_PUSH = 1.02
"""Distance, relative to the limit, to which they are pushed."""


def random_structures(
    composition: Mapping[str, float],
    n_atoms: int | tuple[int, int],
    volume_per_atom: float | tuple[float, float],
    *,
    count: int,
    minimum_distance: PairDistances | None = None,
    seed: int = 0,
) -> Dataset:
    """Make structures with random cells and positions.

    Atoms are put down at random and those that are too close are pushed apart; where that does not
    succeed, another cell is tried.

    Parameters
    ----------
    composition
        Share of each element, for example ``{"Al": 1}`` or ``{"Ni": 1, "Al": 1}``; shares that do
        not come out whole are drawn at random.
    n_atoms
        Atoms of each structure, or the least and the most.
    volume_per_atom : Angstrom^3
        One, or the least and the most.
    count
        How many structures to make.
    minimum_distance : Angstrom
        Shortest distance: one for all pairs or one for each (``"Al-Ni"``). None, and for pairs that
        are not named: 0.75 times the sum of the covalent radii.
    seed
        Random seed.

    Returns
    -------
    structures
        Without labels.

    Raises
    ------
    DataError
        The distances do not fit into the volume.
    SpeciesError
        The composition names no elements.
    """
    shares = shares_of(composition)
    fewest, most = checked_range("n_atoms", n_atoms)
    least, largest = checked_range("volume_per_atom", volume_per_atom)
    if count < 1 or fewest < 1 or fewest != int(fewest) or most != int(most):
        raise DataError(f"expected whole numbers of at least 1: {count=}, {n_atoms=}")
    STRUCTURES.check("count", count, DataError)
    RANDOM_ATOMS.check("n_atoms", most, DataError)
    ATOMS.check("count * n_atoms", count * most, DataError)
    table = _distances(minimum_distance, list(shares))
    made = []
    for index in range(count):
        generator = np.random.default_rng([seed, index])
        n = int(generator.integers(int(fewest), int(most) + 1))
        numbers = drawn_numbers(shares, n, generator)
        atoms = _place(numbers, n * generator.uniform(least, largest), table, generator)
        if atoms is None:
            raise DataError(
                f"random structure {index}: {n} atoms do not fit with these shortest distances "
                f"into {least:g} to {largest:g} A^3 per atom; allow more volume or shorter "
                "distances"
            )
        made.append(atoms)
    return Dataset.from_atoms(made)


def _distances(given: PairDistances | None, elements: list[int]) -> NDArray[np.float64]:
    table = covalent_distances()
    if given is None:
        return table
    named = distance_table(given, default=np.nan)
    return np.where(np.isnan(named), table, named)


def _place(
    numbers: NDArray[np.int_],
    volume: float,
    table: NDArray[np.float64],
    generator: np.random.Generator,
) -> Atoms | None:
    limits = table[numbers[:, None], numbers]
    for _ in range(_CELL_TRIALS):
        cell = _random_cell(volume, generator)
        positions = generator.random((len(numbers), 3)) @ cell
        placed = _pushed_apart(positions, cell, limits)
        if placed is not None:
            atoms = Atoms(numbers=numbers, positions=placed, cell=cell, pbc=True)
            atoms.wrap()
            return atoms
    return None


def _random_cell(volume: float, generator: np.random.Generator) -> NDArray[np.float64]:
    """A cell whose heights are not very unlike: three vectors far from one plane."""
    while True:
        cell = generator.standard_normal((3, 3))
        cell /= np.linalg.norm(cell, axis=1)[:, None]
        determinant = np.linalg.det(cell)
        if abs(determinant) > 0.5:
            break
    if determinant < 0:
        cell[0] *= -1
    cell *= generator.uniform(0.7, 1.4, 3)[:, None]
    return np.asarray(cell * np.cbrt(volume / np.linalg.det(cell)))


def _pushed_apart(
    positions: NDArray[np.float64], cell: NDArray[np.float64], limits: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Move atoms that are too close away from each other until none are left."""
    pbc = np.ones(3, np.bool_)
    reach = _PUSH * float(limits.max())
    if not reach:
        return positions
    for _ in range(_PUSHES):
        pairs = build_neighbors(positions, cell, pbc, reach)
        i, j = pairs.owners, pairs.neighbors
        vectors = pairs.vectors(positions, cell)
        r = np.linalg.norm(vectors, axis=1)
        close = r < limits[i, j]
        if not close.any():
            return positions
        if (close & (i == j)).any():
            return None  # an atom and its own image: the cell is too narrow
        i, j, vectors, r = i[close], j[close], vectors[close], r[close]
        push = (0.5 * (_PUSH * limits[i, j] - r) / np.maximum(r, 1e-9))[:, None] * vectors
        positions = positions.copy()
        np.subtract.at(positions, i, push)
        np.add.at(positions, j, push)
    return None
