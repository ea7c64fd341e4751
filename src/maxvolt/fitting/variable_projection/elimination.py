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

_SAMPLED_RIDGE = 1e-10
"""At least the ridge of equations of some rows, which determine less than all."""

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
    floor : shape (L,)
        Of the equations.
    ridge : float
    """

    linear: Array
    loss: float
    floor: Array
    ridge: float
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
    scale, factor = _factored(equations.matrix, equations.floor, ridge)
    linear = _solve(factor, scale, equations.vector[:, None])[:, 0]
    loss = equations.constant - float(equations.vector @ linear)
    return Elimination(linear, loss, equations.floor, ridge, scale, factor)


def _factored(matrix: Array, floor: Array, ridge: float) -> tuple[Array, Any]:
    """Scale and Cholesky factor of the regularised matrix.

    Raises
    ------
    FitError
        There is none.
    """
    squares = np.diag(matrix)
    scale = np.sqrt(np.maximum(squares, floor))
    scale[scale == 0.0] = 1.0  # a species or scalar that no structure has keeps coefficient zero
    scaled = matrix / scale / scale[:, None]
    # A column below its floor is held to zero by what it lacks; all others by the ridge alone.
    lacking = np.maximum(floor - squares, 0.0) / scale**2
    scaled[np.diag_indices_from(scaled)] += ridge + lacking
    try:
        return scale, cho_factor(scaled, lower=True)
    except LinAlgError as error:
        raise FitError(
            f"the linear equations are ill-conditioned beyond a ridge of {ridge:g}; raise the "
            "ridge, lower the level, or add structures that differ from each other"
        ) from error


def reduce(elimination: Elimination, equations: RadialEquations) -> Reduced:
    """Equations of the radial coefficients, the linear ones following them.

    Where the radial ones are of some rows only, so are the linear ones that are eliminated, (244).

    Parameters
    ----------
    elimination
        At the radial coefficients.
    equations
        At these and the best linear coefficients.

    Raises
    ------
    FitError
        The equations hold numbers that are not finite, or cannot be solved.
    """
    _check_finite(equations.matrix, equations.coupling, equations.vector)
    if equations.linear_matrix is None:
        followed = elimination.solve(equations.coupling)
    else:
        _check_finite(equations.linear_matrix)
        scale, factor = _factored(
            equations.linear_matrix, elimination.floor, max(elimination.ridge, _SAMPLED_RIDGE)
        )
        followed = _solve(factor, scale, equations.coupling)
    return Reduced(equations.matrix - equations.coupling.T @ followed, equations.vector)


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
