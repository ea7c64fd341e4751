"""Random starts: drawn, tried on part of the data, and raced until one is left.

The loss has several minima in the radial coefficients, and where a fit ends depends on where it
begins. Part of the structures tells good starts from bad ones at little cost, roughly; larger
parts tell the rest, and bring the best so near to its end that few iterations on all are left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.fitting.training_set import TrainingSet

__all__ = [
    "orthonormal",
    "part_sizes",
    "race",
    "random_radial_coeffs",
    "representative_part",
]

_EQUATIONS_PER_COEFFICIENT = 40
_LEAST_EQUATIONS = 3000
_GROWTH = 6
"""Of one part to the next."""


def orthonormal(radial_coeffs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Make the radial functions of different mu orthonormal over all pairs of species.

    Each mu is changed by multiples of lower ones only, which leaves the space that the scalars of a
    level span as it is: a moment with a lower mu has a lower level.

    Parameters
    ----------
    radial_coeffs : shape (C, C, K, R)
        With K <= C * C * R.
    """
    c = radial_coeffs.shape[0]
    rows = np.moveaxis(radial_coeffs, 2, -1).reshape(-1, radial_coeffs.shape[2])
    columns = np.linalg.qr(rows)[0]
    return np.moveaxis(columns.reshape(c, c, -1, columns.shape[1]), -1, 2).copy()


def random_radial_coeffs(
    shape: tuple[int, int, int, int], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw radial coefficients of unit size, orthonormal where their number allows it.

    Parameters
    ----------
    shape
        (C, C, K, R).
    rng
        Source of randomness.
    """
    drawn = rng.normal(size=shape)
    c, _, k, size = shape
    if k > c * c * size:
        return np.asarray(drawn / np.sqrt((drawn**2).sum(axis=(0, 1, 3), keepdims=True)))
    return orthonormal(drawn)


def part_sizes(n_linear: int, n_equations: int) -> list[int]:
    """Equations of the parts of a training set that a fit goes through, ascending.

    The first one determines the linear coefficients well; each next one is so much larger that
    where a fit ended on the one before is a good start, and the last is at most half of all.

    Parameters
    ----------
    n_linear
        Number of linear coefficients.
    n_equations
        Of the whole training set.
    """
    sizes = [max(_EQUATIONS_PER_COEFFICIENT * n_linear, _LEAST_EQUATIONS)]
    while 2 * _GROWTH * sizes[-1] <= n_equations:
        sizes.append(_GROWTH * sizes[-1])
    return sizes


def representative_part(
    dataset: Dataset, training_set: TrainingSet, wanted: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Choose structures that are like all of them.

    Structures differ much in what they add to the loss, so they are put in the order of their
    weighted squared labels, and every so many is taken, from a random first.

    Parameters
    ----------
    dataset
        All structures.
    training_set
        Their equations.
    wanted
        Number of equations, see `part_sizes`.
    rng
        Source of randomness.

    Returns
    -------
    indices : shape (m,), int64
        Ascending. Every species of the dataset is among the structures chosen.
    """
    total = len(dataset)
    step = max(training_set.n_equations / wanted, 1.0)
    order = np.argsort(training_set.squared_labels(), kind="stable")
    places = np.arange(rng.random() * step, total, step).astype(np.int64)
    chosen = order[places] if step > 1.0 else np.arange(total)
    for number in np.unique(dataset.numbers):
        having = np.unique(dataset.structure_of_atom[dataset.numbers == number])
        if not np.isin(chosen, having).any():
            chosen = np.append(chosen, having[0])
    return np.sort(chosen)


def race(
    starts: Sequence[int], limits: Sequence[int], advance: Callable[[int, int], float]
) -> list[int]:
    """Run starts side by side, in order; after each limit the better half goes on to the next.

    Parameters
    ----------
    starts
        Names of the starts.
    limits
        Iterations, ascending.
    advance
        ``advance(start, limit)`` brings a start to so many iterations and gives its loss, infinite
        where it failed.

    Returns
    -------
    order : list of int
        Starts that came to the last limit and did not fail, best first.
    """
    left, order = sorted(starts), []
    for limit in limits:
        losses = {start: advance(start, limit) for start in left}
        order = sorted((s for s in left if losses[s] < np.inf), key=losses.__getitem__)
        left = sorted(order[: -(-len(order) // 2)])
    return order
