"""Columns of the linear equations: those of the plan's invariants, of which the scalars are sums.

Rows by the coefficients of the invariants cost less than rows by those of the scalars, and there
are no more of them. Their products become those of the scalars at the end, equation (242) of
docs/formulation. Without a plan the columns are those of the scalars themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_diag, csr_array, hstack

from maxvolt.compiled import _core
from maxvolt.fitting.training_set import Portion
from maxvolt.potentials.mtp.binding import kernels
from maxvolt.potentials.mtp.model import Model, expansion_of
from maxvolt.potentials.results import Precision

__all__ = ["LinearColumns", "linear_columns"]

_VECTOR = 16
"""Widths are multiples of this, so that all rows begin with a line of the cache."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LinearColumns:
    """How rows are assembled, and what they mean.

    Attributes
    ----------
    n_linear : int
        Linear coefficients: species, then scalars.
    width : int
        Columns of the rows.
    expansion : sparse, shape (n_linear, width), or None
        Linear coefficients by columns; None where they are the columns.
    given : int
        So many species at the front are no unknowns: their columns are zero.
    precision : "double" or "single"
        Of what each atom adds to a row.
    """

    n_linear: int
    width: int
    expansion: csr_array | None
    given: int
    precision: Precision = "double"

    def rows(self, core: _core.Core, portion: Portion) -> Array:
        """Weighted rows of a portion, shape (n + 3 N + 6 n, width)."""
        first, root = 0, np.sqrt(portion.weights)
        if self.expansion is None:
            a = kernels.jacobian(core, portion.neighborhoods, columns="linear").table
            a *= root[:, None]
        else:
            a = kernels.invariant_rows(
                *(core, portion.neighborhoods, self.width),
                factors=root,
                precision=self.precision,
            ).table
            first = int(self.expansion.indices[0])  # that of the first species
        a[:, first : first + self.given] = 0.0
        return a

    def of_linear(self, columns: Array) -> Array:
        """Columns of numbers by columns of the rows as numbers by linear coefficients."""
        return columns if self.expansion is None else np.asarray(self.expansion @ columns)

    def matrix(self, products: Array) -> Array:
        """A^T A by the linear coefficients, from that by the columns of the rows."""
        if self.expansion is None:
            return products
        with np.errstate(over="ignore", invalid="ignore"):  # `eliminate` refuses such sums
            half = self.of_linear(self.of_linear(products).T)
            return np.asarray(0.5 * (half + half.T))

    def coefficients(self, linear: Array) -> Array:
        """Coefficients of the columns that mean the same as linear ones."""
        return linear if self.expansion is None else np.asarray(self.expansion.T @ linear)


def linear_columns(model: Model, given: int = 0, precision: Precision = "double") -> LinearColumns:
    """Columns for a model; `given` energies of isolated atoms are no unknowns."""
    n_linear, of_scalars = model.n_parameters - model.n_radial, expansion_of(model)
    if of_scalars is None:
        return LinearColumns(n_linear, n_linear, None, given)
    n_scalars, n_invariants = of_scalars.shape
    width = -(-(n_invariants + model.n_species) // _VECTOR) * _VECTOR
    both = block_diag([of_scalars, csr_array(np.eye(model.n_species))], format="csr")
    order = np.r_[n_scalars : n_scalars + model.n_species, :n_scalars]
    padding = csr_array((n_linear, width - both.shape[1]))
    expansion = csr_array(hstack([both, padding], format="csr")[order])
    return LinearColumns(n_linear, width, expansion, given, precision)
