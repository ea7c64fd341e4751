"""Training data that no fit can use are refused here, by name and with a remedy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError, FitError
from maxvolt.fitting.objective import EquationWeights
from maxvolt.fitting.training_set import COINCIDENT, TrainingSet
from maxvolt.identity import structure_digest
from maxvolt.neighbors import minimum_distances
from maxvolt.species import check_known_species

__all__ = [
    "check_enough_equations",
    "check_neighbors",
    "check_no_contradiction",
    "check_training_data",
    "check_validation_data",
]

THE_TRAINING_SET = "the training set"

# Below these, labels of equal structures differ by noise only.
_SAME_ENERGY = 1e-3  # eV/atom
_SAME_FORCE = 0.05  # eV/Angstrom
_SAME_STRESS = 0.005  # eV/Angstrom^3


_MOST_LONELY = 0.5
"""Part of the atoms that may be without neighbours: in curves of dissociation, many are."""


def check_training_data(dataset: Dataset, weights: EquationWeights) -> None:
    """Refuse empty sets, sets without usable labels and sets that contradict themselves.

    Raises
    ------
    FitError
        Says what is wrong and what to do.
    """
    if len(dataset) == 0:
        raise FitError("the training set is empty: give at least one labelled structure")
    if not any(part.any() for part in (weights.energies, weights.forces, weights.virials)):
        raise FitError(
            "no structure has a label with a weight above zero; "
            f"{int(dataset.has_energy.sum())} of {len(dataset)} structures have an energy, "
            f"{int(dataset.has_forces.sum())} forces, {int(dataset.has_stress.sum())} a stress: "
            "check the labels and the weights"
        )
    for name, label, where in (
        ("energy", dataset.energies, weights.energies > 0),
        ("forces", dataset.forces, weights.forces > 0),
        ("stress", dataset.stresses, weights.virials[:, 0] > 0),
    ):
        finite = np.isfinite(label.reshape(len(label), -1)).all(axis=1)
        if (bad := np.flatnonzero(where & ~finite)).size:
            first = int(dataset.structure_of_atom[bad[0]] if name == "forces" else bad[0])
            raise FitError(
                f"{dataset.name_of(first, THE_TRAINING_SET)} has {name} that are not finite; "
                "remove the label or the structure"
            )
    check_no_contradiction(dataset, weights)


def _fingerprints(dataset: Dataset) -> list[str]:
    """Digests that are equal for structures that no potential can tell apart."""
    periodic = np.where(dataset.pbc[:, :, None], dataset.cells, 0.0)
    return [
        structure_digest(dataset.numbers[atoms], dataset.positions[atoms], cell, pbc)
        for atoms, cell, pbc in zip(
            map(dataset.atoms_of, range(len(dataset))), periodic, dataset.pbc, strict=True
        )
    ]


def check_no_contradiction(dataset: Dataset, weights: EquationWeights) -> None:
    """Refuse two equal structures with different labels, where both count.

    Raises
    ------
    FitError
        Names both structures.
    """
    keys = _fingerprints(dataset)
    energies = dataset.energies / dataset.counts
    forces = np.split(dataset.forces, dataset.offsets[1:-1])
    labels: list[tuple[str, Any, NDArray[np.bool_], float, str]] = [
        ("energies", energies, weights.energies > 0, _SAME_ENERGY, "eV/atom"),
        ("forces", forces, weights.forces[dataset.offsets[:-1]] > 0, _SAME_FORCE, "eV/A"),
        ("stresses", dataset.stresses, weights.virials[:, 0] > 0, _SAME_STRESS, "eV/A^3"),
    ]
    for name, values, counts, limit, unit in labels:
        seen: dict[str, int] = {}
        for s in np.flatnonzero(counts).tolist():
            first = seen.setdefault(keys[s], s)
            difference = float(np.max(np.abs(values[s] - values[first])))
            if difference > limit:
                one, other = (dataset.name_of(n, THE_TRAINING_SET) for n in (first, s))
                raise FitError(
                    f"{one} and {other} are equal but their {name} differ by "
                    f"{difference:.3g} {unit}; they come from different calculations: keep one of "
                    "them"
                )


def check_validation_data(dataset: Dataset, species: tuple[str, ...], cutoff: float) -> None:
    """Refuse, before anything is fitted, what the fitted potential could not be measured on.

    Raises
    ------
    FitError
        The validation set is empty.
    SpeciesError
        It has a species that the potential does not know.
    DataError
        A structure that cannot be evaluated.
    """
    if len(dataset) == 0:
        raise FitError("the validation set is empty: give labelled structures, or leave it out")
    check_known_species(dataset, species, "the validation set")
    smallest = minimum_distances(dataset, search_radius=cutoff).structures
    if (bad := np.flatnonzero(smallest < COINCIDENT)).size:
        raise DataError(
            f"{dataset.name_of(int(bad[0]), 'the validation set')} has two atoms at the same "
            "place; remove one of them, or the structure"
        )


def check_neighbors(training_set: TrainingSet, dataset: Dataset, cutoff: float) -> list[str]:
    """Refuse a training set in which no atom has a neighbour; doubt one where few have.

    Atoms alone in a structure are meant to be alone.

    Raises
    ------
    FitError
        Says what to change.
    """
    if np.isinf(training_set.shortest_distance):
        raise FitError(
            f"no two atoms of the training set are closer than the cutoff of {cutoff:g} A; raise "
            "the cutoff, or check that the positions are in Angstrom"
        )
    several = (dataset.counts > 1) | dataset.pbc.any(axis=1)
    lonely = np.where(several, training_set.lonely, 0)
    if lonely.sum() <= _MOST_LONELY * dataset.counts[several].sum():
        return []
    first = int(np.flatnonzero(lonely)[0])
    return [
        f"{lonely.sum()} of {dataset.counts[several].sum()} atoms have no neighbour within the "
        f"cutoff of {cutoff:g} A (first: {dataset.name_of(first, THE_TRAINING_SET)}): raise the "
        "cutoff, or check that the positions are in Angstrom"
    ]


def check_enough_equations(n_equations: int, n_linear: int) -> None:
    """Refuse a training set with fewer labels than linear coefficients.

    Raises
    ------
    FitError
        Says how many are missing.
    """
    if n_equations < n_linear:
        raise FitError(
            f"the training set has {n_equations} labels with a weight, fewer than the {n_linear} "
            "linear coefficients of the potential; add structures (with forces) or lower the level"
        )
