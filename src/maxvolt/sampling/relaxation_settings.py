"""What a relaxation is asked to do, checked before it starts."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.limits import PRESSURE_GPA, STEPS
from maxvolt.sampling.held import check_constraints
from maxvolt.sampling.rule import Limits
from maxvolt.units import GPA_PER_EV_A3

__all__ = ["RelaxationSettings"]


@dataclass(frozen=True, slots=True, eq=False)
class RelaxationSettings:
    """Parameters of `maxvolt.sampling.Relaxation`, which describes them.

    Raises
    ------
    DataError
        They are impossible, or contradict each other; the message names the parameter.
    """

    name: str
    structures: Dataset
    pressure: float = 0.0
    force_tolerance: float = 1e-3
    stress_tolerance: float = 0.01 / GPA_PER_EV_A3
    cell: bool = True
    strains: tuple[bool, ...] = (True,) * 6
    max_steps: int = 500
    max_step: float = 0.1
    min_step: float = 1e-8
    record_every: int = 10
    limits: Limits = field(default_factory=Limits)
    part: int = 0
    first: int = 0

    def __post_init__(self) -> None:
        try:
            structures = check_constraints(self.structures, center=False)
        except DataError as error:
            raise DataError(f"relaxation {self.name!r}: {error}") from error
        object.__setattr__(self, "structures", structures)
        for name in ("force_tolerance", "stress_tolerance", "max_step", "min_step"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                self._refuse(f"{name} must be a number above 0, not {value!r}")
        if self.record_every < 1:
            self._refuse(f"record_every must be at least 1, not {self.record_every!r}")
        try:
            STEPS.check("max_steps", self.max_steps, DataError)
            PRESSURE_GPA.check("pressure", self.pressure * GPA_PER_EV_A3, DataError)
        except DataError as error:
            self._refuse(str(error))
        if len(self.strains) != 6 or not any(self.strains):
            self._refuse(
                "strains must say of xx, yy, zz, yz, xz, xy which the cell may take, at least one; "
                f"not {self.strains!r}"
            )
        if self.pressure and not self.cell:
            self._refuse("a pressure acts on the cell, which is not relaxed; set cell=True")
        if not len(self.structures):
            self._refuse("there is no structure to relax")
        flat = np.flatnonzero(~self.structures.pbc.all(axis=1))
        if self.cell and len(flat):
            self._refuse(
                f"structure {flat[0]} is not periodic in three directions, so its cell cannot be "
                "relaxed; set cell=False (--fixed-cell)"
            )

    def _refuse(self, what: str) -> NoReturn:
        raise DataError(f"relaxation {self.name!r}: {what}")
