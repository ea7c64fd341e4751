"""Normal equations, streamed over a training set in bounded memory.

The rows of A and J, equation (19) and (21) of docs/formulation, are made portion by portion, and
only their products are summed up, in an order that does not depend on the number of threads or
processes: results are the same bit for bit. A and J are computed one after the other. Their product
is needed too, so as many rows of A as fit into a given amount of memory are kept until J is there;
the others are computed again.

Of a large training set J is made of some structures only, see `sampling`; the gradient, which says
where the end is, is that of all, equation (243).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from maxvolt.compiled import _core
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
    "assemble_sampled",
    "given_columns",
    "kept_portions",
    "squared_columns",
]

KEPT_BYTES = 256 * 2**20
"""Memory for rows of A that a process keeps until J is there."""

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


def kept_portions(portions: Blocks[Portion], width: int, kept_bytes: int) -> Blocks[bool]:
    """Say of which portions rows are kept: of the first ones of each process.

    Parameters
    ----------
    portions
        Of a training set.
    width
        Number of columns.
    kept_bytes
        Memory of a process.
    """
    room = [kept_bytes // (8 * width)] * (1 + max(portions.owners, default=0))
    fits = []
    for owner, rows in zip(portions.owners, portions.each(_row_count), strict=True):
        room[owner] -= rows
        fits.append(room[owner] >= 0)
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
    rows
        That `assemble_linear` kept, for the same radial coefficients.
    linear : shape (L,)
        Linear coefficients of `model`.
    """
    n_radial, width = model.n_radial, columns.width
    (matrix, coupling, vector), _ = training_set.portions.sums(
        partial(_radial_products, model, linear, columns),
        ((n_radial, n_radial), (width, n_radial), (n_radial,)),
        targets,
        rows,
        threads=threads,
    )
    return RadialEquations(matrix, columns.of_linear(coupling), vector)


def _radial_products(
    model: Model, linear: Array, columns: LinearColumns
) -> Callable[[Portion, Array, Array | None], tuple[Sequence[Array], None]]:
    core, coefficients = compile_model(model), columns.coefficients(linear)

    def work(portion: Portion, target: Array, kept: Array | None) -> tuple[Sequence[Array], None]:
        with np.errstate(over="ignore", invalid="ignore"):
            root = np.sqrt(portion.weights)
            j = _radial_rows(core, columns, portion, root)
            a = columns.rows(core, portion) if kept is None else kept
            residuals = target * root - a @ coefficients
            return (j.T @ j, a.T @ j, residuals @ j), None

    return work


def _radial_rows(core: _core.Core, columns: LinearColumns, portion: Portion, root: Array) -> Array:
    j = kernels.jacobian(
        core, portion.neighborhoods, columns="radial", precision=columns.precision
    ).table
    j *= root[:, None]
    return j


def assemble_sampled(
    model: Model,
    columns: LinearColumns,
    training_set: TrainingSet,
    sample: TrainingSet,
    *,
    threads: int,
) -> RadialEquations:
    """Equations that the radial coefficients add: products of a sample, the gradient of all.

    Parameters
    ----------
    model
        At the radial coefficients and the best linear ones.
    columns, training_set, threads
        As of `assemble_linear`.
    sample
        Some of the structures, see `sampling`.
    """
    n_radial, width = model.n_radial, columns.width
    (matrix, coupling, linear_matrix), _ = sample.portions.sums(
        partial(_sampled_products, model, columns),
        ((n_radial, n_radial), (width, n_radial), (width, width)),
        threads=threads,
    )
    (vector,), _ = training_set.portions.sums(
        partial(_radial_slopes, model), ((n_radial,),), threads=threads
    )
    coupling = columns.of_linear(coupling)
    return RadialEquations(matrix, coupling, vector, columns.matrix(linear_matrix))


def _sampled_products(
    model: Model, columns: LinearColumns
) -> Callable[[Portion], tuple[Sequence[Array], None]]:
    core = compile_model(model)

    def work(portion: Portion) -> tuple[Sequence[Array], None]:
        with np.errstate(over="ignore", invalid="ignore"):
            j = _radial_rows(core, columns, portion, np.sqrt(portion.weights))
            a = columns.rows(core, portion)
            return (j.T @ j, a.T @ j, a.T @ a), None

    return work


def _radial_slopes(model: Model) -> Callable[[Portion], tuple[Sequence[Array], None]]:
    core, n_radial = compile_model(model), model.n_radial

    def work(portion: Portion) -> tuple[Sequence[Array], None]:
        found = portion.rows(kernels.evaluate(core, portion.neighborhoods, threads=1))
        return (-pull_back(core, portion, found - portion.labels)[:n_radial],), None

    return work


def given_columns(training_set: TrainingSet) -> int:
    """Number of columns at the front that are no unknowns: energies of isolated atoms."""
    return len(training_set.baseline) if training_set.frozen_baseline else 0
