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
from maxvolt.fitting.normal_equations import NormalEquations

__all__ = ["Projection", "Step", "project", "radial_step"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """Normal equations with the linear coefficients eliminated.

    Attributes
    ----------
    linear : shape (L,)
        Best linear coefficients, equation (19).
    loss : float
        The loss at the radial coefficients and the best linear ones, ridge included.
    matrix : shape (R, R)
        Gauss-Newton matrix of the radial coefficients, equation (21).
    vector : shape (R,)
        Minus half the gradient of the loss, equation (20).
    coupling : shape (L, R)
        How the best linear coefficients change with the radial ones: x -> x - coupling @ dc.
    """

    linear: Array
    loss: float
    matrix: Array
    vector: Array
    coupling: Array


def _solve_linear(equations: NormalEquations, n_radial: int, ridge: float) -> tuple[Array, Array]:
    """Best linear coefficients, and coupling to the radial ones."""
    block = equations.matrix[n_radial:, n_radial:]
    scale = np.sqrt(np.diag(block))
    scale[scale == 0.0] = 1.0  # a species or scalar that no structure has keeps coefficient zero
    scaled = block / scale / scale[:, None]
    scaled[np.diag_indices_from(scaled)] += ridge
    try:
        factor: Any = cho_factor(scaled, lower=True)
    except LinAlgError as error:
        raise FitError(
            f"the linear equations are ill-conditioned beyond a ridge of {ridge:g}; raise the "
            "ridge, lower the level, or add structures that differ from each other"
        ) from error
    right = np.column_stack([equations.vector[n_radial:], equations.matrix[n_radial:, :n_radial]])
    solved = cho_solve(factor, right / scale[:, None]) / scale[:, None]
    return solved[:, 0], solved[:, 1:]


def project(equations: NormalEquations, n_radial: int, ridge: float) -> Projection:
    """Eliminate the linear coefficients.

    Parameters
    ----------
    equations
        Of all parameters, the radial ones first.
    n_radial
        Number of radial coefficients R.
    ridge
        Regularisation, relative to the diagonal of the linear block.

    Raises
    ------
    FitError
        The equations hold numbers that are not finite, or cannot be solved.
    """
    parts = (equations.matrix, equations.vector, equations.constant)
    if not all(np.isfinite(part).all() for part in parts):
        raise FitError(
            "the normal equations are not finite: labels or distances are far outside the physical "
            "range; look for outliers with 'maxvolt mindist' and 'maxvolt info'"
        )
    linear, coupling = _solve_linear(equations, n_radial, ridge)
    across = equations.matrix[:n_radial, n_radial:]
    return Projection(
        linear=linear,
        loss=equations.constant - float(equations.vector[n_radial:] @ linear),
        matrix=equations.matrix[:n_radial, :n_radial] - across @ coupling,
        vector=equations.vector[:n_radial] - across @ linear,
        coupling=coupling,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A damped Gauss-Newton step.

    Attributes
    ----------
    radial : shape (R,)
        Change of the radial coefficients.
    linear : shape (L,)
        Linear coefficients that the linearised problem has after the step.
    predicted : float
        Fall of the loss that it predicts.
    """

    radial: Array
    linear: Array
    predicted: float


def radial_step(projection: Projection, damping: float) -> Step:
    """Solve for a step with Marquardt's damping.

    Parameters
    ----------
    projection
        Of the normal equations.
    damping
        Multiple of the diagonal added to the matrix. Directions that change nothing (a scale, or a
        mixture, of radial functions leaves the space of scalars as it is) are damped as well.
    """
    diagonal = np.diag(projection.matrix)
    floor = max(1e-12 * float(diagonal.max(initial=0.0)), 1e-300)
    damped = projection.matrix + damping * np.diag(np.maximum(diagonal, floor))
    change = np.asarray(np.linalg.solve(damped, projection.vector), dtype=np.float64)
    predicted = float(2 * projection.vector @ change - change @ projection.matrix @ change)
    return Step(change, projection.linear - projection.coupling @ change, predicted)
