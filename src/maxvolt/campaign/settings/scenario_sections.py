"""Scenarios of a campaign file: what the potential is going to be used for."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from maxvolt import limits
from maxvolt.campaign.settings.drawn_sections import (
    RandomStartSection,
    StrainsSection,
    TemperaturesSection,
)
from maxvolt.campaign.settings.scenario_limits import LimitsSection
from maxvolt.campaign.settings.search_section import SearchSection
from maxvolt.campaign.settings.sections import Count, Name, Positive, Section, within
from maxvolt.errors import MaxvoltError
from maxvolt.sampling import MolecularDynamics, Relaxation, hold, parse_schedule
from maxvolt.sampling.graded_steps import check_steps_between
from maxvolt.sampling.integrators import Ensemble, Thermostat
from maxvolt.sections import AddedLater
from maxvolt.units import GPA_PER_EV_A3

__all__ = [
    "DynamicsSection",
    "LammpsSection",
    "LimitsSection",
    "RelaxationSection",
    "ScenarioSection",
    "SearchSection",
    "file_name",
    "part_name",
]


def _is_schedule(text: str) -> str:
    try:
        parse_schedule(text)
    except MaxvoltError as error:
        raise ValueError(str(error)) from error
    return text


Schedule = float | Annotated[str, AfterValidator(_is_schedule)]


_DYNAMICS: dict[str, Any] = {one.name: one.default for one in fields(MolecularDynamics)}
_RELAXATION: dict[str, Any] = {one.name: one.default for one in fields(Relaxation)}
"""Defaults, which are those of the scenarios that run."""


class _Scenario(Section):
    name: Name
    """Name of the scenario in tables, on the page and in file names; each needs its own."""
    structure: Name
    """Name of a table of [structures]; each of its structures is run."""
    record_every: Count = _DYNAMICS["record_every"]
    """Steps between structures that are kept for selection; that of a break is kept, too."""
    limits: LimitsSection = LimitsSection()
    """Distances at which it stops."""

    @model_validator(mode="after")
    def _steps_between(self) -> Self:
        try:
            check_steps_between(self.record_every, getattr(self, "grade_every", 1))
        except MaxvoltError as error:
            raise ValueError(str(error)) from error
        return self


class DynamicsSection(_Scenario):
    """Molecular dynamics."""

    kind: Literal["md"]
    structure: Name | None = None  # type: ignore[assignment]
    """Name of a table of [structures]; each of its structures is run."""
    start: Annotated[RandomStartSection | None, AddedLater(None)] = None
    """Instead of `structure`: each run begins with a random one of its own."""
    ensemble: Ensemble = _DYNAMICS["ensemble"]
    """What is kept constant."""
    thermostat: Thermostat = _DYNAMICS["thermostat"]
    """How the temperature is kept in nvt."""
    temperature: Schedule | TemperaturesSection
    """Temperature in Kelvin: a number, a schedule such as "ramp 300 900 2000; hold 900 8000", or
    ranges from which each run draws a schedule of its own."""
    pressure: Schedule = _DYNAMICS["pressure"]
    """External pressure in GPa, for npt: a number or a schedule."""
    strain: Schedule | StrainsSection | None = None
    """Strain of the first cell, the same in all directions: a number or a schedule; or ranges from
    which each run draws an oscillation of its own."""
    steps: Annotated[int, within(limits.STEPS, whole=True)] | None = None
    """Time steps; by default those of the schedule of the temperature."""
    timestep_fs: Annotated[float, within(limits.TIMESTEP_FS)] = _DYNAMICS["timestep_fs"]
    """Time step in femtoseconds."""
    initial_temperature: Annotated[float, within(limits.TEMPERATURE)] | None = None
    """Temperature of the initial velocities, Kelvin; by default the first of `temperature`."""
    thermostat_time_fs: Annotated[float, within(limits.DURATION_FS)] = _DYNAMICS[
        "thermostat_time_fs"
    ]
    """Time constant of the thermostat, femtoseconds."""
    barostat_time_fs: Annotated[float, within(limits.DURATION_FS)] = _DYNAMICS["barostat_time_fs"]
    """Time constant of the barostat, femtoseconds."""
    bulk_modulus: Positive = _DYNAMICS["bulk_modulus"] * GPA_PER_EV_A3
    """Approximate bulk modulus of the material in GPa, for the barostat."""
    shape: bool = _DYNAMICS["shape"]
    """Whether npt changes the shape of the cell, too."""
    grade_every: Count = _DYNAMICS["grade_every"]
    """Steps from one grade to the next; record_every is a multiple of it."""
    keep_most: Annotated[Count | None, AddedLater(None)] = _DYNAMICS["keep_most"]
    """Structures that each run keeps for selection, those of the highest grades; by default all."""
    copies: Annotated[int, within(limits.STRUCTURES, whole=True)] = 1
    """Runs of each structure, or random starts; with different random numbers."""

    @property
    def draws(self) -> bool:
        """Whether each run has a start or a schedule of its own."""
        tables = RandomStartSection | TemperaturesSection | StrainsSection
        return any(isinstance(one, tables) for one in (self.start, self.temperature, self.strain))

    @model_validator(mode="after")
    def _has_start(self) -> DynamicsSection:
        if (self.structure is None) == (self.start is None):
            raise ValueError(
                'give one of structure = "..." and start = {kind = "random", composition = ...}'
            )
        return self

    @model_validator(mode="after")
    def _has_steps(self) -> DynamicsSection:
        if self.steps is None and not isinstance(self.temperature, str):
            raise ValueError("steps is missing; add it, or give temperature as a schedule in text")
        for name, limit in (
            ("temperature", limits.TEMPERATURE),
            ("pressure", limits.PRESSURE_GPA),
            ("strain", limits.STRAIN),
        ):
            value = getattr(self, name)
            if isinstance(value, Section):
                continue
            schedule = parse_schedule(value) if isinstance(value, str) else hold(value or 0.0)
            try:
                schedule.check(name, limit)
            except MaxvoltError as error:
                raise ValueError(str(error)) from error
        return self


class RelaxationSection(_Scenario):
    """Relaxation of every structure of the named set."""

    kind: Literal["relaxation"]
    cell: bool = _RELAXATION["cell"]
    """Relax the cell, too."""
    pressure: Annotated[float, within(limits.PRESSURE_GPA)] = _RELAXATION["pressure"]
    """External pressure in GPa."""
    force_tolerance: Positive = _RELAXATION["force_tolerance"]
    """Largest force left, eV/Angstrom."""
    stress_tolerance: Positive = _RELAXATION["stress_tolerance"] * GPA_PER_EV_A3
    """Largest component of stress plus pressure left, GPa."""
    max_steps: Annotated[int, within(limits.STEPS, whole=True)] = _RELAXATION["max_steps"]
    """Most steps of each structure."""


class LammpsSection(_Scenario):
    """Molecular dynamics in LAMMPS, from an input template."""

    kind: Literal["lammps"]
    template: str
    """Input of LAMMPS with variables, a file relative to the campaign file; see docs/campaigns."""
    steps: Annotated[int, within(limits.STEPS, whole=True)]
    """Time steps, which the template uses as ${steps}."""
    temperature: Annotated[float, within(limits.TEMPERATURE)] | None = None
    """Kelvin, ${temperature} of the template."""
    pressure: Annotated[float, within(limits.PRESSURE_GPA)] | None = None
    """GPa, ${pressure} of the template, there in bar."""
    timestep_fs: Annotated[float, within(limits.TIMESTEP_FS)] | None = None
    """Femtoseconds, ${timestep} of the template, there in picoseconds."""
    variables: dict[str, float | int | str] = Field(default_factory=dict)
    """Further variables of the template and their values."""
    grade_every: Count = 1
    """Steps between structures that are graded; record_every is a multiple of it."""
    copies: Annotated[int, within(limits.STRUCTURES, whole=True)] = 1
    """Runs of each structure, with different random numbers."""
    ranks: Annotated[int, within(limits.WORKERS, whole=True)] = 1
    """MPI ranks of each run; workers in [campaign] is how many runs there are at once."""
    command: str | None = None
    """Words that start LAMMPS, instead of lmp or mpiexec -n RANKS lmp: "srun -n 4 lmp"."""
    timeout: Positive | None = None
    """Seconds that a run may take, by default any number."""


ScenarioSection = Annotated[
    DynamicsSection | RelaxationSection | LammpsSection | SearchSection,
    Field(discriminator="kind"),
]


def part_name(scenario: str, part: int) -> str:
    """Name of the files of a part of a scenario."""
    return f"{file_name(scenario)}.{part}"


def file_name(name: str) -> str:
    """Part of the name of a file for something that the file names."""
    return re.sub(r"[^0-9A-Za-z._+-]", "_", name)
