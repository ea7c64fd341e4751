"""What molecular dynamics is asked to do, checked before it starts."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NoReturn, get_args

import numpy as np

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.limits import DURATION_FS, PRESSURE_GPA, STEPS, STRAIN, TEMPERATURE, TIMESTEP_FS
from maxvolt.sampling.graded_steps import check_steps_between
from maxvolt.sampling.held import check_constraints, constraints_of
from maxvolt.sampling.integrators import Ensemble, Thermostat
from maxvolt.sampling.rule import Limits
from maxvolt.sampling.schedules import Schedule, as_schedule
from maxvolt.units import GPA_PER_EV_A3

__all__ = ["DynamicsSettings"]

_LIMITS = {
    "steps": STEPS,
    "timestep_fs": TIMESTEP_FS,
    "thermostat_time_fs": DURATION_FS,
    "barostat_time_fs": DURATION_FS,
}


@dataclass(frozen=True, slots=True, eq=False)
class DynamicsSettings:
    """Parameters of `maxvolt.sampling.MolecularDynamics`, which describes them.

    Raises
    ------
    DataError
        They are impossible, or contradict each other; the message names the parameter.
    """

    name: str
    structures: Dataset
    steps: int
    temperature: Schedule | float
    ensemble: Ensemble = "nvt"
    thermostat: Thermostat = "langevin"
    pressure: Schedule | float = 0.0
    cell: Schedule | None = None
    timestep_fs: float = 1.0
    initial_temperature: float | None = None
    thermostat_time_fs: float = 100.0
    barostat_time_fs: float = 500.0
    bulk_modulus: float = 100.0 / GPA_PER_EV_A3
    shape: bool = False
    record_every: int = 10
    limits: Limits = field(default_factory=Limits)
    part: int = 0
    grade_every: int = 1
    keep_most: int | None = None

    def __post_init__(self) -> None:
        try:
            structures = check_constraints(self.structures, center=self.ensemble != "npt")
        except DataError as error:
            raise DataError(f"molecular dynamics {self.name!r}: {error}") from error
        object.__setattr__(self, "structures", structures)
        for name in ("temperature", "pressure"):
            schedule = as_schedule(getattr(self, name))
            if schedule.shape != ():
                self._refuse(f"{name} is a number at each step, not {schedule.shape[0]} of them")
            object.__setattr__(self, name, schedule)
        self._check_numbers()
        self._check_ensemble()
        self._check_structures()

    def _refuse(self, what: str) -> NoReturn:
        raise DataError(f"molecular dynamics {self.name!r}: {what}")

    def _check_numbers(self) -> None:
        if not 0 < self.bulk_modulus < math.inf:
            self._refuse(f"bulk_modulus must be a number above 0, not {self.bulk_modulus!r}")
        if self.keep_most is not None and self.keep_most < 1:
            self._refuse(f"keep_most must be at least 1, or None: {self.keep_most!r}")
        try:
            check_steps_between(self.record_every, self.grade_every)
            for name, limit in _LIMITS.items():
                limit.check(name, getattr(self, name), DataError)
            TEMPERATURE.check("the first temperature", self.first_temperature, DataError)
            as_schedule(self.temperature).check("temperature", TEMPERATURE)
            as_schedule(self.pressure).scaled(GPA_PER_EV_A3).check("pressure", PRESSURE_GPA)
            if self.cell is not None:
                self.cell.check("strain", STRAIN)
        except DataError as error:
            self._refuse(str(error))

    def _check_ensemble(self) -> None:
        if self.ensemble not in get_args(Ensemble):
            self._refuse(f"ensemble {self.ensemble!r}; expected nve, nvt or npt")
        if self.thermostat not in get_args(Thermostat):
            self._refuse(f"thermostat {self.thermostat!r}; expected langevin or bussi")
        bussi = self.ensemble == "nvt" and self.thermostat == "bussi"
        if bussi and self.first_temperature == 0:
            self._refuse("the Bussi thermostat scales velocities and cannot start at 0 K")
        pressure = as_schedule(self.pressure)
        for name, meant, given in (
            ("pressure", "npt", pressure.value(0) != 0 or not pressure.is_constant),
            ("shape", "npt", self.shape),
            ("thermostat", "nvt", self.thermostat != "langevin"),
        ):
            if given and self.ensemble != meant:
                self._refuse(f"{name} is for {meant}; it would change nothing in {self.ensemble}")
        if self.cell is None:
            return
        if self.ensemble == "npt":
            self._refuse("the barostat sets the cell; take nvt or nve for a scheduled cell")
        if self.cell.shape not in ((), (6,)):
            self._refuse(f"a strain has one component or six, not {self.cell.shape[0]}")

    def _check_structures(self) -> None:
        if not len(self.structures):
            self._refuse("there is no structure to start from")
        single = np.flatnonzero(self.structures.counts < 2)
        if len(single):
            self._refuse(
                f"structure {single[0]} has one atom, which cannot move relative to itself; repeat "
                "the cell"
            )
        if self.ensemble == "npt":
            for index in range(len(self.structures)):
                self._check_held_in_a_changing_cell(index)
        flat = np.flatnonzero(~self.structures.pbc.all(axis=1))
        if len(flat) and (self.ensemble == "npt" or self.cell is not None):
            self._refuse(
                f"structure {flat[0]} is not periodic in three directions and has no cell to change"
            )

    def _check_held_in_a_changing_cell(self, index: int) -> None:
        """Refuse what cannot simply go along with the cell, as a whole atom that is held does."""
        held: set[int] = set()
        count = int(self.structures.counts[index])
        for record in constraints_of(self.structures, index):
            if record["name"] != "FixAtoms":
                self._refuse(
                    f"structure {index} has the constraint {record['name']}, which npt cannot "
                    "honour; hold whole atoms (FixAtoms), take nvt or nve, or remove it from the "
                    "structure"
                )
            held |= {int(k) % count for k in np.atleast_1d(record["kwargs"]["indices"])}
        if len(held) == count:
            self._refuse(f"structure {index} has no atom that is not held (FixAtoms); free some")

    @property
    def first_temperature(self) -> float:
        """Temperature of the first velocities, K."""
        if self.initial_temperature is not None:
            return self.initial_temperature
        return as_schedule(self.temperature).value(0)
