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


def sampled_portions(portions: Blocks[Portion], n_parameters: int) -> Blocks[bool]:
    """Say of which portions the rows by the radial coefficients are made.

    Parameters
    ----------
    portions
        Of a training set.
    n_parameters
        Number of all parameters, of which there must be far fewer than rows.
    """
    rows = sum(portions.each(_row_count))
    wanted = max(_SAMPLED * rows, _ROWS_PER_PARAMETER * n_parameters) / max(rows, 1)
    number = min(max(math.ceil(wanted * len(portions)), _FEWEST_PORTIONS), len(portions))
    # Evenly through the data, of which neighbours are alike.
    chosen = {int((k + 0.5) * len(portions) / number) for k in range(number)}
    return portions.beside([k in chosen for k in range(len(portions))])


def kept_portions(
    portions: Blocks[Portion], sampled: Blocks[bool], width: int, kept_bytes: int
) -> Blocks[bool]:
    """Say of which portions rows are kept: of the first ones of each process that need them.

    Parameters
    ----------
    portions
        Of a training set.
    sampled
        Whether rows by the radial coefficients are made of a portion.
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
        fits.append(needed and room[owner] >= 0)
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
    sampled: Blocks[bool],
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
        Whether the rows of a portion are made; of the others, the gradient alone.
    rows
        That `assemble_linear` kept, for the same radial coefficients.
    linear : shape (L,)
        Linear coefficients of `model`.
    """
    n_radial, width = model.n_radial, columns.width
    portions, of_all = training_set.portions, all(sampled)
    (matrix, coupling, vector, linear_matrix, count), _ = portions.sums(
        partial(_radial_products, model, linear, columns, of_all),
        ((n_radial, n_radial), (width, n_radial), (n_radial,), (width, width), ()),
        targets,
        sampled,
        rows,
        threads=threads,
    )
    coupling = columns.of_linear(coupling)
    if of_all:
        return RadialEquations(matrix, coupling, vector)
    share = sum(portions.each(_row_count)) / float(count)
    return RadialEquations(
        share * matrix, share * coupling, vector, share * columns.matrix(linear_matrix)
    )


def _radial_products(
    model: Model, linear: Array, columns: LinearColumns, of_all: bool
) -> Callable[[Portion, Array, bool, Array | None], tuple[Sequence[Array], None]]:
    core, n_radial = compile_model(model), model.n_radial
    coefficients = columns.coefficients(linear)
    matrix, coupling = np.zeros((n_radial, n_radial)), np.zeros((columns.width, n_radial))
    linear_matrix, none = np.zeros((columns.width, columns.width)), np.zeros(())

    def gradient(portion: Portion) -> Array:
        errors = (
            portion.rows(kernels.evaluate(core, portion.neighborhoods, threads=1)) - portion.labels
        )
        return -pull_back(core, portion, errors)[:n_radial]

    def work(
        portion: Portion, target: Array, sampled: bool, kept: Array | None
    ) -> tuple[Sequence[Array], None]:
        with np.errstate(over="ignore", invalid="ignore"):
            if not sampled:
                return (matrix, coupling, gradient(portion), linear_matrix, none), None
            root = np.sqrt(portion.weights)
            j = kernels.jacobian(
                core, portion.neighborhoods, columns="radial", precision=columns.precision
            ).table
            j *= root[:, None]
            a = columns.rows(core, portion) if kept is None else kept
            residuals = target * root - a @ coefficients
            square = linear_matrix if of_all else a.T @ a
            return (j.T @ j, a.T @ j, residuals @ j, square, np.array(float(len(j)))), None

    return work


def given_columns(training_set: TrainingSet) -> int:
    """Number of columns at the front that are no unknowns: energies of isolated atoms."""
    return len(training_set.baseline) if training_set.frozen_baseline else 0
