"""What a structure's composition says of its energy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maxvolt.dataset import Dataset

__all__ = ["composition_residuals"]

_ROUNDS = 30
_SMALLEST = 1e-6  # eV/atom; residuals below count alike


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
