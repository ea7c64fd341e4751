"""A dataset made ready for fitting: checked, cut into portions, neighbours found once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase.data import atomic_numbers, covalent_radii
from numpy.typing import NDArray

from maxvolt.cells import cell_volumes
from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.fitting.atomic_energies import baseline_of
from maxvolt.fitting.objective import Objective
from maxvolt.neighbors.neighborhoods import Neighborhoods, iterate_neighborhoods
from maxvolt.potentials.results import Energies

__all__ = ["COINCIDENT", "MOST_ATOMS", "Portion", "TrainingSet", "prepare"]

_BYTES_PER_PORTION = 32 * 2**20

MOST_ATOMS = 512
"""Of a portion; a larger structure is a portion of its own."""

COINCIDENT = 1e-6
"""Angstrom; atoms closer than this are at the same place."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Portion:
    """Consecutive structures whose equations are assembled together; N atoms, n structures.

    Attributes
    ----------
    where : Neighborhoods
        Atoms and neighbours.
    labels : shape (n + 3 N + 6 n,)
        Energies less the baseline (eV), force components (eV/Angstrom), virials (eV). Zero where
        the weight is zero.
    weights : shape (n + 3 N + 6 n,)
    """

    where: Neighborhoods
    labels: Array
    weights: Array

    def split(self, rows: Array) -> tuple[Array, Array, Array]:
        """Energies (n,), forces (N, 3) and virials (n, 6) of a vector over the rows; views."""
        n = self.where.n_structures
        return rows[:n], rows[n : -6 * n].reshape(-1, 3), rows[-6 * n :].reshape(n, 6)

    def rows(self, found: Energies) -> Array:
        """The vector over the rows that an evaluation gives."""
        energies = np.bincount(
            self.where.structures, found.site_energies, minlength=self.where.n_structures
        )
        return np.concatenate([energies, found.forces.ravel(), found.virials.ravel()])


@dataclass(frozen=True, slots=True, eq=False)
class TrainingSet:
    """All portions of a dataset, and the energies of atoms that its labels are relative to.

    Attributes
    ----------
    portions : tuple of Portion
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

    portions: tuple[Portion, ...]
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
        found = []
        with np.errstate(over="ignore"):  # of labels that no fit will accept
            for portion in self.portions:
                where = portion.where
                energies, forces, virials = portion.split(portion.weights * portion.labels**2)
                of_forces = np.bincount(where.structures, forces.sum(axis=1), where.n_structures)
                found.append(energies + of_forces + virials.sum(axis=1))
        return np.concatenate(found)


def _as_rows(energies: Array, forces: Array, virials: Array) -> Array:
    return np.concatenate([energies, forces.ravel(), virials.ravel()])


def prepare(
    objective: Objective,
    species: tuple[str, ...],
    cutoff: float,
    n_parameters: int,
    *,
    most_atoms: int = MOST_ATOMS,
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
    volumes = cell_volumes(dataset.cells)
    most = int(np.clip(_BYTES_PER_PORTION / (24 * n_parameters), 1, most_atoms))
    found, neighbors = [], []
    for part, where in iterate_neighborhoods(dataset, species, cutoff, atoms_at_once=most):
        neighbors.append(_nearest(where, dataset, species))
        atoms = slice(dataset.offsets[part.start], dataset.offsets[part.stop])
        reference = np.bincount(where.structures, baseline[where.types], len(where.cells))
        labels = _as_rows(
            dataset.energies[part] - reference,
            dataset.forces[atoms],
            dataset.stresses[part] * volumes[part, None],
        )
        weights_of_rows = _as_rows(
            every.energies[part],
            np.repeat(every.forces[atoms], 3),
            every.virials[part],
        )
        found.append(Portion(where, np.where(weights_of_rows > 0, labels, 0.0), weights_of_rows))
    n_equations = (
        np.count_nonzero(every.energies)
        + 3 * np.count_nonzero(every.forces)
        + np.count_nonzero(every.virials)
    )
    distances, contacts, lonely = map(np.concatenate, zip(*neighbors, strict=True))
    return TrainingSet(
        tuple(found),
        baseline,
        given is not None,
        int(n_equations),
        distances,
        contacts,
        lonely,
    )


def _nearest(
    where: Neighborhoods, dataset: Dataset, species: tuple[str, ...]
) -> tuple[Array, Array, NDArray[np.int64]]:
    """Shortest distances, contacts and lonely atoms of structures, see `TrainingSet`.

    Raises
    ------
    DataError
        Two atoms coincide.
    """
    owners, pairs = where.pairs.owners, where.pairs
    structures = where.structures[owners]
    shifts = np.einsum("pa,pab->pb", pairs.shifts, where.cells[structures])
    r = where.positions[pairs.neighbors] + shifts - where.positions[owners]
    distances = np.linalg.norm(r, axis=1)
    bad = np.flatnonzero(distances < COINCIDENT)
    if len(bad):
        structure = where.first_structure + int(structures[bad[0]])
        raise DataError(
            f"{dataset.name_of(structure, 'the training set')} has two atoms at the same place; "
            "remove one of them, or the structure"
        )
    radii = covalent_radii[[atomic_numbers[symbol] for symbol in species]][where.types]
    contacts = distances / (radii[owners] + radii[pairs.neighbors])
    lonely = np.ones(len(where.types), np.bool_)
    lonely[owners] = lonely[pairs.neighbors] = False
    n = where.n_structures
    return (
        _least(distances, structures, n),
        _least(contacts, structures, n),
        np.bincount(where.structures[lonely], minlength=n),
    )


def _least(values: Array, structures: NDArray[np.int32], count: int) -> Array:
    found = np.full(count, np.inf)
    np.minimum.at(found, structures, values)
    return found
