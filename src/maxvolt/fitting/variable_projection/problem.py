"""The least-squares problem of one potential on one training set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from maxvolt.cells import cell_volumes
from maxvolt.fitting.training_set import Portion, TrainingSet
from maxvolt.fitting.variable_projection.linear_columns import LinearColumns, linear_columns
from maxvolt.fitting.variable_projection.normal_equations import (
    KEPT_BYTES,
    LinearEquations,
    RadialEquations,
    assemble_linear,
    assemble_radial,
    assemble_sampled,
    given_columns,
    kept_portions,
)
from maxvolt.fitting.variable_projection.random_starts import random_radial_coeffs
from maxvolt.fitting.variable_projection.residuals import pull_back
from maxvolt.fitting.variable_projection.vanishing_columns import column_floor, vanishing_columns
from maxvolt.parallel.blocks import Blocks
from maxvolt.potentials.mtp.binding import kernels
from maxvolt.potentials.mtp.model import Model, compile_model
from maxvolt.potentials.mtp.potential import MTP
from maxvolt.potentials.mtp.rescaling import rescaled
from maxvolt.units import VOIGT_COUNTS

__all__ = ["Problem", "RootMeanSquares", "loss_and_gradient", "root_mean_squares"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Maps coefficients to equations and to potentials.

    Radial coefficients are taken with a scaling of one: the scale of a potential is no parameter of
    its own, equation (22).

    Attributes
    ----------
    potential : MTP
        Gives basis, species and cutoff; its coefficients do not matter.
    training_set : TrainingSet
        Equations.
    threads : int
        Number of threads.
    displaced : tuple of TrainingSet
        Copies of some structures, displaced by `DISPLACEMENTS`, to tell columns that are rounding;
        all count where there are none.
    sample : TrainingSet, or None
        Some of the structures, which stand for all in the products of the rows by the radial
        coefficients; None where all rows are made.
    kept_bytes : int
        Memory for rows of the linear equations that a process keeps until the radial ones are
        assembled.
    targets : Blocks of array
        For each portion, its labels less what no parameter changes: the pair repulsion.
    columns : LinearColumns
        Of the linear equations. Of a large training set rows are assembled in single precision,
        whose errors are far below what the ridge leaves.
    keeping : Blocks of bool
        Whether the rows of a portion are kept; none are where there is a sample.
    vanishing : shape (L,), bool
        Linear coefficients whose columns all but vanish in the training set, and not in the
        displaced copies.
    """

    potential: MTP
    training_set: TrainingSet
    threads: int
    displaced: tuple[TrainingSet, ...] = ()
    sample: TrainingSet | None = None
    kept_bytes: int = KEPT_BYTES
    targets: Blocks[Array] = field(init=False, repr=False)
    columns: LinearColumns = field(init=False, repr=False)
    keeping: Blocks[bool] = field(init=False, repr=False)
    vanishing: NDArray[np.bool_] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        shape = self.potential.model.radial_coeffs.shape
        unchanged = self.model(np.zeros(shape), np.zeros(self.n_linear))
        portions = self.training_set.portions
        object.__setattr__(self, "targets", portions.kept(partial(_targets, unchanged)))
        columns = linear_columns(
            unchanged,
            given_columns(self.training_set),
            "double" if self.sample is None else "single",
        )
        object.__setattr__(self, "columns", columns)
        kept_bytes = self.kept_bytes if self.sample is None else 0
        keeping = kept_portions(portions, columns.width, kept_bytes)
        object.__setattr__(self, "keeping", keeping)
        object.__setattr__(self, "vanishing", self._find_vanishing())

    @property
    def n_linear(self) -> int:
        """Number of species and moment coefficients."""
        return self.potential.n_parameters - self.potential.model.n_radial

    def model(self, radial: Array, linear: Array) -> Model:
        """Model with these coefficients, energies relative to the baseline."""
        c = self.potential.model.n_species
        return replace(
            self.potential.model,
            radial_coeffs=radial.reshape(self.potential.model.radial_coeffs.shape),
            scaling=1.0,
            species_coeffs=linear[:c],
            moment_coeffs=linear[c:],
        )

    def _find_vanishing(self) -> NDArray[np.bool_]:
        """Columns that may vanish by symmetry, found once, at random radial functions."""
        if not self.displaced:
            return np.zeros(self.n_linear, np.bool_)
        shape = self.potential.model.radial_coeffs.shape
        radial = random_radial_coeffs(shape, np.random.default_rng(0))
        model = self.model(radial, np.zeros(self.n_linear))
        return vanishing_columns(model, self.training_set, self.displaced, model.n_species)

    def linear_equations(self, radial: Array) -> LinearEquations:
        """Equations of the linear coefficients at given radial ones."""
        model = self.model(radial, np.zeros(self.n_linear))
        floor = None
        if self.vanishing.any():
            floor = column_floor(model, self.displaced[0], self.vanishing)
        return assemble_linear(
            *(model, self.columns, self.training_set, self.targets, self.keeping, floor),
            threads=self.threads,
        )

    def radial_equations(
        self, radial: Array, linear: Array, rows: Blocks[Array | None]
    ) -> RadialEquations:
        """Equations that the radial coefficients add; `rows` are those of the linear equations."""
        model = self.model(radial, linear)
        if self.sample is not None:
            return assemble_sampled(
                *(model, self.columns, self.training_set, self.sample), threads=self.threads
            )
        return assemble_radial(
            *(model, self.columns, self.training_set, self.targets, rows, linear),
            threads=self.threads,
        )

    def trained(self, radial: Array, linear: Array) -> MTP:
        """Potential with these coefficients, baseline included, its scales brought to one."""
        c = self.potential.model.n_species
        return rescaled(
            self.potential.with_coefficients(
                radial, linear[:c] + self.training_set.baseline, linear[c:]
            )
        )


