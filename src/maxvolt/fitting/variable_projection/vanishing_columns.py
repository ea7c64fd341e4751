"""Columns of the linear equations that vanish by symmetry and survive as rounding.

In a perfect crystal the moments of odd rank are sums of vectors that cancel. What is left of a
scalar made of them is rounding, some 1e-16 or 1e-32 of what it is elsewhere, and a least-squares
solution that believes it has coefficients of 1e30. A column is therefore compared with that of
displaced copies of the structures, where no symmetry is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from maxvolt.fitting.training_set import TrainingSet
from maxvolt.fitting.variable_projection.normal_equations import given_columns, squared_columns
from maxvolt.potentials.mtp.model import Model

__all__ = ["DISPLACEMENTS", "TRUSTED", "column_floor", "vanishing_columns"]

DISPLACEMENTS = (0.1, 0.01)
"""Angstrom; of each component. The first is about that of a crystal at room temperature. The second
brings no atoms much closer than they were: below `min_dist` radial functions grow without bound,
and beside them the columns of dense liquids, where no symmetry is, look small too."""

TRUSTED = 1e-4
"""Norm of a column relative to that of the copies below which it does not count in full. Forces
that are linear in a displacement reach it where atoms are displaced by 1e-5 A: less is what a
file's digits make of a perfect crystal, and what it does to forces is below the noise of labels."""

_CLEAR = 1e-2
"""Relative norm above which a column is not examined again. It changes with the radial functions,
but not by the factor of 100 that is left."""

Array = NDArray[np.float64]


def vanishing_columns(
    model: Model, training_set: TrainingSet, displaced: Sequence[TrainingSet], n_species: int
) -> NDArray[np.bool_]:
    """Say which columns are small beside those of all displaced copies.

    Portions of the training set are examined until no column is left that is small.

    Parameters
    ----------
    model
        Of which only the radial coefficients matter.
    training_set, displaced
        Structures, and copies of some of them, displaced by `DISPLACEMENTS`.
    n_species
        Number of the first columns, which count atoms and are exact.

    Returns
    -------
    small : shape (L,)
    """
    enough = _CLEAR**2 * np.min([_squares(model, copies) for copies in displaced], axis=0)
    enough[:n_species] = 0.0
    found = np.zeros_like(enough)
    columns = partial(squared_columns, model, given_columns(training_set))
    for squares in training_set.portions.each(columns):
        found += squares
        if (found >= enough).all():
            break
    return np.asarray(found < enough)


def column_floor(model: Model, displaced: TrainingSet, small: NDArray[np.bool_]) -> Array:
    """Squared norm at which a column counts in full; zero for columns that are not small."""
    return np.where(small, TRUSTED**2 * _squares(model, displaced), 0.0)


def _squares(model: Model, displaced: TrainingSet) -> Array:
    columns = partial(squared_columns, model, given_columns(displaced))
    return np.asarray(np.sum(list(displaced.portions.each(columns)), axis=0))
