"""The sizes of radial functions, which no prediction depends on, brought to one, equation (22)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maxvolt.potentials.mtp.basis.contraction import ContractionTable
from maxvolt.potentials.mtp.model import Model
from maxvolt.potentials.mtp.potential import MTP

__all__ = ["factor_counts", "rescaled"]

_MOST_FACTORS = 1000
"""Squares of squares would soon have more factors than an integer can count."""

_NEIGHBORS = 40
"""Neighbours inside the cutoff in a crystal, about; spread evenly over the sphere."""


def rescaled(potential: MTP) -> MTP:
    """Return the same potential with radial functions that add up to about one around an atom.

    Moments and scalars are of that size, too; the moment coefficients take up what changes. Factors
    are powers of two, so that energies and forces stay the same to the last bit. A fit leaves these
    sizes to chance, and where they differ by many orders of magnitude, so do the entries of a row
    of an active set, until rounding is all that is left of a grade.

    Parameters
    ----------
    potential
        Trained; one whose table mixes different radial functions in a moment is returned as it is.

    """
    model = potential.model
    counts = factor_counts(model.table)
    if counts is None:
        return potential
    sizes = _sizes(model)
    exponents = np.zeros(len(sizes), np.int64)
    exponents[sizes > 0] = np.rint(np.log2(sizes[sizes > 0]))
    return potential.with_coefficients(
        np.ldexp(model.radial_coeffs, -exponents[:, None]),
        model.species_coeffs,
        np.ldexp(model.moment_coeffs, counts @ exponents),
        scaling=model.scaling,
    )


def _sizes(model: Model) -> NDArray[np.float64]:
    """What each radial function adds up to around an atom, of the pair where that is most."""
    r = np.linspace(model.radial.min_dist, model.radial.max_dist, 200)
    polynomials, _ = model.radial.evaluate(r)
    values = np.abs(model.scaling * polynomials @ np.swapaxes(model.radial_coeffs, -1, -2))
    return np.asarray(_NEIGHBORS * np.average(values, axis=-2, weights=r**2).max(axis=(0, 1)))


def factor_counts(table: ContractionTable) -> NDArray[np.int64] | None:
    """How often each radial function is a factor of each scalar, shape (S, K).

    None where the terms of a moment have different factors, or a thousand of them, as in no
    potential of MLIP.
    """
    mu, products = table.basic[:, 0], table.products
    counts = np.zeros((table.n_moments, int(mu.max()) + 1), np.int64)
    counts[np.arange(len(mu)), mu] = 1
    for target, first in zip(*np.unique(products[:, 3], return_index=True), strict=True):
        counts[target] = counts[products[first, 0]] + counts[products[first, 1]]
        if (counts[target] > _MOST_FACTORS).any():
            return None
    if (counts[products[:, 0]] + counts[products[:, 1]] != counts[products[:, 3]]).any():
        return None
    return counts[table.scalars]
