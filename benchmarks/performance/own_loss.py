"""maxvolt's least-squares problem, as the fit sees it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import maxvolt
from maxvolt.fitting.objective import Objective
from maxvolt.fitting.variable_projection.problem import Problem, loss_and_gradient
from maxvolt.fitting.variable_projection.problem_builder import ProblemBuilder

__all__ = ["OwnLoss"]


@dataclass(frozen=True, slots=True, eq=False)
class OwnLoss:
    """A problem at the coefficients of a trained potential.

    Attributes
    ----------
    problem : Problem
    radial, linear : arrays
        Coefficients as the problem takes them.
    """

    problem: Problem
    radial: NDArray[np.float64]
    linear: NDArray[np.float64]

    @classmethod
    def at(cls, potential: maxvolt.MTP, dataset: maxvolt.Dataset, *, threads: int) -> OwnLoss:
        """Set the problem up: neighbours, weights and baseline."""
        objective = Objective(dataset, maxvolt.Weights(), "vibrations")
        problem = ProblemBuilder(objective, threads).problem(potential)
        model = potential.model
        energies = model.species_coeffs - problem.training_set.baseline
        return cls(
            problem,
            model.scaled_radial_coeffs.ravel(),
            np.concatenate([energies, model.moment_coeffs]),
        )

    def loss_and_gradient(self) -> tuple[float, NDArray[np.float64]]:
        """The loss and its gradient by all parameters."""
        return loss_and_gradient(self.problem, self.radial, self.linear)

    def normal_equations(self) -> object:
        """One pass of Gauss-Newton: all rows, summed into normal equations."""
        equations = self.problem.linear_equations(self.radial)
        return self.problem.radial_equations(self.radial, self.linear, equations.rows)
