"""From the scenarios of a campaign file to those that run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from maxvolt.campaign.record.fingerprints import derived_seed, fingerprint
from maxvolt.campaign.settings.scenario_sections import (
    DynamicsSection,
    LammpsSection,
    LimitsSection,
    RelaxationSection,
    ScenarioSection,
    SearchSection,
)
from maxvolt.campaign.steps.structures import Structures
from maxvolt.dataset import Dataset
from maxvolt.sampling import (
    Limits,
    MolecularDynamics,
    Relaxation,
    Scenario,
    Schedule,
    hold,
    parse_schedule,
)
from maxvolt.sampling.lammps import LammpsDynamics, Template
from maxvolt.search import StructureSearch
from maxvolt.units import GPA_PER_EV_A3

__all__ = ["scenario_fingerprint", "scenario_parts"]


def scenario_parts(sections: Sequence[ScenarioSection], made: Structures) -> list[Scenario]:
    """Every part of every scenario, in the order of the file.

    Parameters
    ----------
    sections
        Tables of [[scenario]].
    made
        Structures that they start from.
    """
    parts: list[Scenario] = []
    for section in sections:
        if isinstance(section, SearchSection):
            parts += _search(section, made).split()
            continue
        structures = made.named(section.structure)
        if isinstance(section, DynamicsSection):
            parts += _dynamics(section, structures).split()
        elif isinstance(section, LammpsSection):
            parts += _in_lammps(section, structures, made.root).split()
        else:
            parts += _relaxation(section, structures).split()
    return parts


def scenario_fingerprint(scenario: Scenario) -> str:
    """Hash of everything that a scenario's course depends on."""
    described: list[Any] = [type(scenario).__name__]
    for field in fields(scenario):  # type: ignore[arg-type]
        if _is_newer(scenario, field.name):
            continue
        value = getattr(scenario, field.name)
        described += [field.name, value if isinstance(value, Dataset) else repr(value)]
    return fingerprint(described)


def _is_newer(scenario: Scenario, name: str) -> bool:
    """Whether a setting changes nothing, and did not exist when older campaigns ran."""
    return (
        isinstance(scenario, MolecularDynamics)
        and name == "grade_every"
        and scenario.grade_every == 1
    )


def _dynamics(section: DynamicsSection, structures: Dataset) -> MolecularDynamics:
    temperature = _schedule(section.temperature)
    copies = Dataset.concatenate([structures] * section.copies)
    return MolecularDynamics(
        name=section.name,
        structures=copies,
        steps=temperature.steps if section.steps is None else section.steps,
        temperature=temperature,
        ensemble=section.ensemble,
        thermostat=section.thermostat,
        pressure=_schedule(section.pressure, 1 / GPA_PER_EV_A3),
        cell=None if section.strain is None else _schedule(section.strain),
        timestep_fs=section.timestep_fs,
        initial_temperature=section.initial_temperature,
        thermostat_time_fs=section.thermostat_time_fs,
        barostat_time_fs=section.barostat_time_fs,
        bulk_modulus=section.bulk_modulus / GPA_PER_EV_A3,
        shape=section.shape,
        record_every=section.record_every,
        limits=_limits(section.limits),
        grade_every=section.grade_every,
    )


def _relaxation(section: RelaxationSection, structures: Dataset) -> Relaxation:
    return Relaxation(
        name=section.name,
        structures=structures,
        pressure=section.pressure / GPA_PER_EV_A3,
        force_tolerance=section.force_tolerance,
        stress_tolerance=section.stress_tolerance / GPA_PER_EV_A3,
        cell=section.cell,
        max_steps=section.max_steps,
        record_every=section.record_every,
        limits=_limits(section.limits),
    )


def _search(section: SearchSection, made: Structures) -> StructureSearch:
    seed = derived_seed(made.seed, "search", section.name)
    return StructureSearch(
        name=section.name,
        settings=section.settings(made.species, seed),
        copies=section.copies,
        break_share=section.break_share,
        seeds=None if section.structure is None else made.named(section.structure),
    )


def _in_lammps(section: LammpsSection, structures: Dataset, root: Path) -> LammpsDynamics:
    pressure, template = section.pressure, Template.read(root / section.template)
    return LammpsDynamics(
        name=section.name,
        structures=Dataset.concatenate([structures] * section.copies),
        template=template,
        steps=section.steps,
        temperature=section.temperature,
        pressure=None if pressure is None else pressure / GPA_PER_EV_A3,
        timestep_fs=section.timestep_fs,
        variables=section.variables,
        # Where it is not used it must not make results of a folder that was moved stale.
        folder=str(root.resolve()) if "folder" in template.uses else "",
        record_every=section.record_every,
        grade_every=section.grade_every,
        limits=_limits(section.limits),
        ranks=section.ranks,
        command=section.command,
        timeout=section.timeout,
    )


def _schedule(value: float | str, factor: float = 1.0) -> Schedule:
    if not isinstance(value, str):
        return hold(factor * value)
    return parse_schedule(value).scaled(factor)


def _limits(section: LimitsSection) -> Limits:
    return Limits(minimum_distance=section.minimum_distance, isolation=section.isolation)
