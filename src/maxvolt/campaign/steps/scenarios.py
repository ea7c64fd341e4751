"""From the scenarios of a campaign file to those that run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from maxvolt.campaign.record.fingerprints import derived_seed, fingerprint
from maxvolt.campaign.settings.drawn_sections import StrainsSection, TemperaturesSection
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
    DrawnDynamics,
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


def scenario_parts(
    sections: Sequence[ScenarioSection], made: Structures, iteration: int = 0
) -> list[Scenario]:
    """Every part of every scenario, in the order of the file.

    Parameters
    ----------
    sections
        Tables of [[scenario]].
    made
        Structures that they start from.
    iteration
        Number of the iteration, from which random starts and schedules are drawn.
    """
    parts: list[Scenario] = []
    for section in sections:
        if isinstance(section, SearchSection):
            parts += _search(section, made).split()
            continue
        if isinstance(section, DynamicsSection):
            parts += _dynamics(section, made, iteration).split()
            continue
        structures = made.named(section.structure)
        if isinstance(section, LammpsSection):
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
        if isinstance(value, MolecularDynamics):
            value = scenario_fingerprint(value)
        described += [field.name, value if isinstance(value, Dataset) else repr(value)]
    return fingerprint(described)


def _is_newer(scenario: Scenario, name: str) -> bool:
    """Whether a setting changes nothing, and did not exist when older campaigns ran."""
    before = {"grade_every": 1, "keep_most": None}
    return (
        isinstance(scenario, MolecularDynamics)
        and name in before
        and getattr(scenario, name) == before[name]
    )


def _dynamics(
    section: DynamicsSection, made: Structures, iteration: int
) -> MolecularDynamics | DrawnDynamics:
    seed = derived_seed(made.seed, "drawn", iteration, section.name)
    boxes = None if section.start is None else section.start.boxes()
    if boxes is not None:
        structures = boxes.draw(seed=seed)
    else:
        assert section.structure is not None  # the section has one of them
        structures = made.named(section.structure)
    if not section.draws:
        return _one_by_one(section, Dataset.concatenate([structures] * section.copies))
    temperature, strain = section.temperature, section.strain
    return DrawnDynamics(
        _one_by_one(section, structures),
        runs=section.copies * len(structures),
        seed=seed,
        boxes=boxes,
        temperatures=temperature.temperatures()
        if isinstance(temperature, TemperaturesSection)
        else None,
        strains=strain.strains() if isinstance(strain, StrainsSection) else None,
    )


def _one_by_one(section: DynamicsSection, structures: Dataset) -> MolecularDynamics:
    """One run of each structure; what is drawn for each is still left out."""
    temperature, strain = section.temperature, section.strain
    if isinstance(temperature, TemperaturesSection):
        temperature = min(np.ravel(temperature.start).tolist())
    if isinstance(strain, StrainsSection):
        strain = None
    schedule = _schedule(temperature)
    return MolecularDynamics(
        name=section.name,
        structures=structures,
        steps=schedule.steps if section.steps is None else section.steps,
        temperature=schedule,
        ensemble=section.ensemble,
        thermostat=section.thermostat,
        pressure=_schedule(section.pressure, 1 / GPA_PER_EV_A3),
        cell=None if strain is None else _schedule(strain),
        timestep_fs=section.timestep_fs,
        initial_temperature=section.initial_temperature,
        thermostat_time_fs=section.thermostat_time_fs,
        barostat_time_fs=section.barostat_time_fs,
        bulk_modulus=section.bulk_modulus / GPA_PER_EV_A3,
        shape=section.shape,
        record_every=section.record_every,
        limits=_limits(section.limits),
        grade_every=section.grade_every,
        keep_most=section.keep_most,
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
