"""Least squares for the matrices of tensor trains: loss, one place at a time, all at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maxvolt.fitting.lattice.arrangements import Equations
from maxvolt.potentials.lattice.tensor_train import TensorTrain, row_products

__all__ = ["Trains", "gradients", "loss_of", "one_sweep"]

Trains = tuple[TensorTrain, ...]
Array = NDArray[np.float64]


def loss_of(given: Equations, trains: Trains, ridge: float) -> float:
    """Equation (202), eV^2: mean squared error and the weighted mean square of the tensors."""
    size = sum(train.mean_square() for train in trains)
    return float(np.mean(_residual(given, trains) ** 2)) + ridge * size


def one_sweep(given: Equations, trains: Trains, kind: int, ridge: float) -> Trains:
    """Solve for the matrices of one place of a train after the other, there and back.

    Parameters
    ----------
    given
        Equations whose concentrations are an orthonormal basis, energies without them.
    trains
        For each kind of site.
    kind
        Which train.
    ridge
        As of the loss.
    """
    environments, n = given.environments[kind], trains[kind].length
    others = _residual(given, (*trains[:kind], trains[kind].without(0), *trains[kind + 1 :]))
    train = trains[kind].centred_at(0)
    rights = train.rights(environments)
    lefts = [rights[-1]] * (n + 1)  # ones
    # The norm of the matrices of a place is that of the tensor, whose entries are c^n.
    weight = ridge * float(train.n_species) ** -n

    def solve(place: int) -> TensorTrain:
        rows = _projected(given, _outer(given, kind, place, lefts[place], rights[place + 1]))
        cores = list(train.cores)
        cores[place] = _solved(rows, others, weight).reshape(cores[place].shape)
        return TensorTrain(tuple(cores))

    train = solve(0)
    for place in range(1, n):
        train = train.passed_right(place - 1)
        lefts[place] = row_products(
            lefts[place - 1], train.cores[place - 1], environments[:, place - 1]
        )
        train = solve(place)
    for place in range(n - 2, -1, -1):
        train = train.passed_left(place + 1)
        backwards = train.cores[place + 1].transpose(0, 2, 1)
        rights[place + 1] = row_products(rights[place + 2], backwards, environments[:, place + 1])
        train = solve(place)
    return (*trains[:kind], train, *trains[kind + 1 :])


def _solved(rows: Array, others: Array, weight: float) -> Array:
    """Least squares of others + rows x, with a ridge."""
    matrix = rows.T @ rows / len(rows)
    matrix[np.diag_indices_from(matrix)] += max(weight, 1e-13 * np.trace(matrix) / len(matrix))
    return np.asarray(-np.linalg.solve(matrix, rows.T @ others / len(rows)))


def gradients(given: Equations, trains: Trains, ridge: float) -> tuple[Array, Array]:
    """Half the gradient of the loss, and the curvature of its squares.

    The curvature of the regularisation is taken for each place alone.
    """
    residual = _residual(given, trains)
    n = len(residual)
    blocks = []
    for kind, train in enumerate(trains):
        lefts = train.lefts(given.environments[kind])
        rights = train.rights(given.environments[kind])
        for place in range(train.length):
            blocks.append(_outer(given, kind, place, lefts[place], rights[place + 1]))
    rows = _projected(given, np.concatenate(blocks, axis=1))
    gradient, curvature = rows.T @ residual / n, rows.T @ rows / n
    begin = 0
    for train in trains:
        weight = ridge * float(train.n_species) ** -train.length
        for core, (left, right) in zip(train.cores, train.norms(), strict=True):
            end = begin + core.size
            slope = np.einsum("ab,sbc,cd->sad", left, core, right)
            gradient[begin:end] += weight * slope.ravel()
            own = np.kron(np.eye(train.n_species), np.kron(left, right))
            curvature[begin:end, begin:end] += weight * own
            begin = end
    return gradient, curvature


def _residual(given: Equations, trains: Trains) -> Array:
    """Predictions less energies, without what the concentrations explain."""
    return _projected(given, given.of_trains(trains) - given.energies)


def _projected(given: Equations, rows: Array) -> Array:
    basis = given.concentrations
    return np.asarray(rows - basis @ (basis.T @ rows))


def _outer(given: Equations, kind: int, place: int, left: Array, right: Array) -> Array:
    """Derivatives of the energies by the matrices of a place, shape (S, c r r')."""
    species, counts = given.environments[kind][:, place], given.counts[kind]
    parts = []
    for s in range(given.n_species):
        chosen = np.flatnonzero(species == s)
        outer = left[chosen][:, :, None] * right[chosen][:, None, :]
        # A species may be at no such place: sublattices differ in what they allow.
        parts.append(counts[:, chosen] @ outer.reshape(-1, left.shape[1] * right.shape[1]))
    return np.concatenate(parts, axis=1)
