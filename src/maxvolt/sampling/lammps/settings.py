"""What a simulation in LAMMPS is asked to do, checked before it starts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.limits import PRESSURE_GPA, STEPS, TEMPERATURE, TIMESTEP_FS
from maxvolt.sampling.graded_steps import check_steps_between
from maxvolt.sampling.held import constraints_of
from maxvolt.sampling.lammps.template import PAIR, RESERVED, VARIABLES, Template
from maxvolt.sampling.rule import Limits
from maxvolt.units import BAR_PER_GPA, GPA_PER_EV_A3

__all__ = ["DATA", "LammpsSettings"]

_FS_PER_PS = 1e3

_LARGEST_SEED = 900_000_000
"""Of the random numbers of LAMMPS."""

DATA = "structure.data"
"""File of the structure to start from."""

_VARIABLE = re.compile(r"[A-Za-z]\w*")


@dataclass(frozen=True, slots=True, eq=False)
class LammpsSettings:
    """Parameters of `maxvolt.sampling.lammps.LammpsDynamics`, which describes them.

    Raises
    ------
    DataError
        They are impossible, or do not fit the template; the message names the parameter.
    """

    name: str
    structures: Dataset
    template: Template
    steps: int
    temperature: float | None = None
    pressure: float | None = None
    timestep_fs: float | None = None
    variables: Mapping[str, str | float] = field(default_factory=dict)
    folder: str = "."
    record_every: int = 10
    grade_every: int = 1
    limits: Limits = field(default_factory=Limits)
    ranks: int = 1
    command: str | None = None
    timeout: float | None = None
    part: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "structures", Dataset.of(self.structures))
        try:
            self._check_limits()
            check_steps_between(self.record_every, self.grade_every)
            self.template.check_variables({PAIR, "elements", *self.values(0, 0)})
        except DataError as error:
            self._refuse(str(error))
        self._check_numbers()
        self._check_use()
        self._check_structures()

    def values(self, index: int, seed: int) -> dict[str, str]:
        """Give the variables of the template by name, but ``pair``.

        Parameters
        ----------
        index
            Which structure.
        seed
            Random seed of any size.
        """
        periodic = self.structures.pbc[index] if len(self.structures) else (True, True, True)
        return {
            "data": DATA,
            "steps": str(self.steps),
            "seed": str(1 + seed % _LARGEST_SEED),
            "boundary": " ".join("p" if one else "s" for one in periodic),
            "folder": self.folder,
            **self._chosen(),
        }

    def _chosen(self) -> dict[str, str]:
        """Variables that have a value because the scenario says so."""
        pressure, timestep = self.pressure, self.timestep_fs
        numbers = {
            "temperature": self.temperature,
            "pressure": None if pressure is None else pressure * GPA_PER_EV_A3 * BAR_PER_GPA,
            "timestep": None if timestep is None else timestep / _FS_PER_PS,
        }
        texts = {name: f"{value:.15g}" for name, value in numbers.items() if value is not None}
        return texts | {name: str(value) for name, value in self.variables.items()}

    def _check_limits(self) -> None:
        STEPS.check("steps", self.steps, DataError)
        if self.temperature is not None:
            TEMPERATURE.check("temperature", self.temperature, DataError)
        if self.pressure is not None:
            PRESSURE_GPA.check("pressure", self.pressure * GPA_PER_EV_A3, DataError)
        if self.timestep_fs is not None:
            TIMESTEP_FS.check("timestep_fs", self.timestep_fs, DataError)

    def _check_numbers(self) -> None:
        if self.ranks < 1:
            self._refuse(f"ranks must be at least 1, not {self.ranks!r}")
        if self.ranks > 1 and self.command is not None:
            self._refuse("give ranks, or the whole command with its mpiexec, not both")
        for name, value in self.variables.items():
            self._check_variable(name, str(value))

    def _check_variable(self, name: str, value: str) -> None:
        if not _VARIABLE.fullmatch(name) or name.startswith(RESERVED):
            self._refuse(f"variables: {name!r} is no name of letters, digits and _")
        if name in VARIABLES:
            self._refuse(f"variables: {name} has its value from elsewhere; choose another name")
        if set(value) & set('"\n\r&$'):
            self._refuse(f"variables: {name} = {value!r} has characters that LAMMPS would read")

    def _check_use(self) -> None:
        """Refuse what is given and would change nothing."""
        for name in self._chosen():
            if name not in self.template.uses and not self.template.includes:
                self._refuse(
                    f"{name} is given, but {self.template.name} does not use ${{{name}}}; use it "
                    "there, or leave it out here"
                )

    def _check_structures(self) -> None:
        structures, uses = self.structures, self.template.uses
        if not len(structures):
            self._refuse("there is no structure to start from")
        if len(set(structures.digests)) < len(structures) and "seed" not in uses:
            self._refuse(
                f"a structure is run several times, but {self.template.name} does not use "
                "${seed}: all runs would be the same"
            )
        for index in range(len(structures)):
            if constraints_of(structures, index):
                self._refuse(
                    f"structure {index} has constraints, which LAMMPS does not know; hold atoms "
                    "with a group and fix setforce in the template, and remove the constraints"
                )
            if not abs(np.linalg.det(structures.cells[index])) > 0:
                self._refuse(f"structure {index} has no cell, which LAMMPS needs; give it one")
        if not structures.pbc.all() and "boundary" not in uses:
            self._refuse(
                f"a structure is not periodic in three directions; write 'boundary ${{boundary}}' "
                f"into {self.template.name}"
            )

    def _refuse(self, what: str) -> NoReturn:
        raise DataError(f"LAMMPS, scenario {self.name!r}: {what}")
