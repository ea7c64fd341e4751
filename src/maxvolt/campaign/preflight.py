"""What can be wrong with a campaign file beyond its keys, found before anything is calculated."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from maxvolt.campaign.record.fingerprints import derived_seed
from maxvolt.campaign.settings.melting_section import MeltingSection
from maxvolt.campaign.settings.stages import CampaignSettings, Settings
from maxvolt.campaign.settings.structure_sections import TrainingSection
from maxvolt.campaign.steps.first_structures import first_candidates, named_by_scenarios
from maxvolt.campaign.steps.scenarios import scenario_parts
from maxvolt.campaign.steps.structures import Structures
from maxvolt.dataset import Dataset
from maxvolt.errors import MaxvoltError, SettingsError
from maxvolt.executors.cluster import LOGS
from maxvolt.executors.extra import check_extra
from maxvolt.executors.job_scripts import JobMaker
from maxvolt.executors.queues import check_programs
from maxvolt.executors.resources import ClusterPlan
from maxvolt.fitting.families import training_named
from maxvolt.labelling import check_reference
from maxvolt.sampling import DrawnDynamics, Scenario
from maxvolt.sampling.lammps import LammpsDynamics
from maxvolt.sampling.lammps.program import find_program
from maxvolt.search import StructureSearch

__all__ = ["check_campaign"]


def check_campaign(
    file: CampaignSettings, root: Path, *, here: bool, cluster: ClusterPlan | None = None
) -> None:
    """Make all structures and scenarios of a campaign, and look for what its references need.

    Parameters
    ----------
    file
        The settings.
    root
        Folder that the names of files are relative to.
    here
        Whether simulations and reference calculations run on this machine.
    cluster
        What the campaign asks of a cluster, if it does.

    Raises
    ------
    SettingsError
        Names every section at fault.
    """
    messages = [] if cluster is None else _cluster_messages(cluster)
    for number, settings in enumerate(file.stages):
        stage = f"stage {settings.stage.name!r}, " if len(file.stages) > 1 else ""
        found = _Check(settings, root, here).messages(first=number == 0)
        messages += [f"{stage}{message}" for message in found]
    if messages:
        listed = "\n".join(f"  {message}" for message in messages)
        raise SettingsError(f"{file.path}: cannot be used:\n{listed}")


def _cluster_messages(plan: ClusterPlan) -> list[str]:
    """Say what is missing to run on a cluster."""
    known = [name for _, name in socket.if_nameindex()]
    if plan.interface is not None and plan.interface not in known:
        return [
            f"[executor]: this machine has no network interface {plan.interface!r}; name one of "
            f"{', '.join(known)}"
        ]
    try:
        check_extra()
        if plan.has_queue:
            check_programs(plan.scheduler)
            maker = JobMaker(plan, Path(LOGS))
            for pool in plan.pools:
                maker.script(pool)
    except MaxvoltError as error:
        return [str(error)]
    return []


class _Check:
    """The settings of one stage, tried out."""

    def __init__(self, settings: Settings, root: Path, here: bool) -> None:
        self._settings = settings
        self._made = Structures.of(settings, root)
        self._here = here
        self._has_reference = here and not settings.reference.manual
        self._messages: list[str] = []
        self._elements: set[str] = set()

    def messages(self, *, first: bool) -> list[str]:
        """Say what is wrong; the first stage has to begin with some structure."""
        settings = self._settings
        usable = {name for name in self._wanted() if self._structures(name)}
        if first and not settings.training and usable.issuperset(named_by_scenarios(settings)):
            with self._noting("[training]"):
                first_candidates(settings, self._made)
        for scenario in settings.active_scenarios:
            if scenario.structure is None or scenario.structure in usable:
                where = f"[scenario {settings.scenario.index(scenario) + 1}]"
                with self._noting(where):
                    self._try(where, scenario_parts([scenario], self._made))
        for section, sources in (
            ("training", settings.training),
            ("validation", settings.validation),
        ):
            for number, source in enumerate(sources, start=1):
                if source.kind == "perturbation" and source.structure not in usable:
                    continue
                seed = derived_seed(settings.campaign.seed, section, number)
                self._species(
                    f"[{section} {number}]",
                    partial(self._of_source, source, seed),
                )
        if settings.stage.melting is not None:
            self._try_to_melt(settings.stage.melting)
        elif self._here and (check := training_named(settings.potential.family).check_machine):
            with self._noting("[potential]"):
                check(settings.fit.settings(settings.potential.members))
        if settings.stage.melting is None and self._has_reference and not self._messages:
            with self._noting("[reference]"):
                check_reference(settings.reference.reference(), sorted(self._elements))
        return self._messages

    def _try(self, where: str, parts: Sequence[Scenario]) -> None:
        """Let LAMMPS read the input of a scenario, fill a box, look for what a search needs."""
        first = parts[0]
        if isinstance(first, DrawnDynamics) and (boxes := first.boxes) is not None:
            self._species(where, lambda: Dataset.from_atoms([boxes.densest()]))
        if isinstance(first, StructureSearch):
            self._elements.update(first.settings.species)
            if self._here:
                first.check()
        if self._here and isinstance(first, LammpsDynamics):
            settings = self._settings
            first.check(settings.potential.species, settings.selection.grade_thresholds)

    def _try_to_melt(self, section: MeltingSection) -> None:
        """Look for LAMMPS, where simulations run on this machine."""
        if self._here:
            with self._noting("[stage.melting]"):
                find_program(section.ranks, section.command)

    def _wanted(self) -> list[str]:
        """Named structures that this stage uses, each once."""
        settings = self._settings
        names = named_by_scenarios(settings)
        for source in (*settings.training, *settings.validation):
            if source.kind == "perturbation":
                names.append(source.structure)
        return list(dict.fromkeys(names))

    def _structures(self, name: str) -> bool:
        return self._species(f"[structures.{name}]", partial(self._made.named, name))

    def _of_source(self, source: TrainingSection, seed: int) -> Dataset:
        return self._made.of_sources([source], seed)[0]

    def _species(self, where: str, make: Callable[[], Dataset]) -> bool:
        """Whether structures can be made, of elements that the potential knows."""
        found: tuple[str, ...] = ()
        before = len(self._messages)
        with self._noting(where):
            found = tuple(make().species)
        known = self._settings.potential.species
        foreign = [symbol for symbol in found if symbol not in known]
        if foreign:
            self._messages.append(
                f"{where}: holds {', '.join(foreign)}, but species in [potential] has "
                f"{', '.join(known)} only; add what is missing there"
            )
        self._elements.update(found)
        return len(self._messages) == before

    @contextmanager
    def _noting(self, where: str) -> Iterator[None]:
        try:
            yield
        except MaxvoltError as error:
            self._messages.append(f"{where}: {error}")
