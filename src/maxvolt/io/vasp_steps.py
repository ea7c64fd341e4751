"""What the readers of VASP's two output files share: ionic steps, and which of them to keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.constraints import CONSTRAINTS_KEY
from maxvolt.dataset import Dataset
from maxvolt.io.read_report import INCOMPLETE, UNCONVERGED, UNREADABLE

__all__ = ["IonicStep", "VaspRun", "largest_meant"]

# MLIP's converters leave the same note.
_LABELLED: Mapping[str, Any] = MappingProxyType({"EFS_by": "VASP"})
_NOT_CONVERGED: Mapping[str, Any] = MappingProxyType({"EFS_by": "VASP_not_converged"})


@dataclass(slots=True)
class IonicStep:
    """One ionic step as far as the file says it; filled in while reading.

    Parameters
    ----------
    cell : shape (3, 3), Angstrom
    positions : shape (N, 3), Angstrom
    forces : shape (N, 3), eV/Angstrom
    energy : eV
        Free energy TOTEN, which is the force-consistent one.
    stress : shape (6,), eV/Angstrom^3
        In the convention of this package.
    electronic_steps
        How many electronic steps were made.
    change : eV
        Change of the energy in the last electronic step; None when the file does not say.
    announced
        What the file says of convergence; None when it says nothing.
    converged
        Whether the electronic steps converged; see `decide`.
    after_response
        Whether the calculation of a linear response was announced before it.
    unreadable
        Whether some number was printed as asterisks or otherwise spoilt.
    """

    cell: NDArray[np.float64] | None = None
    positions: NDArray[np.float64] | None = None
    forces: NDArray[np.float64] | None = None
    energy: float | None = None
    stress: NDArray[np.float64] | None = None
    electronic_steps: int = 0
    change: float | None = None
    announced: bool | None = None
    converged: bool = False
    after_response: bool = False
    unreadable: bool = False

    def decide(self, limit: int | None, tolerance: float | None) -> None:
        """Decide whether the electronic steps converged, by one rule for both files.

        VASP stops when the energy changes by less than EDIFF or when NELM steps are made, and up
        to version 5 says "EDIFF is reached" in both cases. So NELM steps are never convergence,
        even where the last of them happened to be small enough.

        Parameters
        ----------
        limit
            NELM; None when the file does not say.
        tolerance : eV
            The largest EDIFF that the digits of the file may stand for; None when it does not say.
        """
        if limit is not None and self.electronic_steps >= limit:
            self.converged = False
        elif self.announced is not None:
            self.converged = self.announced
        elif self.change is not None and tolerance is not None:
            self.converged = abs(self.change) <= tolerance
        else:
            self.converged = False

    @property
    def is_response(self) -> bool:
        """Whether this is not an ionic step, but iterations of the linear response to one."""
        nothing = self.energy is None and self.forces is None and self.change is None
        return self.after_response and nothing

    def fault(self, keep_unconverged: bool) -> str | None:
        """Return why the step cannot be used; None when it can."""
        if self.unreadable:
            return UNREADABLE
        complete = (self.cell, self.positions, self.forces, self.energy)
        if any(part is None for part in complete):
            return INCOMPLETE
        if not (self.converged or keep_unconverged):
            return UNCONVERGED
        return None


@dataclass(frozen=True, slots=True)
class VaspRun:
    """What one of VASP's output files says.

    Parameters
    ----------
    steps
        All ionic steps.
    numbers : shape (N,)
        Atomic numbers of the atoms, which are the same in all steps.
    species
        Elements in the order of the pseudopotentials; one may have no atoms.
    constraints
        Of all steps, as `maxvolt.constraints` keeps them.
    """

    steps: Sequence[IonicStep]
    numbers: NDArray[np.int32]
    species: tuple[str, ...]
    constraints: Sequence[Mapping[str, Any]]

    def dataset(self, *, keep_unconverged: bool) -> tuple[Dataset, Mapping[str, int]]:
        """Return the usable steps, and how many were dropped for which reason."""
        dropped: Counter[str] = Counter()
        kept: list[IonicStep] = []
        for step in self.steps:
            fault = step.fault(keep_unconverged)
            if fault is None:
                kept.append(step)
            else:
                dropped[fault] += 1
        none = np.empty((0, 3))
        absent = np.full(6, np.nan)
        dataset = Dataset.from_arrays(
            offsets=np.arange(len(kept) + 1) * len(self.numbers),
            numbers=np.tile(self.numbers, len(kept)),
            positions=np.concatenate([none, *(_there(step.positions) for step in kept)]),
            cells=np.array([step.cell for step in kept]).reshape(-1, 3, 3),
            pbc=np.ones((len(kept), 3), np.bool_),
            energies=np.array([step.energy for step in kept], np.float64),
            forces=np.concatenate([none, *(_there(step.forces) for step in kept)]),
            stresses=np.array(
                [absent if step.stress is None else step.stress for step in kept]
            ).reshape(-1, 6),
            infos=[self._info(step) for step in kept],
        )
        return dataset, dict(dropped)

    def _info(self, step: IonicStep) -> Mapping[str, Any]:
        info = _LABELLED if step.converged else _NOT_CONVERGED
        return {**info, CONSTRAINTS_KEY: list(self.constraints)} if self.constraints else info


def largest_meant(text: str) -> float | None:
    """Return the largest number that is printed so; None when it is not a number.

    VASP prints EDIFF with one or few digits: "0.1E-05" may have been 1.49E-6.
    """
    try:
        shown = Decimal(text)
    except InvalidOperation:
        return None
    if not shown.is_finite():
        return None
    return float(shown + Decimal((0, (5,), int(shown.as_tuple().exponent) - 1)))


def _there(array: NDArray[np.float64] | None) -> NDArray[np.float64]:
    assert array is not None  # steps that lack it have been dropped
    return array
