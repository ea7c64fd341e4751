"""Grades of structures and of their atoms, and the names under which they are noted with them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from maxvolt.dataset import ARRAYS_KEY, Dataset
from maxvolt.errors import EvaluationError
from maxvolt.html_tables import html_table
from maxvolt.neighbors.neighborhoods import Neighborhoods

__all__ = ["GRADE", "GRADES", "Grades", "finite_grades", "first_not_finite", "with_grades"]

GRADE = "MV_grade"
"""Key of ``Dataset.infos`` and feature of .cfg files that holds the grade of a structure."""

GRADES = "nbh_grades"
"""Per-atom array that holds the grades of atoms, as in MLIP's .cfg files."""


@dataclass(frozen=True, slots=True, eq=False)
class Grades:
    """Grades of n structures with N atoms in total; above 1 they extrapolate.

    Parameters
    ----------
    structures : shape (n,)
        One grade per structure.
    sites : shape (N,), or None
        One grade per atom, where the strategy has them.
    """

    structures: NDArray[np.float64]
    sites: NDArray[np.float64] | None

    def _repr_html_(self) -> str:
        kinds = {"structures": self.structures, "atoms": self.sites}
        rows = [
            (
                name,
                *(str(n) for n in (len(grades), (grades > 1).sum())),
                *(f"{x:.4g}" for x in (np.median(grades), grades.max())),
                str(grades.argmax()),
            )
            for name, grades in kinds.items()
            if grades is not None and len(grades)
        ]
        headings = ("", "number", "above 1", "median", "largest", "of number")
        return html_table("Extrapolation grades", headings, rows)


def finite_grades(grades: Grades, neighborhoods: Neighborhoods) -> Grades:
    """Refuse grades that are infinite or not numbers.

    Raises
    ------
    EvaluationError
        Names the first structure that has one.
    """
    number = first_not_finite(grades.structures, grades.sites, neighborhoods)
    if number is None:
        return grades
    raise EvaluationError(
        f"the grade of structure {number} is not finite: the potential's gradients there are "
        "beyond the range of numbers; look for coefficients that are far too large and for atoms "
        "much closer than in its training set"
    )


def first_not_finite(
    structures: NDArray[np.float64], sites: NDArray[np.float64] | None, neighborhoods: Neighborhoods
) -> int | None:
    """Number of the first structure that has, or whose atoms have, a number that is not finite."""
    with np.errstate(all="ignore"):
        total = structures.sum()
        if sites is not None:
            total += sites.sum()
    if np.isfinite(total):
        return None
    bad = ~np.isfinite(structures)
    if sites is not None:
        bad[neighborhoods.structures[~np.isfinite(sites)]] = True
    return neighborhoods.first_structure + (int(np.flatnonzero(bad)[0]) if bad.any() else 0)


def with_grades(dataset: Dataset, grades: Grades) -> Dataset:
    """Return the structures with their grades among what is known of them.

    Parameters
    ----------
    dataset
        Structures.
    grades
        Of these structures and, if they exist, of their atoms.
    """
    infos = []
    for number, info in enumerate(dataset.infos):
        noted = {**info, GRADE: float(grades.structures[number])}
        if grades.sites is not None:
            noted[ARRAYS_KEY] = {
                **info.get(ARRAYS_KEY, {}),
                GRADES: np.array(grades.sites[dataset.atoms_of(number)]),
            }
        infos.append(noted)
    return replace(dataset, infos=tuple(infos))
