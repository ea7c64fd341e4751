"""What a campaign does next: a function of what it has done and of the file as it is now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from maxvolt.campaign.record.history import CompleteIteration
from maxvolt.campaign.record.iteration_summary import IS_STALE, MELTING, OPENING, SAMPLING
from maxvolt.campaign.settings.comparison import (
    same_grades,
    same_reference,
    without_what_changes_no_result,
)
from maxvolt.campaign.settings.stages import CampaignSettings, Settings
from maxvolt.errors import SettingsError

__all__ = [
    "Action",
    "Plan",
    "is_last",
    "iteration_kind",
    "plan",
]


class Action(StrEnum):
    """What is next."""

    ITERATE = "iterate"
    FINISHED = "finished"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is next, and why.

    Attributes
    ----------
    action
    reason
        In words.
    settings
        Of the stage that goes on, starts or has ended.
    kind
        Of the iteration to make: opening, sampling or melting.
    """

    action: Action
    reason: str
    settings: Settings
    kind: str = SAMPLING


def plan(past: Sequence[CompleteIteration], file: CampaignSettings) -> Plan:
    """Decide what is next.

    Raises
    ------
    SettingsError
        The stage that runs is not in the file any more.
    """
    if not past:
        return Plan(Action.ITERATE, "the campaign starts", file.stages[0], OPENING)
    index = _stage_index(past[-1].settings, file)
    settings = file.stages[index]
    reason = _complete(past, settings)
    if reason:
        if index + 1 == len(file.stages):
            return Plan(Action.FINISHED, reason, settings)
        settings = file.stages[index + 1]
        reason = f"stage {settings.stage.name!r} starts"
    elif limit := _limit(past, settings):
        return Plan(Action.STOPPED, limit, settings)
    return Plan(Action.ITERATE, reason, settings, iteration_kind(past, settings))


def _stage_index(settings: Settings, file: CampaignSettings) -> int:
    names = [stage.stage.name for stage in file.stages]
    name = settings.stage.name
    if name not in names:
        raise SettingsError(
            f"{file.path}: the campaign is in stage {name!r}, which the file no longer "
            f"has (it has {', '.join(map(repr, names))}); give the stage its old name back"
        )
    return names.index(name)


def iteration_kind(past: Sequence[CompleteIteration], settings: Settings) -> str:
    """Whether the next iteration has to label and fit before it can sample.

    So it is at the start of a campaign, where a stage sparsifies, and where the potential, the
    fit, the reference or the given structures were changed in the file. A stage that asks for a
    melting point does neither: it takes the potential that is there.
    """
    if not past:
        return OPENING
    if settings.stage.melting is not None:
        return MELTING
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
        or not same_grades(before, settings)
    )
    return OPENING if changed else SAMPLING


def _complete(past: Sequence[CompleteIteration], settings: Settings) -> str:
    """Say why the stage is complete, "" where it is not."""
    repeats = settings.stopping.repeats if settings.stage.melting is None else 1
    recent = past[-repeats:]
    if len(recent) < repeats:
        return ""
    kind = SAMPLING if settings.stage.melting is None else MELTING
    for one in recent:
        if one.outcome["kind"] != kind or not one.outcome["is_clean"]:
            return ""
        if without_what_changes_no_result(one.settings) != without_what_changes_no_result(settings):
            return ""
    stopping, stage = settings.stopping, settings.stage.name
    if kind == MELTING:
        return f"the melting point of stage {stage!r} was found"
    if stopping.until == "no extrapolation":
        return f"no scenario of stage {stage!r} extrapolates"
    if stopping.finished is not None:
        share = f"{100 * stopping.finished:g}%"
        return f"{share} of the runs of each scenario of stage {stage!r}, or more, reach their end"
    if stopping.reliability == 1:
        return f"no scenario of stage {stage!r} breaks"
    return f"the scenarios of stage {stage!r} reach a reliability of {stopping.reliability:g}"


def is_last(past: Sequence[CompleteIteration], settings: Settings) -> bool:
    """Whether the limit of iterations ends the campaign after the one that samples now."""
    return _n_sampled(past, settings.stage.name) + 1 >= settings.campaign.max_iterations


def _of_stage(past: Sequence[CompleteIteration], name: str) -> list[Mapping[str, Any]]:
    return [one.outcome for one in past if one.settings.stage.name == name]


def _n_sampled(past: Sequence[CompleteIteration], name: str) -> int:
    return sum(outcome["kind"] == SAMPLING for outcome in _of_stage(past, name))


def _limit(past: Sequence[CompleteIteration], settings: Settings) -> str:
    """Say which limit ends the campaign although scenarios extrapolate, "" where none does."""
    name, stopping = settings.stage.name, settings.stopping
    of_stage = _of_stage(past, name)
    if _n_sampled(past, name) >= settings.campaign.max_iterations:
        return (
            f"stage {name!r} has reached max_iterations = {settings.campaign.max_iterations}; "
            "raise it in [campaign] to go on"
        )
    labels = sum(outcome["n_new_labels"] for outcome in of_stage)
    if stopping.max_labels is not None and labels >= stopping.max_labels:
        return (
            f"stage {name!r} has reached max_labels = {stopping.max_labels} ({labels} reference "
            "calculations); raise it in [stopping] to go on"
        )
    idle = 0
    for one in reversed(past):
        if one.outcome["n_labelled"] or one.outcome["is_clean"] or one.settings != settings:
            break
        if one.outcome.get(IS_STALE):  # the next runs tell whether the newest potential is at fault
            break
        idle += 1
    if idle >= stopping.patience:
        return (
            f"{idle} iterations in succession gave no new label "
            f"({past[-1].outcome['reason']}); correct the cause, or raise patience in [stopping]"
        )
    return ""
