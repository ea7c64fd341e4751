"""Steps B and C: run every scenario until it ends or its grade breaks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.campaign.record.checkpoints import (
    CHECKPOINT_SUFFIX,
    CheckpointFile,
    Checkpointing,
)
from maxvolt.campaign.record.fingerprints import derived_seed, fingerprint
from maxvolt.campaign.record.heartbeat import Heartbeat
from maxvolt.campaign.record.integrity import inputs_of
from maxvolt.campaign.record.storage import (
    StepResult,
    digest_of_file,
    read_result,
    write_result,
)
from maxvolt.campaign.settings.sections import SelectionSection
from maxvolt.campaign.steps.findings import earlier_findings
from maxvolt.campaign.steps.grading import calculator_of, thresholds_of
from maxvolt.campaign.steps.scenarios import scenario_fingerprint, scenario_parts
from maxvolt.campaign.steps.step_runner import StepRunner
from maxvolt.campaign.steps.structures import Structures
from maxvolt.dataset import Dataset
from maxvolt.errors import CampaignError
from maxvolt.executors.worker import wait_for_file
from maxvolt.sampling import Recorder, SamplingResult, Scenario, TrajectoryState
from maxvolt.sampling.processes import Workers
from maxvolt.sampling.runner import run_tasks
from maxvolt.sampling.workers import Task
from maxvolt.search import StructureSearch
from maxvolt.search.seeds import misfit

__all__ = [
    "Part",
    "PartRecorder",
    "Sampled",
    "parts_to_run",
    "run_parts",
    "run_sampling",
    "tell_part",
]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a scenario to be run, and where its result goes.

    Attributes
    ----------
    scenario
        What is run.
    seed
        Random seed.
    inputs
        Fingerprint of all that the result depends on.
    path
        Where the result goes.
    checkpointing
        How often the state of a simulation is written down, so that it can go on after a kill.
    unit
        Of the grades: "eV/A" where expected errors decide.
    """

    scenario: Scenario
    seed: int
    inputs: str
    path: Path
    checkpointing: Checkpointing = field(default_factory=Checkpointing)
    unit: str = ""

    @property
    def key(self) -> tuple[str, int]:
        """Name and number, which no other part of an iteration has."""
        return self.scenario.name, self.scenario.part

    @property
    def files(self) -> tuple[Path, ...]:
        """All that belongs to it."""
        return self.path, self.state_file, self.journal_file

    @property
    def state_file(self) -> Path:
        """State of the simulation while it runs."""
        return self.path.with_suffix(CHECKPOINT_SUFFIX)

    @property
    def journal_file(self) -> Path:
        """Generations of a search while it runs; one that began with other inputs has another."""
        return self.path.with_suffix(f".{self.inputs}.jsonl")


