"""Steps of molecular dynamics without a grade, kept until it is certain that none was needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

__all__ = ["GradesLater", "Ungraded", "UngradedStep"]

_MOST_BYTES = 256 * 2**20
"""Of the steps that are kept; with more of them the next one is graded."""

_ATOM_BYTES = 350
"""Of an atom in a step: positions, momenta, forces, and its neighbours in as far as they changed
since the step before."""


@runtime_checkable
class GradesLater(Protocol):
    """A calculator that can leave grades out, and compute them afterwards."""

    grading: bool
    """Whether grades are computed with energies and forces."""

    def graded_later(self) -> Callable[[], dict[str, Any]] | None:
        """Return what computes the grades of the last structure, at any time; None: it has none."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class UngradedStep:
    """A step as it was.

    Attributes
    ----------
    step
    positions, momenta : shape (N, 3), ASE's units
    cell : shape (3, 3), Angstrom
    results
        Of the calculator, without grades.
    grade
        Computes what is missing.
    """

    step: int
    positions: NDArray[np.float64]
    momenta: NDArray[np.float64]
    cell: NDArray[np.float64]
    results: dict[str, Any]
    grade: Callable[[], dict[str, Any]]

    def bring_back(self, atoms: Atoms, grades: dict[str, Any]) -> None:
        """Let a structure and its calculator be where they were, the grades among the results."""
        atoms.set_cell(self.cell)
        atoms.positions[:] = self.positions
        atoms.set_momenta(self.momenta, apply_constraint=False)
        atoms.calc.atoms = atoms.copy()
        atoms.calc.results = self.results | grades


class Ungraded:
    """The steps since the last graded one.

    Parameters
    ----------
    atoms
        The structure that moves, with its calculator.
    """

    def __init__(self, atoms: Atoms) -> None:
        self._atoms = atoms
        self._calculator = atoms.calc if isinstance(atoms.calc, GradesLater) else None
        self._most = max(1, _MOST_BYTES // (_ATOM_BYTES * len(atoms)))
        self._steps: list[UngradedStep] = []

    @property
    def is_full(self) -> bool:
        """Whether no more should be kept."""
        return len(self._steps) >= self._most

    def switch(self, on: bool) -> None:
        """Have the calculator compute grades, or leave them out where it can."""
        if self._calculator is not None:
            self._calculator.grading = on

    def add(self, step: int, results: dict[str, Any]) -> bool:
        """Keep the structure as it is; False where the calculator has no grades to put off."""
        later = None if self._calculator is None else self._calculator.graded_later()
        if later is None:
            return False
        atoms = self._atoms
        self._steps.append(
            UngradedStep(
                step=step,
                positions=atoms.positions.copy(),
                momenta=atoms.get_momenta(),
                cell=atoms.cell.array.copy(),
                results=results,
                grade=later,
            )
        )
        return True

    def take(self) -> list[UngradedStep]:
        """Give all steps that are kept, and keep them no longer."""
        steps, self._steps = self._steps, []
        return steps
