"""Good radial functions at little cost: random starts at a low level on part of the data.

The loss has several minima in the radial coefficients. A potential of lower level shares its radial
functions with the one wanted and has fewer coefficients, so that a small part of the structures
determines it; several random starts of it cost less than one iteration of the whole fit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maxvolt.basis.contraction import contraction_table
from maxvolt.dataset import Dataset
from maxvolt.fitting.objective import EquationWeights
from maxvolt.fitting.start import orthonormal, random_radial_coeffs
from maxvolt.potentials import MTP

__all__ = ["embed_radial_coeffs", "subsample", "warm_up_potential"]

_LEVELS = (16, 12, 8)
_EQUATIONS_PER_COEFFICIENT = 40
_LEAST_EQUATIONS = 5000
# With few coefficients all data cost little, and a part of them may have another best minimum.
_FEW_COEFFICIENTS = 40
_EQUATIONS_FOR_FEW = 100_000


def warm_up_potential(potential: MTP) -> MTP:
    """Potential whose radial functions serve as a start for another.

    Parameters
    ----------
    potential
        The potential wanted.

    Returns
    -------
    MTP
        Same species and radial basis, lower level; the potential itself where its level is low.
    """
    model = potential.model
    for level in _LEVELS:
        table = contraction_table(level)
        n_mu = int(table.basic[:, 0].max()) + 1
        if len(table.scalars) < len(model.table.scalars) and n_mu <= model.radial_coeffs.shape[2]:
            return MTP(
                level=level,
                species=potential.species,
                cutoff=potential.cutoff,
                min_dist=potential.min_dist,
                radial_basis_size=potential.radial_basis_size,
                radial_basis=model.radial.kind,
                repulsion=model.repulsion,
            )
        if len(table.scalars) == len(model.table.scalars):
            break
    return potential


def subsample(
    dataset: Dataset, weights: EquationWeights, n_linear: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Choose structures at random until they determine the linear coefficients well.

    Parameters
    ----------
    dataset
        All structures.
    weights
        Of their equations.
    n_linear
        Number of linear coefficients.
    rng
        Source of randomness.

    Returns
    -------
    indices : shape (m,), int64
        Ascending. Every species of the dataset is among the structures chosen.
    """
    forces = np.bincount(dataset.structure_of_atom, weights.forces > 0, minlength=len(dataset))
    equations = (weights.energies > 0) + 3 * forces + (weights.virials > 0).sum(axis=1)
    order = rng.permutation(len(dataset))
    wanted = max(_EQUATIONS_PER_COEFFICIENT * n_linear, _LEAST_EQUATIONS)
    if n_linear <= _FEW_COEFFICIENTS:
        wanted = _EQUATIONS_FOR_FEW
    enough = np.searchsorted(np.cumsum(equations[order]), wanted, side="left")
    chosen = order[: enough + 1]
    for number in np.unique(dataset.numbers):
        having = np.unique(dataset.structure_of_atom[dataset.numbers == number])
        if not np.isin(chosen, having).any():
            chosen = np.append(chosen, having[0])
    return np.sort(chosen)


def embed_radial_coeffs(
    low: NDArray[np.float64], shape: tuple[int, int, int, int], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Radial coefficients of a higher level: those of a lower one, the missing mu at random.

    Parameters
    ----------
    low : shape (C, C, k, R)
        With k <= K.
    shape
        (C, C, K, R).
    rng
        Source of randomness.
    """
    if low.shape == shape:
        return low
    drawn = random_radial_coeffs(shape, rng)
    norm = np.sqrt((low**2).sum(axis=(0, 1, 3), keepdims=True))
    drawn[:, :, : low.shape[2]] = low / norm
    c, _, k, size = shape
    return orthonormal(drawn) if k <= c * c * size else drawn
