"""Grades noted with the structures they belong to, under the names that MLIP uses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from maxvolt.dataset import ARRAYS_KEY, Dataset
from maxvolt.selection.neighborhood_cut import GRADES
from maxvolt.selection.strategy import Grades

__all__ = ["GRADE", "with_grades"]

GRADE = "MV_grade"
"""Key of ``Dataset.infos`` and feature of .cfg files that holds the grade of a structure."""


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
