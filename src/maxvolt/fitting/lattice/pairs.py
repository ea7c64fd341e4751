"""Where fits of low-rank potentials begin: pairs of species, by linear least squares.

Equation (230): energies of pairs of the site with each of its shells are a tensor train whose rank
is one more than that of the matrix of these energies.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.fitting.lattice.arrangements import Equations
from maxvolt.potentials.lattice.tensor_train import TensorTrain, bounded_ranks

__all__ = ["pair_energies", "train_of_pairs"]

Array = NDArray[np.float64]

_RIDGE = 1e-6
"""Of the mean square of a column: holds pairs that no arrangement tells apart."""


def pair_energies(given: Equations) -> list[Array]:
    """Fit energies of pairs to energies from which concentrations have been taken.

    Parameters
    ----------
    given
        Equations whose concentrations are an orthonormal basis, energies without them.

    Returns
    -------
    pairs : for each kind of site, shape (shells, c, c), eV
        Energy of the site, with a species, and one neighbour in a shell, with another.
    """
    c = given.n_species
    blocks = [_pair_counts(given, kind) for kind in range(len(given.environments))]
    rows = np.concatenate(blocks, axis=1)
    rows = rows - given.concentrations @ (given.concentrations.T @ rows)
    matrix = rows.T @ rows
    matrix[np.diag_indices_from(matrix)] += (
        _RIDGE * max(float(np.trace(matrix)), 1e-300) / len(matrix)
    )
    solved = np.linalg.solve(matrix, rows.T @ given.energies)
    ends = np.cumsum([block.shape[1] for block in blocks])[:-1]
    return [part.reshape(-1, c, c) for part in np.split(solved, ends)]


def _pair_counts(given: Equations, kind: int) -> Array:
    """How often a site and its neighbours in a shell have two species, shape (S, shells c c)."""
    environments, shells = given.environments[kind], given.shells[kind]
    c, columns = given.n_species, []
    for shell in range(1, int(shells.max()) + 1):
        around = environments[:, shells == shell]
        for a in range(c):
            here = environments[:, 0] == a
            for b in range(c):
                columns.append(here * (around == b).sum(axis=1))
    counts: Any = given.counts[kind] @ np.stack(columns, axis=1).astype(float)
    return np.asarray(counts, float)


def train_of_pairs(
    pairs: Array, shells: NDArray[np.int64], rank: int, noise: float, generator: np.random.Generator
) -> TensorTrain:
    """Write energies of pairs as a tensor train, equation (230).

    Parameters
    ----------
    pairs : shape (shells, c, c), eV
        As `pair_energies` has them; as much of them as the rank holds is taken over.
    shells : shape (n,), int
        Shell of each place, that of the site itself, 0, first.
    rank
        Largest one of the train.
    noise
        Size of what is added to all matrices, so that none begins with zeros; relative to theirs.
    generator
        Random numbers.
    """
    c = pairs.shape[1]
    held = min(rank, c) - 1
    weights = np.sqrt([np.count_nonzero(shells == shell) for shell in range(1, len(pairs) + 1)])
    wide = np.concatenate([w * one for w, one in zip(weights, pairs, strict=True)], axis=1)
    left, size, right = np.linalg.svd(wide, full_matrices=False)
    own = left[:, :held] * np.sqrt(c)  # of about 1
    scaled = (size[:held, None] * right[:held] / np.sqrt(c)).reshape(held, len(pairs), c)
    ranks = bounded_ranks(len(shells), c, rank)
    cores = []
    for place, shell in enumerate(shells):
        core = np.zeros((c, ranks[place], ranks[place + 1]))
        if place == 0:
            core[:, 0, :held] = own
        else:
            gained = (scaled[:, shell - 1] / weights[shell - 1]).T  # (c, held)
            end = core.shape[2] - 1 if place == len(shells) - 1 else held
            core[:, :held, end] = gained
            core[:, held, end] = 1.0
            if place < len(shells) - 1:
                core[:, range(held), range(held)] = 1.0
        cores.append(core + noise * generator.normal(size=core.shape) * _typical(core))
    return TensorTrain(tuple(cores))


def _typical(core: Array) -> float:
    return float(np.sqrt(np.mean(core**2)))
