"""Damaged files of complete iterations: found before anything uses them, and made again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from maxvolt.campaign.iteration import run_iteration
from maxvolt.campaign.planning import iteration_kind
from maxvolt.campaign.record.folder import IterationFolder
from maxvolt.campaign.record.history import CompleteIteration, state_after
from maxvolt.campaign.record.integrity import damaged_files
from maxvolt.campaign.record.journal import Event
from maxvolt.campaign.record.storage import DamagedError
from maxvolt.campaign.settings.stages import Settings
from maxvolt.campaign.steps.context import RunContext
from maxvolt.campaign.steps.step_runner import Remake, StepRunner
from maxvolt.errors import CampaignError

__all__ = ["repair"]


def repair(context: RunContext, start: Callable[[], None]) -> None:
    """Make damaged files of complete iterations again, each with the settings it had.

    Every step is a function of the files before it, so that the same bits come out. An outcome that
    is missing in the middle counts as damaged; the last one belongs to an iteration that goes on.

    Parameters
    ----------
    context
        Of the campaign.
    start
        Called before the first of them is made.

    Raises
    ------
    CampaignError
        A file cannot be made again; the message says what to do.
    """
    iterations = context.folder.iterations()
    _check_gaps(context.folder.path / "iterations", len(iterations))
    last = max((one.number for one in iterations if one.is_complete), default=-1)
    past: list[CompleteIteration] = []
    for folder in iterations[: last + 1]:
        settings = _settings(folder)
        damaged = damaged_files(folder)
        if damaged:
            start()
            _remake(context, folder, settings, past, damaged)
        past.append(CompleteIteration(settings, folder.outcome()))


def _remake(
    context: RunContext,
    folder: IterationFolder,
    settings: Settings,
    past: Sequence[CompleteIteration],
    damaged: Sequence[Path],
) -> None:
    names = [str(path.relative_to(context.folder.path)) for path in damaged]
    stage = settings.stage.name
    context.record(Event("damaged", folder.number, stage, {"files": names}))
    if folder.settings_file in damaged:
        folder.write_settings(settings)
    if damaged == [folder.settings_file]:
        return
    remake = Remake(
        write_outcome=folder.outcome_file in damaged,
        labels_total=_labels_total(context, folder),
    )
    state = state_after(context.folder, past, settings)
    runner = StepRunner(context, folder, settings, state, remake)
    run_iteration(runner, iteration_kind(past, settings))
    left = damaged_files(folder)
    if left:
        raise CampaignError(f"{left[0]}: damaged, and could not be made again; {_advice(folder)}")


def _labels_total(context: RunContext, folder: IterationFolder) -> int | None:
    """Labels at the end of an iteration, which journal or next one tell; None: those of now."""
    for line in context.folder.journal():
        if line["event"] == "outcome" and line.get("iteration") == folder.number:
            return int(line["n_labels_total"])
    try:
        row = context.folder.iteration(folder.number + 1).outcome()
    except DamagedError:
        return None
    return int(row["n_labels_total"] - row["n_new_labels"])


def _settings(folder: IterationFolder) -> Settings:
    try:
        return folder.settings()
    except DamagedError as damage:
        raise CampaignError(
            f"{folder.settings_file}: damaged, and there is no other copy of it; " + _advice(folder)
        ) from damage


def _check_gaps(folder: Path, n_iterations: int) -> None:
    """Refuse an iteration that is gone while later ones are there; runs made ahead are none."""
    found = [
        IterationFolder(path, int(path.name))
        for path in folder.glob("[0-9]*")
        if path.name.isdigit()
    ]
    if any(one.number > n_iterations and one.is_started for one in found):
        missing = IterationFolder(folder / f"{n_iterations:04d}", n_iterations)
        raise CampaignError(f"{missing.path}: missing, while later ones exist; {_advice(missing)}")


def _advice(folder: IterationFolder) -> str:
    return (
        f"restore it from a copy, or remove {folder.path} and the folders of all later iterations: "
        "the campaign goes on from there, with the labels it has"
    )