class PartRecorder(Recorder):
    """Writes the progress, the states and at last the result of a part beside each other."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self.renew_every = part.checkpointing.steps
        self._heartbeat = Heartbeat(part.path, part.scenario.total_steps)
        self.journal = part.journal_file
        self._checkpoint = CheckpointFile(part.state_file, part.inputs, part.checkpointing.seconds)

    def progress(self, steps: int) -> None:
        """Write down how far it has come."""
        self._heartbeat(steps)

    def state(self) -> TrajectoryState | None:
        """Read the last state."""
        return self._checkpoint.read()

    def keep(self, state: Callable[[], TrajectoryState]) -> None:
        """Write a state if it is time."""
        self._checkpoint.keep(state)

    def finish(self, result: SamplingResult) -> None:
        """Write the result; what it took to get there is not needed any more."""
        write_result(self._part.path, _part_result(result, self._part))
        self._checkpoint.remove()
        self._part.journal_file.unlink(missing_ok=True)
        self._heartbeat.remove()


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """What all parts of an iteration have given.

    Attributes
    ----------
    records
        Of each part.
    extrapolative
        Structures they kept for selection.
    findings
        What searches found, by their names.
    """

    records: list[Mapping[str, Any]]
    extrapolative: Dataset
    findings: Mapping[str, Dataset]


def run_sampling(runner: StepRunner) -> Sampled:
    """Run every part, but those that were run ahead."""
    settings, context = runner.settings, runner.context
    parts = _parts(runner)
    context.take_ahead({part.path: part.inputs for part in parts})
    parts = _told(runner, parts)
    tell = partial(tell_part, runner)
    run_parts(parts, runner.state.runs_files, settings.selection, context.pool, tell)
    records, kept = [], []
    findings: dict[str, list[Dataset]] = {}
    for part in parts:  # of thousands of runs the trajectories would not fit into memory
        result = read_result(part.path)
        records.append(result.record)
        kept.append(result.datasets["extrapolative"])
        if isinstance(part.scenario, StructureSearch):
            found = result.datasets.get("findings", Dataset.from_atoms([]))
            findings.setdefault(part.scenario.name, []).append(found)
    runner.seconds["sampling"] = sum(record["seconds"] or 0.0 for record in records)
    return Sampled(
        records,
        Dataset.concatenate(kept),
        {name: Dataset.concatenate(some) for name, some in findings.items()},
    )


def parts_to_run(runner: StepRunner) -> list[Part]:
    """All parts of an iteration; those that are there are told, files of others are removed."""
    return _told(runner, _parts(runner))


def _parts(runner: StepRunner) -> list[Part]:
    made = Structures.of(runner.settings, runner.context.root)
    scenarios = scenario_parts(runner.settings.active_scenarios, made, runner.folder.number)
    return [_part(runner, _going_on(runner, scenario)) for scenario in scenarios]


def _told(runner: StepRunner, parts: list[Part]) -> list[Part]:
    done = [part for part in parts if runner.is_made(part.path, part.inputs)]
    _remove_stale(runner, parts, done)
    for part in done:
        tell_part(runner, part)
    return parts


def tell_part(runner: StepRunner, part: Part) -> None:
    """Write down that a part is done."""
    runner.record_step({"step": "sampling", **read_result(part.path).record})


def _going_on(runner: StepRunner, scenario: Scenario) -> Scenario:
    """A search begins with what it has found before, with another potential.

    Left out is what it does not look for any more, since its settings were changed.
    """
    if not isinstance(scenario, StructureSearch):
        return scenario
    found = earlier_findings(runner, scenario.name)
    if found is None:
        return scenario
    fitting = [k for k, one in enumerate(found) if not misfit(scenario.settings, one)]
    return replace(scenario, seeds=found.select(fitting)) if fitting else scenario


def run_parts(
    parts: Sequence[Part],
    potential_files: Sequence[Path],
    selection: SelectionSection,
    pool: Workers,
    done: Callable[[Part], None],
) -> None:
    """Run all parts whose results are not there, many at once.

    Parameters
    ----------
    parts
        Of all scenarios.
    potential_files
        The potential and, for an active set, its grades.
    selection
        How extrapolation is measured; thresholds.
    pool
        Where they run.
    done
        Called with each part as its result appears, in the order in which they end.

    Raises
    ------
    MaxvoltError
        The potential cannot be read, a result cannot be written: no fault of the scenarios.
    """
    waiting = {part.key: part for part in parts if inputs_of(part.path) != part.inputs}
    thresholds = thresholds_of(potential_files, selection)
    tasks = [
        Task(part.scenario, thresholds, part.seed, partial(PartRecorder, part))
        for part in waiting.values()
    ]
    factory = partial(calculator_of, tuple(potential_files), selection)
    for result in run_tasks(tasks, factory, pool, strict=True):
        part = waiting[result.scenario, result.part]
        wait_for_file(part.path, "which a worker has written")
        done(part)


def _part(runner: StepRunner, scenario: Scenario) -> Part:
    settings, number = runner.settings, runner.folder.number
    name, part = scenario.name, scenario.part
    seed = derived_seed(settings.campaign.seed, settings.stage.name, number, name, part)
    return Part(
        scenario=scenario,
        seed=seed,
        inputs=fingerprint(scenario_fingerprint(scenario), *_grading(runner), seed),
        path=runner.folder.part_file(name, part),
        checkpointing=runner.context.checkpointing,
        unit=thresholds_of(runner.state.runs_files, settings.selection).unit,
    )


def _grading(runner: StepRunner) -> tuple[Any, ...]:
    """What the course of a scenario depends on.

    The potential follows from the number of the iteration, but where runs overlap with fits.
    """
    selection, files = runner.settings.selection, runner.state.runs_files
    used = thresholds_of(files, selection)
    unit = (used.unit,) if used.unit else ()
    digests = [digest_of_file(file) for file in files] if runner.settings.campaign.overlap else []
    return selection.strategy, used.select, used.stop, *unit, *digests


def _remove_stale(runner: StepRunner, parts: Sequence[Part], done: Sequence[Part]) -> None:
    """Remove what is left of scenarios that the file no longer has, and of processes killed."""
    ours = {file for part in parts for file in part.files}
    for part in done:  # a kill may have come between its result and the removal of its state
        ours -= {part.state_file, part.journal_file}
    for stale in sorted(set(runner.folder.sampling.iterdir()) - ours):
        if runner.remake is not None and stale.suffix == ".npz":
            raise CampaignError(
                f"{stale}: its scenario has fewer structures than before, so that damaged files "
                "of this iteration cannot be made again; undo the change"
            )
        stale.unlink()


def _part_result(result: SamplingResult, part: Part) -> StepResult:
    """What is kept of a part."""
    finite = result.grades[np.isfinite(result.grades)]
    arrays: dict[str, NDArray[Any]] = {"grades": result.grades}
    if result.trace is not None:
        arrays |= {"steps": result.trace.steps, "temperatures": result.trace.temperatures}
    record = {
        "inputs": part.inputs,
        "scenario": part.scenario.name,
        "part": part.scenario.part,
        "kind": type(part.scenario).__name__,
        "seed": part.seed,
        "reason": str(result.reason),
        "is_break": result.reason.is_break,
        "message": result.message,
        "steps": result.steps,
        "total_steps": result.total_steps,
        "seconds": result.seconds,
        "n_extrapolative": len(result.extrapolative),
        "max_grade": float(finite.max()) if len(finite) else None,
    }
    if part.unit:
        record["unit"] = part.unit
    datasets = {"extrapolative": result.extrapolative, "last": Dataset.from_atoms([result.last])}
    if result.findings is not None:
        datasets["findings"] = result.findings
    return StepResult(record, datasets, arrays)
