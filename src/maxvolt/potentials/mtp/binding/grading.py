"""Grades of atoms by the compiled kernels, in one pass over the neighbours and without their rows.

Most of the product of rows and inverse is computed in single precision; the coordinates that may be
the largest of a row are computed again in double precision, so that grades are those of double
precision, docs/formulation, equations (37a) and (37b).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maxvolt.compiled import _core
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials.mtp.binding.kernels import BEST, EvaluationArrays, window_ranges
from maxvolt.potentials.mtp.binding.windows import system_of
from maxvolt.potentials.refusals import check_distinct, check_finite
from maxvolt.potentials.results import Energies
from maxvolt.threads import run_ranges, thread_count

__all__ = ["CoreGrader"]


class CoreGrader:
    """The inverse of the matrix of an active set, prepared for grades of atoms.

    Parameters
    ----------
    core
        The potential.
    inverse : shape (P, P)
        Of rows by the coefficients of the file.
    scaling, n_radial
        Rows of the kernels are gradients by the product of coefficient and scaling for the first
        `n_radial` parameters.
    """

    def __init__(
        self, core: _core.Core, inverse: NDArray[np.float64], scaling: float, n_radial: int
    ) -> None:
        scaled = np.array(inverse, np.float64)
        scaled[:n_radial] *= scaling
        arrays = _core.ActiveSetArrays(
            energy_weight=0.0,
            force_weight=0.0,
            stress_weight=0.0,
            site_energy_weight=1.0,
            weight_scaling=2,
            inverse=scaled.ravel(),
        )
        self._core = core
        self.active_set = _core.ActiveSet(arrays, core.n_parameters)

    def grades(
        self, neighborhoods: Neighborhoods, *, threads: int | None = None, kernels: str = BEST
    ) -> NDArray[np.float64]:
        """Grades of all atoms, shape (N,); NaN where one is not finite.

        Parameters and errors as of `kernels.evaluate`.
        """
        return self._grades(neighborhoods, None, thread_count(threads), kernels)

    def evaluate(
        self, neighborhoods: Neighborhoods, *, threads: int | None = None, kernels: str = BEST
    ) -> tuple[Energies, NDArray[np.float64]]:
        """Energies, forces and virials together with the grades of the atoms, in one pass."""
        into, threads = EvaluationArrays.of(neighborhoods), thread_count(threads)
        grades = self._grades(neighborhoods, into, threads, kernels)
        return check_finite(into.folded(neighborhoods, threads), neighborhoods), grades

    def _grades(
        self,
        neighborhoods: Neighborhoods,
        into: EvaluationArrays | None,
        threads: int,
        kernels: str,
    ) -> NDArray[np.float64]:
        grades = np.empty(neighborhoods.n_atoms)
        fixed = self._core, self.active_set, system_of(neighborhoods)
        evaluated = () if into is None else (into.energies, into.rows, into.virials)
        found = run_ranges(
            lambda _, begin, end: _core.site_grades(
                *fixed, begin, end, kernels, grades, *evaluated
            ),
            window_ranges(neighborhoods, threads),
            threads,
        )
        check_distinct(found, neighborhoods)
        return grades
