"""Normal equations, streamed over a training set in bounded memory.

The rows of A and J, equation (19) and (21) of docs/formulation, are made portion by portion, and
only their products are summed up, in an order that does not depend on the number of threads or
processes: results are the same bit for bit. A and J are computed one after the other. Their product
is needed too, so as many rows of A as fit into a given amount of memory are kept until J is there;
the others are computed again.

J costs most, and its products say only which way to go: of a large training set the rows of some
portions are enough. The gradient, which says where the end is, is that of all, equation (243).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from maxvolt.fitting.training_set import Portion, TrainingSet
from maxvolt.fitting.variable_projection.linear_columns import LinearColumns, linear_columns
from maxvolt.fitting.variable_projection.residuals import pull_back
from maxvolt.parallel.blocks import Blocks
from maxvolt.potentials.mtp.binding import kernels
from maxvolt.potentials.mtp.model import Model, compile_model

__all__ = [
    "KEPT_BYTES",
    "LinearEquations",
    "RadialEquations",
    "assemble_linear",
    "assemble_radial",
    "given_columns",
    "kept_portions",
    "sampled_portions",
    "squared_columns",
]

KEPT_BYTES = 256 * 2**20
"""Memory for rows of A that a process keeps until J is there."""

_SAMPLED = 1 / 16
"""Share of the rows by the radial coefficients that is made of a large training set."""

_ROWS_PER_PARAMETER = 100
"""At least so many are: with fewer, their products would point elsewhere."""

_FEWEST_PORTIONS = 16
"""Of which rows are made: portions differ, and fewer are not like all of them."""

_FEWEST_OF_PAIR = 3
"""Of these, with each pair of species: one may have a single such pair."""

Array = NDArray[np.float64]


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
    rows : Blocks of array or None
        A of each portion, where it was kept, in the columns of `linear_columns`.
    floor : shape (L,)
        Least value of the diagonal of the matrix at which a column counts in full, see
        `vanishing_columns.column_floor`; zero where there is none.
    """

    matrix: Array
    vector: Array
    constant: float
    rows: Blocks[Array | None]
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
    linear_matrix : shape (L, L), or None
        A^T A of the rows that `matrix` and `coupling` are of; None where these are all rows.
    """

    matrix: Array
    coupling: Array
    vector: Array
    linear_matrix: Array | None = None


def sampled_portions(portions: Blocks[Portion], n_parameters: int) -> Blocks[float]:
    """How much the rows by the radial coefficients count, of each portion; 0: they are not made.

    Parameters
    ----------
    portions
        Of a training set.
    n_parameters
        Number of all parameters, of which there must be far fewer than rows.
    """
    rows = np.array(list(portions.each(_row_count)), dtype=float)
    total = len(rows)
    wanted = max(_SAMPLED * rows.sum(), _ROWS_PER_PARAMETER * n_parameters) / max(rows.sum(), 1.0)
    number = min(max(math.ceil(wanted * total), _FEWEST_PORTIONS), total)
    counted = np.zeros(total)
    chosen = _evenly(total, number)  # through the data, of which neighbours are alike
    counted[chosen] = rows.sum() / rows[chosen].sum() if number < total else 1.0
    kinds = list(portions.each(_kinds_of_pairs))
    for kind in sorted(set().union(*kinds)):
        having = np.flatnonzero([kind in one for one in kinds])
        left = having[counted[having] == 0]
        missing = min(_FEWEST_OF_PAIR, len(having)) - (len(having) - len(left))
        if missing > 0:  # without rows of a rare pair its coefficients would stay where they are
            counted[left[_evenly(len(left), missing)]] = 1.0
    return portions.beside(counted.tolist())


def _evenly(total: int, number: int) -> NDArray[np.int64]:
    return ((np.arange(number) + 0.5) * total / number).astype(np.int64)


def _kinds_of_pairs() -> Callable[[Portion], set[tuple[int, int]]]:
    def work(portion: Portion) -> set[tuple[int, int]]:
        if not portion.weights.any():
            return set()
        types, pairs = portion.neighborhoods.types, portion.neighborhoods.pairs
        ends = np.sort([types[pairs.owners], types[pairs.neighbors]], axis=0)
        return {(int(one), int(two)) for one, two in np.unique(ends, axis=1).T}

    return work


def kept_portions(
    portions: Blocks[Portion], sampled: Blocks[float], width: int, kept_bytes: int
) -> Blocks[bool]:
    """Say of which portions rows are kept: of the first ones of each process that need them.

    Parameters
    ----------
    portions
        Of a training set.
    sampled
        As of `sampled_portions`.
    width
        Number of columns.
    kept_bytes
        Memory of a process.
    """
    room = [kept_bytes // (8 * width)] * (1 + max(portions.owners, default=0))
    fits = []
    for owner, rows, needed in zip(
        portions.owners, portions.each(_row_count), sampled, strict=True
    ):
        room[owner] -= rows if needed else 0
        fits.append(needed > 0 and room[owner] >= 0)
    return portions.beside(fits)


def _row_count() -> Callable[[Portion], int]:
    return lambda portion: len(portion.labels)


def assemble_linear(
    model: Model,
    columns: LinearColumns,
    training_set: TrainingSet,
    targets: Blocks[Array],
    keeping: Blocks[bool],
    floor: Array | None = None,
    *,
    threads: int,
) -> LinearEquations:
    """Equations for the linear coefficients.

    Parameters
    ----------
    model
        Of which only the radial coefficients matter.
    columns
        Of the rows.
    training_set
        Portions.
    targets
        For each portion, the labels less what no parameter changes (a pair repulsion).
    keeping
        Whether the rows of a portion are kept.
    floor : shape (L,), optional
        Of the diagonal; none where not given.
    threads
        Number of threads, each with the rows of one portion.
    """
    width = columns.width
    (matrix, vector, constant), rows = training_set.portions.sums(
        partial(_linear_products, model, columns),
        ((width, width), (width,), ()),
        targets,
        keeping,
        threads=threads,
    )
    floor = np.zeros(columns.n_linear) if floor is None else floor
    return LinearEquations(
        columns.matrix(matrix), columns.of_linear(vector), float(constant), rows, floor
    )


def _linear_products(
    model: Model, columns: LinearColumns
) -> Callable[[Portion, Array, bool], tuple[Sequence[Array], Array | None]]:
    core = compile_model(model)

    def work(portion: Portion, target: Array, keep: bool) -> tuple[Sequence[Array], Array | None]:
        with np.errstate(over="ignore", invalid="ignore"):  # `eliminate` refuses such sums
            a = columns.rows(core, portion)
            y = target * np.sqrt(portion.weights)
            return (a.T @ a, y @ a, y @ y), a if keep else None

    return work


def squared_columns(model: Model, given: int) -> Callable[[Portion], Array]:
    """Diagonal of A^T A of a portion, shape (L,); `given` columns at the front are no unknowns."""
    core, columns = compile_model(model), linear_columns(model, given)

    def work(portion: Portion) -> Array:
        with np.errstate(over="ignore", invalid="ignore"):
            a = columns.of_linear(columns.rows(core, portion).T)
            return np.asarray((a**2).sum(axis=1))

    return work


def assemble_radial(
    model: Model,
    columns: LinearColumns,
    training_set: TrainingSet,
    targets: Blocks[Array],
    sampled: Blocks[float],
    rows: Blocks[Array | None],
    linear: Array,
    *,
    threads: int,
) -> RadialEquations:
    """Equations that the radial coefficients add.

    Parameters
    ----------
    model
        At the radial and linear coefficients.
    columns, training_set, targets, threads
        As of `assemble_linear`.
    sampled
        How much the rows of a portion count; where this is zero, the gradient alone is made.
    rows
        That `assemble_linear` kept, for the same radial coefficients.
    linear : shape (L,)
        Linear coefficients of `model`.
    """
    n_radial, width = model.n_radial, columns.width
    portions, of_all = training_set.portions, all(sampled)
    (matrix, coupling, vector, linear_matrix), _ = portions.sums(
        partial(_radial_products, model, linear, columns, of_all),
        ((n_radial, n_radial), (width, n_radial), (n_radial,), (width, width)),
        targets,
        sampled,
        rows,
        threads=threads,
    )
    coupling = columns.of_linear(coupling)
    if of_all:
        return RadialEquations(matrix, coupling, vector)
    return RadialEquations(matrix, coupling, vector, columns.matrix(linear_matrix))


def _radial_products(
    model: Model, linear: Array, columns: LinearColumns, of_all: bool
) -> Callable[[Portion, Array, float, Array | None], tuple[Sequence[Array], None]]:
    core, n_radial = compile_model(model), model.n_radial
    coefficients = columns.coefficients(linear)
    matrix, coupling = np.zeros((n_radial, n_radial)), np.zeros((columns.width, n_radial))
    linear_matrix = np.zeros((columns.width, columns.width))

    def gradient(portion: Portion) -> Array:
        errors = (
            portion.rows(kernels.evaluate(core, portion.neighborhoods, threads=1)) - portion.labels
        )
        return -pull_back(core, portion, errors)[:n_radial]

    def work(
        portion: Portion, target: Array, sampled: float, kept: Array | None
    ) -> tuple[Sequence[Array], None]:
        with np.errstate(over="ignore", invalid="ignore"):
            if not sampled:
                return (matrix, coupling, gradient(portion), linear_matrix), None
            root = np.sqrt(portion.weights)
            j = kernels.jacobian(
                core, portion.neighborhoods, columns="radial", precision=columns.precision
            ).table
            j *= root[:, None]
            a = columns.rows(core, portion) if kept is None else kept
            residuals = target * root - a @ coefficients
            vector = residuals @ j
            if of_all:
                return (j.T @ j, a.T @ j, vector, linear_matrix), None
            return (sampled * (j.T @ j), sampled * (a.T @ j), vector, sampled * (a.T @ a)), None

    return work


def given_columns(training_set: TrainingSet) -> int:
    """Number of columns at the front that are no unknowns: energies of isolated atoms."""
    return len(training_set.baseline) if training_set.frozen_baseline else 0
