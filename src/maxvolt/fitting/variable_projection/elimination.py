"""Elimination of the linear coefficients: equations (19) to (21) of docs/formulation.

Energies, forces and stresses are linear in the species and moment coefficients x, so for given
radial coefficients c the best x follows from the normal equations. What is left is a problem in the
few radial coefficients, whose Gauss-Newton matrix is the Schur complement of the linear block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from maxvolt.errors import FitError
from maxvolt.fitting.variable_projection.normal_equations import LinearEquations, RadialEquations

__all__ = ["Elimination", "Reduced", "Step", "eliminate", "radial_step", "reduce"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Elimination:
    """Linear equations solved at given radial coefficients.

    Attributes
    ----------
    linear : shape (L,)
        Best linear coefficients, equation (19).
    loss : float
        The loss with them, ridge included.
    """

    linear: Array
    loss: float
    _scale: Array
    _factor: Any

    def solve(self, right: Array) -> Array:
        """(A^T A + ridge)^-1 times the columns of an array of shape (L, n)."""
        return _solve(self._factor, self._scale, right)


@dataclass(frozen=True, slots=True, eq=False)
class Reduced:
    """Equations of the radial coefficients alone.

    Attributes
    ----------
    matrix : shape (R, R)
        Gauss-Newton matrix, equation (21).
    vector : shape (R,)
        Minus half the gradient of the loss, equation (20).
    """

    matrix: Array
    vector: Array


def _solve(factor: Any, scale: Array, right: Array) -> Array:
    return np.asarray(cho_solve(factor, right / scale[:, None]) / scale[:, None])


def eliminate(equations: LinearEquations, ridge: float) -> Elimination:
    """Solve for the linear coefficients.

    Parameters
    ----------
    equations
        At given radial coefficients.
    ridge
        Regularisation, relative to the diagonal of the matrix.

    Raises
    ------
    FitError
        The equations hold numbers that are not finite, or cannot be solved.
    """
    _check_finite(equations.matrix, equations.vector, equations.constant)
    squares = np.diag(equations.matrix)
    scale = np.sqrt(np.maximum(squares, equations.floor))
    scale[scale == 0.0] = 1.0  # a species or scalar that no structure has keeps coefficient zero
    scaled = equations.matrix / scale / scale[:, None]
    # A column below its floor is held to zero by what it lacks; all others by the ridge alone.
    lacking = np.maximum(equations.floor - squares, 0.0) / scale**2
    scaled[np.diag_indices_from(scaled)] += ridge + lacking
    try:
        factor: Any = cho_factor(scaled, lower=True)
    except LinAlgError as error:
        raise FitError(
            f"the linear equations are ill-conditioned beyond a ridge of {ridge:g}; raise the "
            "ridge, lower the level, or add structures that differ from each other"
        ) from error
    linear = _solve(factor, scale, equations.vector[:, None])[:, 0]
    loss = equations.constant - float(equations.vector @ linear)
    return Elimination(linear, loss, scale, factor)


def reduce(elimination: Elimination, equations: RadialEquations) -> Reduced:
    """Equations of the radial coefficients, the linear ones following them.

    Parameters
    ----------
    elimination
        At the radial coefficients.
    equations
        At these and the best linear coefficients.

    Raises
    ------
    FitError
        The equations hold numbers that are not finite.
    """
    _check_finite(equations.matrix, equations.coupling, equations.vector)
    schur = equations.coupling.T @ elimination.solve(equations.coupling)
    return Reduced(equations.matrix - schur, equations.vector)


def _check_finite(*parts: Array | float) -> None:
    if not all(np.isfinite(part).all() for part in parts):
        raise FitError(
            "the normal equations are not finite: labels or distances are far outside the physical "
            "range; look for outliers with 'maxvolt mindist' and 'maxvolt info'"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A damped Gauss-Newton step.

    Attributes
    ----------
    radial : shape (R,)
        Change of the radial coefficients.
    predicted : float
        Fall of the loss that the linearised problem predicts.
    """

    radial: Array
    predicted: float


def radial_step(reduced: Reduced, damping: float) -> Step:
    """Solve for a step with Marquardt's damping.

    Parameters
    ----------
    reduced
        Equations of the radial coefficients.
    damping
        Multiple of the diagonal added to the matrix. Directions that change nothing (a scale, or a
        mixture, of radial functions leaves the space of scalars as it is) are damped as well.
    """
    diagonal = np.diag(reduced.matrix)
    floor = max(1e-12 * float(diagonal.max(initial=0.0)), 1e-300)
    damped = reduced.matrix + damping * np.diag(np.maximum(diagonal, floor))
    change = np.asarray(np.linalg.solve(damped, reduced.vector), dtype=np.float64)
    predicted = float(2 * reduced.vector @ change - change @ reduced.matrix @ change)
    return Step(change, predicted)
