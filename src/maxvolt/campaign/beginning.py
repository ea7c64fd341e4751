"""The beginning of an iteration: its settings are fixed, and what an edit has made stale goes."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from maxvolt.campaign.changes import changed_settings
from maxvolt.campaign.events import Event
from maxvolt.campaign.folder import IterationFolder
from maxvolt.campaign.planning import Past, Plan, what_counts
from maxvolt.campaign.settings import Settings
from maxvolt.campaign.storage import DamagedError
from maxvolt.campaign.surroundings import Surroundings
from maxvolt.files import make_folder

__all__ = ["begin_iteration", "remove_remains"]


def begin_iteration(
    surroundings: Surroundings, folder: IterationFolder, plan: Plan, past: Sequence[Past]
) -> None:
    """Write the settings of an iteration down; say what changed since those used last.

    An iteration that a kill has cut short goes on with the file as it is now. Where that differs,
    results of scenarios that are not affected still count; everything else is made again, as it is
    where its settings are lost.
    """
    settings, used = plan.settings, _used(folder)
    begun = used is not None
    before = used if used is not None else past[-1].settings if past else None
    changes = []
    if before is not None and before.stage.name == settings.stage.name:
        changes = changed_settings(before, settings)
    make_folder(folder.path)
    if used is None or what_counts(used) != what_counts(settings):
        _remove_stale(folder)
    if used != settings:
        folder.write_settings(settings)
    where = (folder.number, settings.stage.name)
    if not begun:
        content = {"kind": plan.kind, "reason": plan.reason}
        surroundings.record(Event("iteration", *where, content))
    else:
        surroundings.tell(Event("iteration", *where, {"kind": plan.kind, "reason": "goes on"}))
    if changes:
        surroundings.record(Event("settings changed", *where, {"changes": changes}))


def _used(folder: IterationFolder) -> Settings | None:
    """Settings with which an iteration was begun, None where it was not or they are lost."""
    try:
        return folder.settings()
    except DamagedError:
        return None


def remove_remains(folder: Path) -> None:
    """Remove files that a kill has left half written; nothing refers to them."""
    for pattern in (".*.tmp*", "iterations/**/.*.tmp*"):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)


def _remove_stale(folder: IterationFolder) -> None:
    for path in folder.path.iterdir():
        if path not in (folder.settings_file, folder.sampling):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
