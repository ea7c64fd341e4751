"""Normal equations, streamed over a training set in bounded memory.

The rows of A and J, equation (19) and (21) of docs/formulation, are made portion by portion, and
only their products are summed up, in an order that does not depend on the number of threads:
results are the same bit for bit. A and J are computed one after the other, each at half the cost of
both. Their product is needed too, so as many rows of A as fit into a given amount of memory are
kept until J is there; the others are computed again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from maxvolt.compiled import _core
from maxvolt.fitting.training_set import TrainingSet
from maxvolt.potentials.mtp.binding import kernels
from maxvolt.threads import map_ranges

__all__ = [
    "KEPT_BYTES",
    "LinearEquations",
    "RadialEquations",
    "assemble_linear",
    "assemble_radial",
    "in_order",
    "squared_columns",
]

KEPT_BYTES = 256 * 2**20
"""Memory for rows of A that are kept until J is there."""

Array = NDArray[np.float64]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class LinearEquations:
    """Equations for the L linear coefficients at given radial ones.

    Attributes
    ----------
    matrix : shape (L, L)
        A^T A.
    vector : shape (L,)
        A^T y.
    constant : float
        y^T y.
    rows : tuple of array or None
        A of each portion, where it was kept.
    floor : shape (L,)
        Least value of the diagonal of the matrix at which a column counts in full, see
        `vanishing_columns.column_floor`; zero where there is none.
    """

    matrix: Array
    vector: Array
    constant: float
    rows: tuple[Array | None, ...]
    floor: Array


@dataclass(frozen=True, slots=True, eq=False)
class RadialEquations:
    """What the R radial coefficients add to the equations.

    Attributes
    ----------
    matrix : shape (R, R)
        J^T J.
    coupling : shape (L, R)
        A^T J.
    vector : shape (R,)
        -J^T rho, with the residuals rho = A x - y.
    """

    matrix: Array
    coupling: Array
    vector: Array


def in_order(work: Callable[[int], T], count: int, threads: int) -> Iterator[T]:
    """Yield ``work(i)`` for each i below a number in order, computed by so many threads."""
    return map_ranges(lambda i, _: work(i), [(i, i + 1) for i in range(count)], threads)


def assemble_linear(
    core: _core.Core,
    training_set: TrainingSet,
    targets: Sequence[Array],
    floor: Array | None = None,
    *,
    threads: int,
    kept_bytes: int = KEPT_BYTES,
) -> LinearEquations:
    """Equations for the linear coefficients.

    Parameters
    ----------
    core
        Compiled model, of which only the radial coefficients matter.
    training_set
        Portions.
    targets
        For each portion, the labels less what no parameter changes (a pair repulsion).
    floor : shape (L,), optional
        Of the diagonal; none where not given.
    threads
        Number of threads, each with the rows of one portion.
    kept_bytes
        Memory for rows that are kept.
    """
    width = core.n_columns(False, True)
    room = kept_bytes // (8 * width) - np.cumsum([len(target) for target in targets])

    def work(i: int) -> tuple[Array, Array, Array, Array | None]:
        with np.errstate(over="ignore", invalid="ignore"):  # `eliminate` refuses such sums
            a = _linear_rows(core, training_set, i)
            y = targets[i] * np.sqrt(training_set.portions[i].weights)
            return a.T @ a, y @ a, y @ y, a if room[i] >= 0 else None

    matrix, vector, constant = sums = np.zeros((width, width)), np.zeros(width), np.zeros(())
    rows = []
    for *parts, kept in in_order(work, len(targets), threads):
        _add(sums, parts)
        rows.append(kept)
    floor = np.zeros(width) if floor is None else floor
    return LinearEquations(matrix, vector, float(constant), tuple(rows), floor)


def squared_columns(core: _core.Core, training_set: TrainingSet, i: int) -> Array:
    """Diagonal of A^T A of one portion; shape (L,)."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray((_linear_rows(core, training_set, i) ** 2).sum(axis=0))


def assemble_radial(
    core: _core.Core,
    training_set: TrainingSet,
    targets: Sequence[Array],
    rows: Sequence[Array | None],
    linear: Array,
    *,
    threads: int,
) -> RadialEquations:
    """Equations that the radial coefficients add.

    Parameters
    ----------
    core
        Compiled model at the radial and linear coefficients.
    training_set, targets, threads
        As of `assemble_linear`.
    rows
        That `assemble_linear` kept, for the same radial coefficients.
    linear : shape (L,)
        Linear coefficients of `core`.
    """
    n_linear, n_radial = len(linear), core.n_columns(True, False)

    def work(i: int) -> tuple[Array, Array, Array]:
        with np.errstate(over="ignore", invalid="ignore"):
            root = np.sqrt(training_set.portions[i].weights)
            j = kernels.jacobian(core, training_set.portions[i].where, columns="radial").table
            j *= root[:, None]
            kept = rows[i]
            a = _linear_rows(core, training_set, i) if kept is None else kept
            return j.T @ j, a.T @ j, (targets[i] * root - a @ linear) @ j

    sums = np.zeros((n_radial, n_radial)), np.zeros((n_linear, n_radial)), np.zeros(n_radial)
    for parts in in_order(work, len(targets), threads):
        _add(sums, parts)
    return RadialEquations(*sums)


def _linear_rows(core: _core.Core, training_set: TrainingSet, i: int) -> Array:
    """Weighted rows of A; energies of isolated atoms that are given are no unknowns."""
    portion = training_set.portions[i]
    a = kernels.jacobian(core, portion.where, columns="linear").table
    a *= np.sqrt(portion.weights)[:, None]
    if training_set.frozen_baseline:
        a[:, : len(training_set.baseline)] = 0.0
    return a


def _add(sums: Sequence[Array], parts: Sequence[Array]) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        for total, part in zip(sums, parts, strict=True):
            np.add(total, part, out=total)
