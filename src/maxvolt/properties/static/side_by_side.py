"""Structures of a property relaxed side by side, with the calculator that the property is of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from ase.constraints import FixCartesian

from maxvolt.dataset import Dataset
from maxvolt.errors import MaxvoltError
from maxvolt.sampling.evaluators import evaluator_of
from maxvolt.sampling.relaxation import Relaxation
from maxvolt.sampling.results import RelaxationOutcome
from maxvolt.sampling.rule import Limits, StopReason, Thresholds

__all__ = ["Attempt", "relax_side_by_side"]

_STRESS_TOLERANCE = 1e-4
"""eV/Angstrom^3, of the stress across planes: less than 0.01 mJ/m^2 of a cell of 100 Angstrom."""

_HEIGHT_ALONE = (False, False, True, False, False, False)

_NEVER = Thresholds(float("inf"), float("inf"))
_LIMITS = Limits(isolation=float("inf"))


@dataclass(frozen=True, slots=True)
class Attempt:
    """How the relaxation of one structure ended.

    Attributes
    ----------
    structure
        The last one, without constraints; with energy and forces where they are known.
    complaint
        Why it is not relaxed; empty where it is.
    is_whole
        Whether it came to the last step, or to its minimum.
    """

    structure: Atoms
    complaint: str
    is_whole: bool

    def relaxed(self) -> Atoms:
        """Return the relaxed structure.

        Raises
        ------
        MaxvoltError
            It is not.
        """
        if self.complaint:
            raise MaxvoltError(self.complaint)
        return self.structure


def relax_side_by_side(
    calculator: Any,
    structures: Sequence[Atoms],
    *,
    force_tolerance: float,
    max_steps: int,
    only_normal: bool = False,
    with_height: bool = False,
) -> list[Attempt]:
    """Try to relax structures, each to its own minimum.

    A potential of this package evaluates all of them in one call; other calculators have one after
    the other.

    Parameters
    ----------
    calculator
        Any ASE calculator.
    structures
        Periodic in three directions where the height is relaxed.
    force_tolerance : eV/Angstrom
        Largest force left on an atom.
    max_steps
        Evaluations after which a relaxation ends.
    only_normal
        Whether atoms move along z alone, as in a generalised stacking fault.
    with_height
        Whether cells get higher or lower along z, too; the calculator must give stress.

    Returns
    -------
    attempts
        In the same order; `Attempt.relaxed` gives a relaxed structure, or raises.
    """
    started = [one.copy() for one in structures]
    for atoms in started:
        atoms.set_constraint(
            FixCartesian(range(len(atoms)), mask=(True, True, False)) if only_normal else None
        )
    together = evaluator_of(calculator).together
    ended: list[RelaxationOutcome] = []
    for part in [started] if together else [[one] for one in started]:
        if not part:
            continue
        scenario = Relaxation(
            "a property",
            Dataset.from_atoms(part),
            cell=with_height,
            strains=_HEIGHT_ALONE,
            force_tolerance=force_tolerance,
            stress_tolerance=_STRESS_TOLERANCE,
            max_steps=max_steps,
            limits=_LIMITS,
        )
        outcomes = [one.outcome for one in scenario.iterate(calculator, _NEVER)]
        ended += sorted(outcomes, key=lambda one: one.index)
    return [_attempt(one, force_tolerance) for one in ended]


def _attempt(outcome: RelaxationOutcome, force_tolerance: float) -> Attempt:
    atoms = outcome.structure
    atoms.set_constraint()
    if outcome.reason is StopReason.CONVERGED:
        return Attempt(atoms, "", True)
    left = ""
    if atoms.calc is not None:
        force = float(np.linalg.norm(atoms.get_forces(), axis=1).max())
        left = f" (a force of {force:.3g} eV/A is left, tolerance {force_tolerance:g})"
    complaint = (
        f"relaxation of {atoms.get_chemical_formula()}: {outcome.message}{left}; raise max_steps "
        "or force_tolerance, or look how far the potential extrapolates"
    )
    return Attempt(atoms, complaint, not outcome.reason.is_break)