def loss_and_gradient(problem: Problem, radial: Array, linear: Array) -> tuple[float, Array]:
    """The loss, equation (7), and its gradient by all parameters (radial, then linear).

    One evaluation gives the residuals; a directional derivative along them gives the gradient, at a
    cost that does not grow with the number of parameters.

    Parameters
    ----------
    problem
        Basis and equations.
    radial : shape (R,)
        Radial coefficients, scaling included.
    linear : shape (L,)
        Species and moment coefficients, energies relative to the baseline.

    Returns
    -------
    loss : float
    gradient : shape (R + L,)
    """
    model = problem.model(radial, linear)
    (loss, gradient), _ = problem.training_set.portions.sums(
        partial(_loss_and_slope, model), ((), (model.n_parameters,)), threads=problem.threads
    )
    return float(loss), gradient


def _loss_and_slope(model: Model) -> Callable[[Portion], tuple[tuple[Array, Array], None]]:
    core = compile_model(model)

    def work(portion: Portion) -> tuple[tuple[Array, Array], None]:
        errors = (
            portion.rows(kernels.evaluate(core, portion.neighborhoods, threads=1)) - portion.labels
        )
        half = pull_back(core, portion, errors)
        return (np.asarray(errors @ (portion.weights * errors)), 2.0 * half), None

    return work


def _targets(model: Model) -> Callable[[Portion], Array]:
    core = compile_model(model)
    return lambda portion: (
        portion.labels - portion.rows(kernels.evaluate(core, portion.neighborhoods, threads=1))
    )


@dataclass(frozen=True, slots=True)
class RootMeanSquares:
    """Root mean square residuals of the equations that count; NaN where there are none.

    Attributes
    ----------
    energy : float, eV/atom
    force : float, eV/Angstrom
        Per component.
    stress : float, eV/Angstrom^3
        Per component of the tensor.
    """

    energy: float
    force: float
    stress: float


def root_mean_squares(problem: Problem, radial: Array, linear: Array) -> RootMeanSquares:
    """Evaluate the training set, whose neighbours are known, at these coefficients."""
    (sums, numbers), _ = problem.training_set.portions.sums(
        partial(_squared_errors, problem.model(radial, linear)),
        ((3,), (3,)),
        threads=problem.threads,
    )
    with np.errstate(invalid="ignore"):
        return RootMeanSquares(*np.sqrt(sums / numbers).tolist())


def _squared_errors(model: Model) -> Callable[[Portion], tuple[tuple[Array, Array], None]]:
    """Sums of squared residuals of energies, forces and stresses, and their numbers."""
    core = compile_model(model)

    def work(portion: Portion) -> tuple[tuple[Array, Array], None]:
        errors = (
            portion.rows(kernels.evaluate(core, portion.neighborhoods, threads=1)) - portion.labels
        )
        energies, forces, virials = portion.split(np.where(portion.weights > 0, errors, 0.0) ** 2)
        used = [part > 0 for part in portion.split(portion.weights)]
        atoms = np.bincount(
            portion.neighborhoods.structures, minlength=portion.neighborhoods.n_structures
        )
        volumes = np.where(used[2][:, 0], cell_volumes(portion.neighborhoods.cells), 1.0)
        sums = [
            (energies / np.maximum(atoms, 1) ** 2).sum(),
            forces.sum(),
            (virials @ VOIGT_COUNTS / volumes**2).sum(),
        ]
        numbers = [used[0].sum(), used[1].sum(), 9 * used[2][:, 0].sum()]
        return (np.array(sums), np.array(numbers, np.float64)), None

    return work
