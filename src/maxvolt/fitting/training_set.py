"""A dataset made ready for fitting: checked, cut into portions, neighbours found once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase.data import atomic_numbers
from numpy.typing import NDArray

from maxvolt.cells import cell_volumes
from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.fitting.objective import EquationWeights, Scaling, Weights, equation_weights
from maxvolt.native.neighborhoods import Neighborhoods
from maxvolt.potentials.neighborhoods import dataset_neighborhoods, portions

__all__ = ["COINCIDENT", "Portion", "TrainingSet", "prepare"]

_BYTES_PER_PORTION = 32 * 2**20
_MOST_ATOMS = 512
COINCIDENT = 1e-6
"""Angstrom; atoms closer than this are at the same place."""


@dataclass(frozen=True, slots=True, eq=False)
class Portion:
    """Consecutive structures whose equations are assembled together.

    Attributes
    ----------
    where : Neighborhoods
        Atoms and neighbours.
    energies : shape (n,), eV
        Labels less the baseline; zero where the weight is zero.
    forces : shape (N, 3), eV/Angstrom
    virials : shape (n, 6), eV
    weights : EquationWeights
    """

    where: Neighborhoods
    energies: NDArray[np.float64]
    forces: NDArray[np.float64]
    virials: NDArray[np.float64]
    weights: EquationWeights


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
    shortest_distance : float, Angstrom
        Of all pairs inside the cutoff; infinite where there is none.
    """

    portions: tuple[Portion, ...]
    baseline: NDArray[np.float64]
    frozen_baseline: bool
    n_equations: int
    shortest_distance: float


def _baseline(
    dataset: Dataset, species: tuple[str, ...], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Energies of atoms that explain the energies of the structures best."""
    counts = np.zeros((len(dataset), len(species)))
    for index, symbol in enumerate(species):
        of_species = dataset.numbers == atomic_numbers[symbol]
        counts[:, index] = np.bincount(dataset.structure_of_atom[of_species], minlength=len(counts))
    used = weights > 0
    root = np.sqrt(weights[used])
    return np.asarray(
        np.linalg.lstsq(counts[used] * root[:, None], dataset.energies[used] * root, rcond=None)[0]
    )


def prepare(
    dataset: Dataset,
    species: tuple[str, ...],
    cutoff: float,
    n_parameters: int,
    weights: Weights,
    scaling: Scaling,
    isolated_energies: NDArray[np.float64] | None = None,
) -> TrainingSet:
    """Find neighbours and weights of a checked dataset.

    Parameters
    ----------
    dataset
        Structures that `checks.check_training_data` has accepted.
    species, cutoff
        Of the potential.
    n_parameters
        Width of the equations, which bounds the size of a portion.
    weights, scaling
        The loss, see `equation_weights`.
    isolated_energies : shape (C,), eV, optional
        Energies of isolated atoms; fitted where not given.

    Raises
    ------
    DataError
        Two atoms of a structure coincide, or a structure cannot be searched for neighbours.
    SpeciesError
        A species unknown to the potential.
    """
    every = equation_weights(dataset, weights, scaling)
    if isolated_energies is None:
        baseline = _baseline(dataset, species, every.energies)
    else:
        baseline = np.array(isolated_energies, dtype=float)
    energies = np.where(every.energies > 0, dataset.energies, 0.0)
    forces = np.where(every.forces[:, None] > 0, dataset.forces, 0.0)
    volumes = cell_volumes(dataset.cells)
    virials = np.where(every.virials > 0, dataset.stresses * volumes[:, None], 0.0)
    most = int(np.clip(_BYTES_PER_PORTION / (24 * n_parameters), 1, _MOST_ATOMS))
    found, shortest = [], np.inf
    for part in portions(dataset.counts, most):
        where = dataset_neighborhoods(
            dataset.select(part), species, cutoff, first_structure=part.start
        )
        shortest = min(shortest, _shortest_distance(where))
        atoms = slice(dataset.offsets[part.start], dataset.offsets[part.stop])
        reference = np.bincount(where.structures, baseline[where.types], len(where.cells))
        found.append(
            Portion(
                where,
                np.where(every.energies[part] > 0, energies[part] - reference, 0.0),
                forces[atoms],
                virials[part],
                EquationWeights(every.energies[part], every.forces[atoms], every.virials[part]),
            )
        )
    n_equations = (
        np.count_nonzero(every.energies)
        + 3 * np.count_nonzero(every.forces)
        + np.count_nonzero(every.virials)
    )
    return TrainingSet(
        tuple(found), baseline, isolated_energies is not None, int(n_equations), shortest
    )


def _shortest_distance(where: Neighborhoods) -> float:
    """Shortest distance inside the cutoff, Angstrom; DataError where two atoms coincide."""
    owners, pairs = where.pairs.owners, where.pairs
    cells = where.cells[where.structures[owners]]
    shifts = np.einsum("pa,pab->pb", pairs.shifts, cells)
    r = where.positions[pairs.neighbors] + shifts - where.positions[owners]
    squares = (r * r).sum(axis=1)
    bad = np.flatnonzero(squares < COINCIDENT**2)
    if len(bad):
        structure = where.first_structure + int(where.structures[owners[bad[0]]])
        raise DataError(
            f"structure {structure} of the training set has two atoms at the same place; "
            "remove one of them, or the structure"
        )
    return float(np.sqrt(squares.min(initial=np.inf)))
