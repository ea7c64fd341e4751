"""Grades of atoms by the potential itself, where it can: what it prepares is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials import GradesSites, SiteGrader
from maxvolt.selection.active_rows import ActiveRows
from maxvolt.selection.grades import Grades, finite_grades
from maxvolt.selection.rows import SITES
from maxvolt.selection.selector import grades_of_structures

__all__ = ["KeptGrader", "grades_of_sites"]


class KeptGrader:
    """Holds the grader of one active set from its first use; a copy makes its own."""

    __slots__ = ("_grader",)

    def __init__(self) -> None:
        self._grader: SiteGrader | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle without it."""
        return KeptGrader, ()

    def of(self, rows: ActiveRows) -> SiteGrader | None:
        """Give the grader; None where not only atoms have rows, or the potential has none."""
        if rows.weights != SITES or not isinstance(rows.potential, GradesSites):
            return None
        if self._grader is None:
            self._grader = rows.potential.site_grader(rows.inverse)
        return self._grader


def grades_of_sites(neighborhoods: Neighborhoods, sites: NDArray[np.float64]) -> Grades:
    """Grades of structures from those of their atoms.

    Raises
    ------
    EvaluationError
        One is not finite.
    """
    structures = neighborhoods.structures.astype(np.int64)
    of_structures = grades_of_structures(sites, structures, neighborhoods.n_structures)
    return finite_grades(Grades(of_structures, sites), neighborhoods)
