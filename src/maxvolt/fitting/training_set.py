"""A dataset made ready for fitting: checked, cut into portions, neighbours found once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from ase.data import atomic_numbers, covalent_radii
from numpy.typing import NDArray

from maxvolt.cells import cell_volumes
from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.fitting.atomic_energies import baseline_of
from maxvolt.fitting.objective import EquationWeights, Objective
from maxvolt.neighbors.neighborhoods import Neighborhoods, dataset_neighborhoods
from maxvolt.parallel.blocks import Blocks
from maxvolt.parallel.ranks import ONE_PROCESS, Ranks
from maxvolt.potentials.results import Energies
from maxvolt.species import species_types
from maxvolt.unnamed_types import STAND_INS

__all__ = ["COINCIDENT", "MOST_ATOMS", "Portion", "TrainingSet", "prepare"]

_BYTES_PER_PORTION = 32 * 2**20

MOST_ATOMS = 512
"""Of a portion; a larger structure is a portion of its own."""

COINCIDENT = 1e-6
"""Angstrom; atoms closer than this are at the same place."""

_OF_ATOM = 20.0
"""What the equations of an atom cost, as much as so many neighbours."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Portion:
    """Consecutive structures whose equations are assembled together; N atoms, n structures.

    Attributes
    ----------
    neighborhoods : Neighborhoods
        Atoms and neighbours.
    labels : shape (n + 3 N + 6 n,)
        Energies less the baseline (eV), force components (eV/Angstrom), virials (eV). Zero where
        the weight is zero.
    weights : shape (n + 3 N + 6 n,)
    """

    neighborhoods: Neighborhoods
    labels: Array
    weights: Array

    def split(self, rows: Array) -> tuple[Array, Array, Array]:
        """Energies (n,), forces (N, 3) and virials (n, 6) of a vector over the rows; views."""
        n = self.neighborhoods.n_structures
        return rows[:n], rows[n : -6 * n].reshape(-1, 3), rows[-6 * n :].reshape(n, 6)

    def rows(self, found: Energies) -> Array:
        """The vector over the rows that an evaluation gives."""
        energies = np.bincount(
            self.neighborhoods.structures,
            found.site_energies,
            minlength=self.neighborhoods.n_structures,
        )
        return np.concatenate([energies, found.forces.ravel(), found.virials.ravel()])


@dataclass(frozen=True, slots=True, eq=False)
class TrainingSet:
    """All portions of a dataset, and the energies of atoms that its labels are relative to.

    Attributes
    ----------
    portions : Blocks of Portion
        Each lies with the process that works on it.
    baseline : shape (C,), eV
        Energy of an atom of each species, least squares over the energies; subtracted from the
        labels so that no digits are lost to a constant.
    frozen_baseline : bool
        Whether the baseline is given (energies of isolated atoms) and no unknown of the fit.
    n_equations : int
        Equations with a weight.
    distances : shape (n,), Angstrom
        Shortest of each structure inside the cutoff; infinite where there is none.
    contacts : shape (n,)
        Likewise relative to the sum of the covalent radii of the two atoms.
    lonely : shape (n,), int64
        Atoms of each structure without a neighbour.
    """

    portions: Blocks[Portion]
    baseline: Array
    frozen_baseline: bool
    n_equations: int
    distances: Array
    contacts: Array
    lonely: NDArray[np.int64]

    @property
    def shortest_distance(self) -> float:
        """Of all pairs inside the cutoff, Angstrom; infinite where there is none."""
        return float(self.distances.min(initial=np.inf))

    def squared_labels(self) -> Array:
        """Weighted squares of the labels of each structure, summed up; shape (n,)."""
        return np.concatenate(list(self.portions.each(_squares)))


def _squares() -> Callable[[Portion], Array]:
    def work(portion: Portion) -> Array:
        neighborhoods = portion.neighborhoods
        with np.errstate(over="ignore"):  # of labels that no fit will accept
            energies, forces, virials = portion.split(portion.weights * portion.labels**2)
            of_forces = np.bincount(
                neighborhoods.structures, forces.sum(axis=1), neighborhoods.n_structures
            )
            return np.asarray(energies + of_forces + virials.sum(axis=1))

    return work


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    """What a portion is made of; attributes as of `Portion`, without neighbours."""

    dataset: Dataset
    first_structure: int
    labels: Array
    weights: Array


def _as_rows(energies: Array, forces: Array, virials: Array) -> Array:
    return np.concatenate([energies, forces.ravel(), virials.ravel()])


