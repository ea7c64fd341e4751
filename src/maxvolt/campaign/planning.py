"""What a campaign does next: a function of what it has done and of the file as it is now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile
from typing import Any

from maxvolt.campaign.record.folder import IterationFolder
from maxvolt.campaign.record.iteration_summary import OPENING, SAMPLING
from maxvolt.campaign.settings.stages import CampaignSettings, Settings
from maxvolt.errors import SettingsError

__all__ = [
    "Action",
    "CompleteIteration",
    "Plan",
    "iteration_kind",
    "plan",
    "read_history",
    "same_reference",
    "what_counts",
]


class Action(StrEnum):
    """What is next."""

    ITERATE = "iterate"
    FINISHED = "finished"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class CompleteIteration:
    """A complete iteration.

    Attributes
    ----------
    settings
        Those it used.
    outcome
        Its row of the table.
    """

    settings: Settings
    outcome: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is next, and why.

    Attributes
    ----------
    action
    reason
        In words.
    settings
        Of the stage that goes on, begins or has ended.
    kind
        Of the iteration to make: opening or sampling.
    """

    action: Action
    reason: str
    settings: Settings
    kind: str = SAMPLING


def read_history(iterations: Sequence[IterationFolder]) -> list[CompleteIteration]:
    """Read the iterations of a campaign up to the first that is not complete."""
    complete = takewhile(lambda one: one.is_complete, iterations)
    return [CompleteIteration(one.settings(), one.outcome()) for one in complete]


def plan(past: Sequence[CompleteIteration], file: CampaignSettings) -> Plan:
    """Decide what is next.

    Raises
    ------
    SettingsError
        The stage that runs is not in the file any more.
    """
    if not past:
        return Plan(Action.ITERATE, "the campaign begins", file.stages[0], OPENING)
    index = _stage_index(past[-1].settings, file)
    settings = file.stages[index]
    reason = _complete(past, settings)
    if reason:
        if index + 1 == len(file.stages):
            return Plan(Action.FINISHED, reason, settings)
        settings = file.stages[index + 1]
        reason = f"stage {settings.stage.name!r} begins"
    elif limit := _limit(past, settings):
        return Plan(Action.STOPPED, limit, settings)
    return Plan(Action.ITERATE, reason, settings, iteration_kind(past, settings))


def _stage_index(settings: Settings, file: CampaignSettings) -> int:
    names = [stage.stage.name for stage in file.stages]
    name = settings.stage.name
    if name not in names:
        raise SettingsError(
            f"{file.path}: the campaign is in stage {name!r}, which the file does not have any "
            f"more (it has {', '.join(map(repr, names))}); give the stage its old name back"
        )
    return names.index(name)


def iteration_kind(past: Sequence[CompleteIteration], settings: Settings) -> str:
    """Whether the next iteration has to label and fit before it can sample.

    So it is at the beginning of a campaign, where a stage sparsifies, and where the potential, the
    fit, the reference or the given structures were changed in the file.
    """
    if not past:
        return OPENING
    before = past[-1].settings
    new_stage = before.stage.name != settings.stage.name
    if new_stage and (settings.stage.sparsify or settings.training):
        return OPENING
    if not new_stage and before.training != settings.training:
        return OPENING
    changed = (
        any(
            getattr(before, name) != getattr(settings, name)
            for name in ("potential", "fit", "validation")
        )
        or not same_reference(before, settings)
        or _grading(before) != _grading(settings)
    )
    return OPENING if changed else SAMPLING


def same_reference(one: Settings, other: Settings) -> bool:
    """Whether two labels of the same structure would be equal."""
    return one.reference.reference().key == other.reference.reference().key


def _grading(settings: Settings) -> tuple[Any, ...]:
    """What the active set in a potential's file depends on."""
    selection = settings.selection
    return selection.strategy, selection.mode, selection.swap, selection.weights


def _complete(past: Sequence[CompleteIteration], settings: Settings) -> str:
    """Say why the stage is complete, "" where it is not."""
    recent = past[-settings.stopping.repeats :]
    if len(recent) < settings.stopping.repeats:
        return ""
    for one in recent:
        if one.outcome["kind"] != SAMPLING or not one.outcome["is_clean"]:
            return ""
        if what_counts(one.settings) != what_counts(settings):
            return ""
    stopping, stage = settings.stopping, settings.stage.name
    if stopping.until == "no extrapolation":
        return f"no scenario of stage {stage!r} extrapolates"
    if stopping.reliability == 1:
        return f"no scenario of stage {stage!r} breaks"
    return f"the scenarios of stage {stage!r} reach a reliability of {stopping.reliability:g}"


def what_counts(settings: Settings) -> Settings:
    """Settings without those that do not change results."""
    return settings.model_copy(
        update={
            "campaign": settings.campaign.model_copy(
                update={"workers": None, "max_iterations": 1, "name": "", "folder": ""}
            ),
            "stopping": settings.stopping.model_copy(
                update={"max_labels": None, "patience": 1, "repeats": 1}
            ),
            "reference": settings.reference.model_copy(
                update={
                    "timeout": None,
                    "retries": 0,
                    "manual": False,
                    "machine": {},
                    "workers": None,
                }
            ),
        }
    )


def _limit(past: Sequence[CompleteIteration], settings: Settings) -> str:
    """Say which limit ends the campaign although scenarios extrapolate, "" where none does."""
    name, stopping = settings.stage.name, settings.stopping
    of_stage = [one.outcome for one in past if one.settings.stage.name == name]
    sampled = [outcome for outcome in of_stage if outcome["kind"] == SAMPLING]
    if len(sampled) >= settings.campaign.max_iterations:
        return (
            f"stage {name!r} has had its {settings.campaign.max_iterations} iterations; raise "
            "max_iterations in [campaign] to go on"
        )
    labels = sum(outcome["n_new_labels"] for outcome in of_stage)
    if stopping.max_labels is not None and labels >= stopping.max_labels:
        return (
            f"stage {name!r} has made {labels} reference calculations; raise max_labels in "
            "[stopping] to go on"
        )
    idle = 0
    for one in reversed(past):
        if one.outcome["n_labelled"] or one.outcome["is_clean"] or one.settings != settings:
            break
        idle += 1
    if idle >= stopping.patience:
        return (
            f"{idle} iterations in succession brought no label "
            f"({past[-1].outcome['reason']}); correct the cause, or raise patience in [stopping]"
        )
    return ""
