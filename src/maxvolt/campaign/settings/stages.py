"""A campaign file: read, checked, and split into stages."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator

from maxvolt.campaign.settings.executor_sections import (
    DaskSection,
    ExecutorSection,
    LocalSection,
)
from maxvolt.campaign.settings.melting_section import MeltingSection
from maxvolt.campaign.settings.messages import describe_errors
from maxvolt.campaign.settings.scenario_sections import ScenarioSection, SearchSection, part_name
from maxvolt.campaign.settings.sections import (
    FitSection,
    General,
    Name,
    PotentialSection,
    ReferenceSection,
    Section,
    SelectionSection,
    StoppingSection,
)
from maxvolt.campaign.settings.structure_sections import StructureSection, TrainingSection
from maxvolt.errors import MaxvoltError, SettingsError
from maxvolt.executors.resources import ClusterPlan
from maxvolt.fitting.families import training_named, trainings
from maxvolt.labelling.reference import with_files
from maxvolt.limits import SETTINGS_BYTES
from maxvolt.potentials.families import trainable_family
from maxvolt.sections import AddedLater

__all__ = [
    "STAGED",
    "CampaignSettings",
    "Settings",
    "StageHeader",
    "campaign_document",
    "read_settings",
]

STAGED = (
    "potential",
    "selection",
    "fit",
    "training",
    "validation",
    "reference",
    "scenario",
    "stopping",
)
"""Sections that a stage may have of its own."""

_OF_MELTING = ("name", "melting", "potential")
"""Of these, what a stage that finds a melting point depends on."""

_IN_LAMMPS = ("posterior", "grade")
"""Measures of expected errors that LAMMPS computes."""


class StageHeader(Section):
    """What makes a stage."""

    name: Name
    """Name of the stage."""
    sparsify: bool = False
    """Begin with only those structures from which all others are interpolated."""
    scenarios: tuple[Name, ...] | None = None
    """Which of the scenarios run, by default all."""
    melting: Annotated[MeltingSection | None, AddedLater(None)] = None
    """Take the potential of the stages before, and find its melting point; no scenario runs."""


class Settings(Section):
    """Everything that the iterations of one stage depend on.

    The file has the same sections; what a [[stage]] leaves out it takes from above.
    """

    campaign: General = General()
    executor: ExecutorSection = LocalSection()
    """Where scenarios, reference calculations and fits run."""
    stage: StageHeader = StageHeader(name="main")
    structures: dict[Name, StructureSection] = Field(default_factory=dict)
    """Named structures."""
    potential: PotentialSection
    selection: SelectionSection = SelectionSection()
    fit: FitSection = FitSection()
    training: tuple[TrainingSection, ...] = ()
    """Where the first training set comes from; without it, the first candidates are labelled."""
    validation: tuple[TrainingSection, ...] = ()
    """Structures to measure errors on; they are labelled but never trained on."""
    reference: ReferenceSection
    scenario: Annotated[tuple[ScenarioSection, ...], Field(min_length=1)]
    """What the potential is going to be used for."""
    stopping: StoppingSection = StoppingSection()

    @model_validator(mode="after")
    def _names(self) -> Settings:
        names = [scenario.name for scenario in self.scenario]
        files = [part_name(name, 0) for name in names]
        for name, file in zip(names, files, strict=True):
            if files.count(file) > 1:
                raise ValueError(
                    f"two scenarios are called {name!r}, or nearly so; give each its own name"
                )
        if self.stage.scenarios == () and self.stage.melting is None:
            raise ValueError(
                f"stage {self.stage.name!r} runs no scenario; name some in scenarios, or leave it "
                "out to run all"
            )
        for wanted in self.stage.scenarios or ():
            if wanted not in names:
                raise ValueError(
                    f"stage {self.stage.name!r} asks for the scenario {wanted!r}; "
                    f"there is {', '.join(map(repr, names))}"
                )
        named = [(f"scenario {s.name!r}", s.structure) for s in self.scenario if s.structure]
        named += [
            (section, source.structure)
            for section in ("training", "validation")
            for source in getattr(self, section)
            if source.kind == "perturbation"
        ]
        for where, structure in named:
            if structure not in self.structures:
                known = ", ".join(map(repr, self.structures)) or "none yet"
                raise ValueError(
                    f"{where} asks for the structure {structure!r}; add [structures.{structure}] "
                    f"or name one that is there ({known})"
                )
        for search in self.searches(self.scenario):
            self._check_search(search)
        self._check_strategy()
        if self.selection.needs_held_out and not self.validation:
            raise ValueError(
                "scale in [selection] asks for errors on held-out labels: add [[validation]], or "
                "give spreads in physical units: scale = {energy = 0.02, force = 0.2}"
            )
        in_lammps = [scenario.name for scenario in self.scenario if scenario.kind == "lammps"]
        if self.selection.strategy == "committee" and in_lammps:
            raise ValueError(
                f"scenario {in_lammps[0]!r} runs in LAMMPS, which grades by an active set only; "
                'write strategy = "active set" in [selection], or kind = "md" in the scenario'
            )
        self._check_expected_errors(in_lammps)
        self._check_one_potential()
        if isinstance(self.fit.isolated_energies, dict):
            missing = [s for s in self.potential.species if s not in self.fit.isolated_energies]
            if missing:
                raise ValueError(
                    f"isolated_energies in [fit] lacks {', '.join(missing)}; give the energy of "
                    'every species, in eV, or write isolated_energies = "fit"'
                )
        return self

    def _check_strategy(self) -> None:
        """Refuse grades that the potential cannot have."""
        family = trainable_family(self.potential.family)
        if not training_named(family.name).has_active_sets:
            self._check_without_active_sets(f"{family.title}s (family = {family.name!r})")
        if self.selection.strategy == "committee" and self.potential.members < 2:
            raise ValueError(
                'strategy = "committee" needs several potentials: set members = 5 in [potential]'
            )

    def _check_without_active_sets(self, potentials: str) -> None:
        """Refuse what needs an active set."""
        if self.stage.melting is not None:
            raise ValueError(
                f"stage {self.stage.name!r} asks for a melting point, which is found in LAMMPS; "
                f"but LAMMPS does not read {potentials}: leave the stage out"
            )
        if self.selection.strategy == "active set":
            raise ValueError(
                f"{potentials} have no active set, and thus no grades of structures or of atoms by "
                'it: write strategy = "committee" in [selection], whose grades are the spread of '
                f"the members (members in [potential], now {self.potential.members})"
            )
        if self.stage.sparsify:
            raise ValueError(
                f"stage {self.stage.name!r}: sparsify chooses by an active set, and {potentials} "
                "have none: leave it out"
            )

    @property
    def has_lammps(self) -> bool:
        """Whether a scenario that this stage runs is one of LAMMPS."""
        return any(scenario.kind == "lammps" for scenario in self.active_scenarios)

    @property
    def calibrates(self) -> bool:
        """Whether expected force errors are calibrated after each fit."""
        selection = self.selection
        if selection.unit or selection.calibrate is not None:
            return bool(selection.unit or selection.calibrate)
        return selection.grades_atoms and self.potential.members == 1

    def _check_expected_errors(self, in_lammps: Sequence[str]) -> None:
        """Refuse what expected errors cannot be had for."""
        selection = self.selection
        if self.calibrates and self.potential.members > 1:
            raise ValueError(
                "expected force errors are calibrated by cross-validation, which refits one "
                "potential: set members = 1 in [potential], or give thresholds as grades and "
                "leave out calibrate in [selection]"
            )
        if selection.unit and selection.uncertainty not in _IN_LAMMPS and in_lammps:
            raise ValueError(
                f"scenario {in_lammps[0]!r} runs in LAMMPS, which does not compute the measure "
                f'{selection.uncertainty!r}: write uncertainty = "posterior" (or "grade") in '
                '[selection], or kind = "md" in the scenario'
            )

    def _check_one_potential(self) -> None:
        """Refuse an ensemble where one potential is needed."""
        several = self.potential.members > 1
        if several and self.fit.best_of > 1:
            raise ValueError(
                "best_of in [fit] picks one of several fits, and members in [potential] keeps "
                "several: leave out one of them"
            )
        if self.stage.melting is None:
            return
        if several:
            raise ValueError(
                f"stage {self.stage.name!r} asks for the melting point of one potential: set "
                "members = 1 in [potential]"
            )
        self.stage.melting.settings(self.potential.species)

    def _check_search(self, search: SearchSection) -> None:
        """Refuse a search that is impossible, or for elements that the potential does not know."""
        known = self.potential.species
        foreign = [symbol for symbol in search.elements(known) if symbol not in known]
        if foreign:
            raise ValueError(
                f"scenario {search.name!r} searches for {', '.join(foreign)}, but species in "
                f"[potential] has {', '.join(known)} only; add what is missing there"
            )
        try:
            search.settings(known)
        except MaxvoltError as error:
            raise ValueError(f"scenario {search.name!r}: {error}") from error

    @staticmethod
    def searches(scenarios: Sequence[ScenarioSection]) -> list[SearchSection]:
        """Those of some scenarios that are searches."""
        return [one for one in scenarios if isinstance(one, SearchSection)]

    @property
    def active_scenarios(self) -> tuple[ScenarioSection, ...]:
        """Scenarios that this stage runs."""
        if self.stage.melting is not None:
            return ()
        wanted = self.stage.scenarios
        return tuple(s for s in self.scenario if wanted is None or s.name in wanted)


class CampaignSettings(Section):
    """The settings of every stage, in order."""

    path: Path
    stages: tuple[Settings, ...]

    @property
    def general(self) -> General:
        """What concerns the campaign as a whole."""
        return self.stages[0].campaign

    def cluster_plan(self) -> ClusterPlan | None:
        """What there is on a cluster; None where everything runs on this machine."""
        section = self.stages[0].executor
        if not isinstance(section, DaskSection):
            return None
        references = [settings.reference.reference() for settings in self.stages]
        parallel = any(one.code.processes(one.machine) is not None for one in references)
        return section.plan(parallel_reference=parallel)

    @property
    def folder(self) -> Path:
        """Where results go."""
        return self.path.parent / self.general.folder


def read_settings(path: str | Path) -> CampaignSettings:
    """Read and check a campaign file.

    Raises
    ------
    SettingsError
        Names every key at fault, what is expected there and what to do.
    """
    path = Path(path)
    document = campaign_document(path)
    general = document.get("campaign")
    if isinstance(general, dict) and general.get("kind") == "lattice":
        raise SettingsError(
            f"{path}: is a campaign of an alloy on a lattice, which 'maxvolt run' and 'maxvolt "
            "status' know, and maxvolt.campaign.LatticeCampaign; this is for campaigns of "
            "interatomic potentials"
        )
    return settings_of(document, path)


def campaign_document(path: Path) -> dict[str, Any]:
    """Read the tables of a campaign file of whatever kind.

    Raises
    ------
    SettingsError
        It is no TOML file, or cannot be read.
    """
    try:
        with path.open("rb") as stream:
            text = stream.read(SETTINGS_BYTES + 1)
        if len(text) > SETTINGS_BYTES:
            raise SettingsError(
                f"{path}: is larger than {SETTINGS_BYTES} bytes, too large for settings; give the "
                "campaign file"
            )
        return tomllib.loads(text.decode("utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(f"{path}: no such file; check the path") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error}); expected a TOML file") from error
    except RecursionError as error:
        raise SettingsError(f"{path}: its lists or tables are nested too deeply") from error
    except ValueError as error:  # also of numbers of thousands of digits
        raise SettingsError(f"{path}: not valid TOML: {error}; correct that line") from error


def settings_of(document: Mapping[str, Any], path: Path) -> CampaignSettings:
    """Check what a campaign file says; see `read_settings`."""
    document = dict(document)
    stages = document.pop("stage", [])
    if not isinstance(stages, list) or not all(isinstance(stage, dict) for stage in stages):
        raise SettingsError(f"{path}: stage: expected tables; write [[stage]]")
    general = document.get("campaign", {})
    if isinstance(general, dict):
        document["campaign"] = {"name": path.stem, "folder": path.stem, **general}
    found, messages = [], []
    for index, stage in enumerate(stages or [{}]):
        merged = _merged(document, stage, first=index == 0)
        try:
            if isinstance(reference := merged.get("reference"), dict):
                merged["reference"] = with_files(reference, path.parent)
        except MaxvoltError as error:
            messages.append(f"[reference]: {error}")
            continue
        try:
            settings = Settings.model_validate_json(_json(merged, path))
            found.append(settings)
            messages += _of_other_families(settings, merged, index + 1 if stages else None)
        except ValidationError as error:
            own = set(stage) & set(STAGED)
            messages += describe_errors(error, index if stages else None, own, Settings)
    names = [settings.stage.name for settings in found]
    messages += [
        f"[[stage]] name: two stages are called {name!r}; give each its own name"
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    for number, stage in enumerate(stages, start=1):
        messages += _without_effect(number, stage)
    if found and found[0].stage.melting is not None:
        messages.append(
            "[stage 1.melting]: the first stage has no potential yet whose melting point could be "
            "found; put a stage that trains one before it"
        )
    if messages:
        listed = "\n".join(f"  {message}" for message in dict.fromkeys(messages))
        raise SettingsError(f"{path}: cannot be used:\n{listed}")
    return CampaignSettings(path=path, stages=tuple(found))


def _of_other_families(
    settings: Settings, document: Mapping[str, Any], stage: int | None
) -> Iterator[str]:
    """Name keys of ``[fit]`` that fits of potentials of this family do not have."""
    family = trainable_family(settings.potential.family)
    section = "fit" if stage is None else f"stage {stage}.fit"
    without = training_named(family.name).without
    for key in (key for key in document.get("fit", {}) if key in without):
        others = [one for one in trainings() if key not in one.without]
        named = " or ".join(repr(one.section.model_fields["family"].default) for one in others)
        yield (
            f"[{section}] {key}: is not for {family.title}s (family = {family.name!r}) but for "
            f"family = {named}; remove it"
        )


def _without_effect(number: int, stage: Mapping[str, Any]) -> Iterator[str]:
    """Name what a stage asks for in vain, as it only finds a melting point."""
    if "melting" not in stage:
        return
    known = (*STAGED, *StageHeader.model_fields)
    for key in (key for key in stage if key in known and key not in _OF_MELTING):
        if stage[key] is False:
            continue
        where = f"[stage {number}.{key}]" if key in STAGED else f"[stage {number}] {key}"
        yield (
            f"{where}: has no effect beside [stage.melting], as the stage takes the potential that "
            "there is, runs no scenario, labels and fits nothing; remove it, or give it a stage of "
            "its own"
        )


def _merged(
    document: Mapping[str, Any], stage: Mapping[str, Any], *, first: bool
) -> dict[str, Any]:
    """Sections of a stage: its own keys, and those of the file for what it leaves out."""
    merged = dict(document)
    if not first:
        merged.pop("training", None)  # a later stage goes on with the set of the one before
    for name in STAGED:
        if name in stage:
            merged[name] = _over(merged.get(name), stage[name])
    header = {key: value for key, value in stage.items() if key not in STAGED}
    if header or stage:
        merged["stage"] = header
    return merged


def _over(above: Any, own: Any) -> Any:
    """A section of a stage laid over that of the file; lists and values replace it whole."""
    if not (isinstance(above, dict) and isinstance(own, dict)):
        return own
    if "calculator" in own:  # settings belong to their calculator
        above = {key: value for key, value in above.items() if key not in ("settings", "machine")}
    return {**above, **own}


def _json(document: Mapping[str, Any], path: Path) -> str:
    try:
        return json.dumps(document)
    except RecursionError as error:
        raise SettingsError(f"{path}: its lists or tables are nested too deeply") from error
    except TypeError as error:
        raise SettingsError(
            f"{path}: holds a date or time ({error}); write it as text, in quotes"
        ) from error
