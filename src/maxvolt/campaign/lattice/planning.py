"""What a campaign on a lattice does next: a function of what it has done and of the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from maxvolt.campaign.lattice.iteration import REFIT
from maxvolt.campaign.lattice.settings import LatticeFile, LatticeSettings
from maxvolt.campaign.planning import Action
from maxvolt.campaign.record.iteration_summary import OPENING, SAMPLING
from maxvolt.errors import SettingsError

__all__ = ["NextIteration", "Past", "check_unchanged", "what_is_next"]

Past = tuple[LatticeSettings, Mapping[str, Any]]
"""Settings of a complete iteration, and its row."""

_SAME = ("potential", "fit", "drawn", "walks", "selection")
"""Sections that must not have changed for an iteration to count towards the end."""


@dataclass(frozen=True, slots=True)
class NextIteration:
    """What is next, and why; `kind` is that of the iteration, where there is one."""

    action: Action
    reason: str
    kind: str = SAMPLING


def what_is_next(past: Sequence[Past], settings: LatticeSettings) -> NextIteration:
    """Decide what is next."""
    if not past:
        return NextIteration(Action.ITERATE, "the campaign starts", OPENING)
    if _is_complete(past, settings):
        none = settings.stopping.until == "no extrapolation"
        return NextIteration(Action.FINISHED, f"no walk {'extrapolates' if none else 'breaks'}")
    limit = _limit(past, settings)
    if limit:
        return NextIteration(Action.STOPPED, limit)
    before = past[-1][0]
    if (before.potential, before.fit) != (settings.potential, settings.fit):
        return NextIteration(Action.ITERATE, "potential or fit have changed", REFIT)
    return NextIteration(Action.ITERATE, "")


def check_unchanged(before: LatticeSettings, file: LatticeFile) -> None:
    """Refuse what would mix labels that do not belong together.

    Parameters
    ----------
    before
        Settings of a complete iteration.
    file
        The campaign file now.

    Raises
    ------
    SettingsError
        Lattice, reference or relaxation have changed.
    """
    settings = file.settings
    same = {
        "[lattice]": before.lattice == settings.lattice,
        "[reference]": before.reference.reference().key == settings.reference.reference().key,
        "[relaxation]": before.relaxation == settings.relaxation,
    }
    changed = [name for name, is_same in same.items() if not is_same]
    if changed:
        raise SettingsError(
            f"{file.path}: {', '.join(changed)}: changed since the campaign began, and its labels "
            "are of what was there before; undo the change, or give another folder in [campaign]"
        )


def _is_complete(past: Sequence[Past], settings: LatticeSettings) -> bool:
    stopping = settings.stopping
    recent = past[-stopping.repeats :]
    return len(recent) == stopping.repeats and all(
        row["kind"] == SAMPLING
        and row["is_clean"]
        and all(getattr(before, name) == getattr(settings, name) for name in _SAME)
        and (before.stopping.until, before.stopping.spread) == (stopping.until, stopping.spread)
        for before, row in recent
    )


def _limit(past: Sequence[Past], settings: LatticeSettings) -> str:
    """Say which limit ends the campaign, "" where none does."""
    stopping, most = settings.stopping, settings.campaign.max_iterations
    if sum(row["kind"] == SAMPLING for _, row in past) >= most:
        return f"max_iterations = {most} is reached; raise it in [campaign] to go on"
    labels = past[-1][1]["n_labels_total"]
    if stopping.max_labels is not None and labels >= stopping.max_labels:
        return (
            f"max_labels = {stopping.max_labels} is reached ({labels} reference calculations); "
            "raise it in [stopping] to go on"
        )
    idle = 0
    for before, row in reversed(past):
        if row["n_labelled"] or row["is_clean"] or row["kind"] != SAMPLING or before != settings:
            break
        idle += 1
    if idle >= stopping.patience:
        return (
            f"{idle} iterations in succession gave no new label ({past[-1][1]['reason']}); correct "
            "the cause, or raise patience in [stopping]"
        )
    return ""
