"""Curvature of the loss at a fitted potential, fold by fold: what posteriors and refits need.

The Gauss-Newton matrix of radial, species and moment coefficients together, equation (43) of
docs/formulation, and the linear equations. Sums over folds of the structures are kept apart, so
that those without one fold cost an addition.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import FitError
from maxvolt.potentials.protocol import ParameterGradients

__all__ = ["Curvature", "CurvatureSums"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class CurvatureSums:
    """Sums over the equations of some structures; P parameters, L of them linear.

    Attributes
    ----------
    matrix : shape (P, P)
        J^T W J: weighted products of the derivatives of energies, forces and virials.
    vector : shape (L,)
        A^T W y, of the linear parameters and the labels less the baseline.
    constant : float
        y^T W y.
    squares : float
        Weighted squares of the residuals of the potential.
    n_equations : int
        Equations with a weight.
    """

    matrix: Array
    vector: Array
    constant: float
    squares: float
    n_equations: int

    def __add__(self, other: CurvatureSums) -> CurvatureSums:
        """Sums over both."""
        return CurvatureSums(
            self.matrix + other.matrix,
            self.vector + other.vector,
            self.constant + other.constant,
            self.squares + other.squares,
            self.n_equations + other.n_equations,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Curvature:
    """Equations of a potential on a training set, fold by fold.

    Attributes
    ----------
    potential : ParameterGradients
        At whose coefficients derivatives are taken; parameters have the order and units of its
        gradients.
    folds : tuple of CurvatureSums
        Of each fold.
    floor : shape (P,)
        Least value of the diagonal of the matrix at which a parameter counts as determined: below
        it, what the data say of it is rounding.
    linear : slice
        The parameters that predictions are linear in.
    known : slice
        Parameters that are given and no unknowns; may be empty.
    ridge : float
        Of the fit, relative to the diagonal.
    refit : callable
        Gives the potential with the best linear parameters for some sums, the others unchanged;
        FitError where the equations cannot be solved.
    """

    potential: ParameterGradients
    folds: tuple[CurvatureSums, ...]
    floor: Array
    linear: slice
    known: slice
    ridge: float
    refit: Callable[[CurvatureSums], ParameterGradients]

    def sums(self, without: int | None = None) -> CurvatureSums:
        """Sums over all folds, or all but one.

        Raises
        ------
        FitError
            There is no other fold.
        """
        kept = [fold for number, fold in enumerate(self.folds) if number != without]
        if not kept:
            raise FitError("there is one fold only, and nothing is left without it")
        total = kept[0]
        for fold in kept[1:]:
            total = total + fold
        return total
