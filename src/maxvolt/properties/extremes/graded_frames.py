"""Grades of frames of slabs, without those of their lowest layers."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms

from maxvolt.properties.grade_recorder import GradeRecorder

__all__ = ["meet_frame"]


def meet_frame(calculator: Any, frame: Atoms, above: float) -> None:
    """Keep a frame of a simulation, and have it graded where the calculator grades.

    Where each atom has a grade, those of atoms that are held, at the lower side of the slab, do not
    count.

    Parameters
    ----------
    calculator
        Of the property; nothing is done where it records nothing.
    frame
        A slab.
    above : Angstrom
        Lower atoms do not count.
    """
    if not isinstance(calculator, GradeRecorder):
        return
    calculator.frames.append(frame)
    inner = calculator.inner
    if getattr(inner, "query", None) is None:
        return
    asked = frame.copy()
    asked.calc = inner
    asked.get_potential_energy()
    grades = inner.results.get("grades")
    if grades is None:
        calculator.meet(float(inner.results["grade"]))
    else:
        calculator.meet(float(np.asarray(grades)[frame.positions[:, 2] > above].max()))
