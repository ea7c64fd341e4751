"""The least-squares problem of one potential on one training set."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from maxvolt.cells import cell_volumes
from maxvolt.fitting.normal_equations import NormalEquations, assemble
from maxvolt.fitting.training_set import TrainingSet
from maxvolt.native import kernels
from maxvolt.native.model import Model, compile_model
from maxvolt.potentials import MTP
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
    fixed : tuple of Energies
        For each portion, what no parameter changes: the pair repulsion.
    """

    potential: MTP
    training_set: TrainingSet
    threads: int
    fixed: tuple[kernels.Energies, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        shape = self.potential.model.radial_coeffs.shape
        core = compile_model(self.model(np.zeros(shape), np.zeros(self.n_linear)))
        fixed = tuple(
            kernels.evaluate(core, portion.where, threads=1)
            for portion in self.training_set.portions
        )
        object.__setattr__(self, "fixed", fixed)

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

    def assemble(self, radial: Array, linear: Array) -> NormalEquations:
        """Normal equations at these coefficients."""
        equations = assemble(
            compile_model(self.model(radial, linear)),
            self.fixed,
            self.training_set,
            threads=self.threads,
        )
        return self._without_frozen(equations)

    def _without_frozen(self, equations: NormalEquations) -> NormalEquations:
        """Take given energies of isolated atoms out of the unknowns."""
        if not self.training_set.frozen_baseline:
            return equations
        first = self.potential.model.n_radial
        frozen = slice(first, first + self.potential.model.n_species)
        matrix, vector = equations.matrix.copy(), equations.vector.copy()
        matrix[frozen], matrix[:, frozen], vector[frozen] = 0.0, 0.0, 0.0
        return NormalEquations(matrix, vector, equations.constant)

    def trained(self, radial: Array, linear: Array) -> MTP:
        """Potential with these coefficients, baseline included."""
        c = self.potential.model.n_species
        return self.potential.with_coefficients(
            radial, linear[:c] + self.training_set.baseline, linear[c:]
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
    core = compile_model(problem.model(radial, linear))
    loss, gradient = 0.0, np.zeros(core.n_parameters)
    for portion in problem.training_set.portions:
        where, weights, n = portion.where, portion.weights, portion.where.n_structures
        out = kernels.evaluate(core, where, threads=problem.threads)
        energies = np.bincount(where.structures, out.site_energies, minlength=n)
        errors = (
            energies - portion.energies,
            out.forces - portion.forces,
            out.virials - portion.virials,
        )
        pulls = (
            weights.energies * errors[0],
            weights.forces[:, None] * errors[1],
            weights.virials * errors[2],
        )
        loss += sum(float((e * p).sum()) for e, p in zip(errors, pulls, strict=True))
        # Forces are minus the derivative by positions. Of a shear component half the weight counts
        # for each of the two entries of the strain.
        xx, yy, zz, yz, xz, xy = (pulls[2] / VOIGT_COUNTS).T
        strains = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]).transpose(2, 0, 1)
        gradient += 2.0 * kernels.directional_gradient(
            core, where, pulls[0], -pulls[1], strains, threads=problem.threads
        )
    return loss, gradient


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
    core = compile_model(problem.model(radial, linear))
    sums, counts = np.zeros(3), np.zeros(3)
    for portion in problem.training_set.portions:
        where, n = portion.where, portion.where.n_structures
        out = kernels.evaluate(core, where, threads=problem.threads)
        atoms = np.bincount(where.structures, minlength=n)
        energies = np.bincount(where.structures, out.site_energies, minlength=n)
        volumes = cell_volumes(where.cells)
        used = [weights > 0 for weights in (portion.weights.energies, portion.weights.forces)]
        stressed = portion.weights.virials[:, 0] > 0
        virials = (out.virials - portion.virials)[stressed] / volumes[stressed, None]
        sums += [
            (((energies - portion.energies) / np.maximum(atoms, 1))[used[0]] ** 2).sum(),
            ((out.forces - portion.forces)[used[1]] ** 2).sum(),
            (virials**2 @ VOIGT_COUNTS).sum(),
        ]
        counts += [used[0].sum(), 3 * used[1].sum(), 9 * stressed.sum()]
    with np.errstate(invalid="ignore"):
        return RootMeanSquares(*np.sqrt(sums / counts).tolist())