def prepare(
    objective: Objective,
    species: tuple[str, ...],
    cutoff: float,
    n_parameters: int,
    *,
    most_atoms: int = MOST_ATOMS,
    ranks: Ranks = ONE_PROCESS,
) -> TrainingSet:
    """Find neighbours and weights of a checked dataset.

    Parameters
    ----------
    objective
        Structures that `usable_data.check_training_data` has accepted, and how they count.
    species, cutoff
        Of the potential.
    n_parameters
        Width of the equations, which bounds the size of a portion.
    most_atoms
        Of a portion.
    ranks
        Who finds the neighbours, and works on the portions afterwards.

    Raises
    ------
    DataError
        Two atoms of a structure coincide, or a structure cannot be searched for neighbours.
    SpeciesError
        A species unknown to the potential.
    """
    dataset, given = objective.dataset, objective.isolated_energies
    every = objective.equation_weights()
    if given is None:
        baseline = baseline_of(dataset, species, every.energies)
    else:
        baseline = np.array(given, dtype=float)
    most = int(np.clip(_BYTES_PER_PORTION / (24 * n_parameters), 1, most_atoms))
    cuts = [_cut(dataset, part, species, baseline, every) for part in dataset.portions(most)]
    found = ranks.place(cuts, [_cost(cut.dataset, cutoff) for cut in cuts]).kept(
        partial(_searched, species, cutoff)
    )
    distances, contacts, lonely = map(
        np.concatenate, zip(*found.each(partial(_nearest, species)), strict=True)
    )
    _check_apart(distances, dataset)
    n_equations = (
        np.count_nonzero(every.energies)
        + 3 * np.count_nonzero(every.forces)
        + np.count_nonzero(every.virials)
    )
    return TrainingSet(
        found,
        baseline,
        given is not None,
        int(n_equations),
        distances,
        contacts,
        lonely,
    )


def _cut(
    dataset: Dataset,
    part: slice,
    species: tuple[str, ...],
    baseline: Array,
    every: EquationWeights,
) -> _Cut:
    """Labels and weights of some structures, of which the neighbours are not known yet."""
    structures = dataset.select(part)
    atoms = slice(dataset.offsets[part.start], dataset.offsets[part.stop])
    types = species_types(structures.numbers, species)
    reference = np.bincount(structures.structure_of_atom, baseline[types], len(structures))
    labels = _as_rows(
        structures.energies - reference,
        structures.forces,
        structures.stresses * cell_volumes(structures.cells)[:, None],
    )
    weights = _as_rows(every.energies[part], np.repeat(every.forces[atoms], 3), every.virials[part])
    return _Cut(structures, part.start, np.where(weights > 0, labels, 0.0), weights)


def _cost(dataset: Dataset, cutoff: float) -> float:
    """How long work on some structures takes: by atoms, and by the neighbours they may have.

    Neighbours are counted from the density where the cell has a volume; without one all atoms of
    the structure are.
    """
    counts, volumes = dataset.counts.astype(float), cell_volumes(dataset.cells)
    periodic = dataset.pbc.all(axis=1) & (volumes > 0)
    around = 4 / 3 * np.pi * cutoff**3 * counts / np.where(periodic, volumes, 1.0)
    neighbors = np.where(periodic, around, counts - 1)
    return float((counts * (_OF_ATOM + neighbors)).sum())


def _searched(species: tuple[str, ...], cutoff: float) -> Callable[[_Cut], Portion]:
    def work(cut: _Cut) -> Portion:
        neighborhoods = dataset_neighborhoods(
            cut.dataset, species, cutoff, first_structure=cut.first_structure
        )
        return Portion(neighborhoods, cut.labels, cut.weights)

    return work


def _nearest(
    species: tuple[str, ...],
) -> Callable[[Portion], tuple[Array, Array, NDArray[np.int64]]]:
    """Shortest distances, contacts and lonely atoms of structures, see `TrainingSet`.

    Of types without names no radius is known, and every contact counts as infinitely long.
    """
    every = covalent_radii[[atomic_numbers[symbol] for symbol in species]]
    every[[symbol in STAND_INS for symbol in species]] = 0.0

    def work(portion: Portion) -> tuple[Array, Array, NDArray[np.int64]]:
        neighborhoods = portion.neighborhoods
        pairs, n = neighborhoods.pairs, neighborhoods.n_structures
        owners = pairs.owners
        structures = neighborhoods.structures[owners]
        shifts = np.einsum("pa,pab->pb", pairs.shifts, neighborhoods.cells[structures])
        r = neighborhoods.positions[pairs.neighbors] + shifts - neighborhoods.positions[owners]
        distances, radii = np.linalg.norm(r, axis=1), every[neighborhoods.types]
        lonely = np.ones(len(neighborhoods.types), np.bool_)
        lonely[owners] = lonely[pairs.neighbors] = False
        with np.errstate(divide="ignore"):
            contacts = distances / (radii[owners] + radii[pairs.neighbors])
        return (
            _least(distances, structures, n),
            _least(contacts, structures, n),
            np.bincount(neighborhoods.structures[lonely], minlength=n),
        )

    return work


def _check_apart(distances: Array, dataset: Dataset) -> None:
    """Refuse structures with two atoms at the same place.

    Raises
    ------
    DataError
    """
    bad = np.flatnonzero(distances < COINCIDENT)
    if len(bad):
        raise DataError(
            f"{dataset.name_of(int(bad[0]), 'the training set')} has two atoms at the same place; "
            "remove one of them, or the structure"
        )


def _least(values: Array, structures: NDArray[np.int32], count: int) -> Array:
    found = np.full(count, np.inf)
    np.minimum.at(found, structures, values)
    return found
