"""What single atoms contribute to energies: of isolated atoms, and of each element in the data."""

from __future__ import annotations

import numpy as np
from ase.data import atomic_numbers, chemical_symbols
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import FitError, SpeciesError
from maxvolt.fitting.settings import IsolatedEnergies
from maxvolt.neighbors import build_neighbors

__all__ = ["baseline_of", "composition_residuals", "resolve_isolated_energies"]

_ROUNDS = 30
_SMALLEST = 1e-6  # eV/atom; residuals below count alike

_AGREEMENT = 1e-3
"""Difference in eV within which energies of one isolated atom are the same: what the box, the
grid and the smearing of one calculation or another do."""


def resolve_isolated_energies(
    choice: IsolatedEnergies, dataset: Dataset, species: tuple[str, ...], cutoff: float
) -> NDArray[np.float64] | None:
    """Energies that atoms without neighbours must have, or None to fit them.

    Parameters
    ----------
    choice
        "fit": the constants of equation (2) are unknowns like the others. "data": the energies of
        the structures that are one atom without neighbours, not periodic or in a box so large that
        its own images are out of the cutoff's reach. A mapping: energies in eV, by symbol.
    dataset
        Labelled structures.
    species
        Of the potential.
    cutoff
        Of the potential, Angstrom.

    Raises
    ------
    FitError
        "data", but an isolated atom is missing, or there are two of one element with different
        energies; energies that are not finite.
    SpeciesError
        A mapping without all species.
    """
    if choice == "fit":
        return None
    if choice == "data":
        given = _from_data(dataset, cutoff)
        missing = [symbol for symbol in species if symbol not in given]
        if missing:
            raise FitError(
                "the training set has no isolated atom (a structure of one atom that has an "
                f"energy, and no neighbour or image of its own within {cutoff:g} A) of "
                f"{', '.join(missing)}; add it, give the energies, or let them be fitted"
            )
    else:
        given = dict(choice)
        missing = [symbol for symbol in species if symbol not in given]
        if missing:
            raise SpeciesError(f"no energy of an isolated atom is given for {', '.join(missing)}")
    values = np.array([given[symbol] for symbol in species], dtype=float)
    if not np.isfinite(values).all():
        raise FitError(f"energies of isolated atoms must be finite; got {given}")
    return values


def _from_data(dataset: Dataset, cutoff: float) -> dict[str, float]:
    """Take the energy of the first isolated atom of each element, which all others confirm."""
    first: dict[str, int] = {}
    for s in np.flatnonzero((dataset.counts == 1) & dataset.has_energy):
        if not _is_isolated(dataset, int(s), cutoff):
            continue
        symbol = chemical_symbols[dataset.numbers[dataset.offsets[s]]]
        known = first.setdefault(symbol, int(s))
        if abs(dataset.energies[s] - dataset.energies[known]) > _AGREEMENT:
            raise FitError(
                f"two isolated atoms of {symbol} in the training set disagree: structure {known} "
                f"has the energy {dataset.energies[known]:.6f} eV and structure {s} has "
                f"{dataset.energies[s]:.6f} eV (counted from 0); leave out the one whose settings "
                "or magnetic state are not those of the other structures"
            )
    return {symbol: float(dataset.energies[s]) for symbol, s in first.items()}


def _is_isolated(dataset: Dataset, s: int, cutoff: float) -> bool:
    """Whether a structure of one atom has no image of its own within the cutoff."""
    if not dataset.pbc[s].any():
        return True
    position = dataset.positions[dataset.offsets[s]]
    found = build_neighbors(position[None], dataset.cells[s], dataset.pbc[s], cutoff)
    return len(found.pairs) == 0


def baseline_of(
    dataset: Dataset, species: tuple[str, ...], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Energies of atoms that explain the energies of the structures best, by least squares.

    Parameters
    ----------
    dataset
        Labelled structures.
    species
        Of the potential.
    weights : shape (n,)
        Of the energies of the structures; those with zero do not count.

    Returns
    -------
    energies : shape (C,), eV
    """
    counts = np.zeros((len(dataset), len(species)))
    for index, symbol in enumerate(species):
        of_species = dataset.numbers == atomic_numbers[symbol]
        counts[:, index] = np.bincount(dataset.structure_of_atom[of_species], minlength=len(counts))
    used = weights > 0
    root = np.sqrt(weights[used])
    return np.asarray(
        np.linalg.lstsq(counts[used] * root[:, None], dataset.energies[used] * root, rcond=None)[0]
    )


def composition_residuals(dataset: Dataset) -> NDArray[np.float64]:
    """Energies per atom less those that energies of atoms explain, robust against outliers.

    The energies of atoms minimise the sum of magnitudes (by iterated least squares), so that one
    wrong energy does not draw them towards itself.

    Returns
    -------
    residuals : shape (n,), eV/atom
        0 where a structure has no energy or no weight.
    """
    used = np.flatnonzero(dataset.has_energy & (dataset.weights > 0))
    residuals = np.zeros(len(dataset))
    if not used.size:
        return residuals
    elements, inverse = np.unique(dataset.numbers, return_inverse=True)
    counts = np.zeros((len(dataset), len(elements)))
    np.add.at(counts, (dataset.structure_of_atom, inverse), 1.0)
    fractions = counts[used] / dataset.counts[used, None]
    energies = dataset.energies[used] / dataset.counts[used]
    left = energies - np.median(energies)
    for _ in range(_ROUNDS):
        root = 1.0 / np.sqrt(np.maximum(np.abs(left), _SMALLEST))
        atoms = np.linalg.lstsq(fractions * root[:, None], energies * root, rcond=None)[0]
        left = energies - fractions @ atoms
    residuals[used] = left
    return residuals
