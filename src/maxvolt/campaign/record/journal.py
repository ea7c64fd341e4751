"""What happens in a campaign: events, and the journal that keeps them.

The journal has one JSON object per line; lines are appended and never changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from maxvolt.appending import append_whole, remove_torn_line
from maxvolt.errors import CampaignError

__all__ = ["Callback", "Event", "Journal", "read_journal"]

_NEEDED = {
    "settings changed": {"iteration", "changes"},
    "finished": {"reason"},
    "stopped": {"reason"},
    "waiting": {"reason"},
}
"""What is read of some events besides their name and time."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened.

    Attributes
    ----------
    kind : str
        As in the journal: "started", "iteration", "settings changed", "damaged", "sampling ahead"
        (runs of this iteration begin before it), "step", "outcome", "waiting", "finished"; and
        "progress" and "looking" (whether another machine still works on the campaign), which the
        journal leaves out.
    iteration : int or None
    stage : str
    content : mapping
        The numbers, as in the journal. Of "progress": ``step``, ``name``, ``done``, ``total``.
    """

    kind: str
    iteration: int | None = None
    stage: str = ""
    content: Mapping[str, Any] = field(default_factory=dict)


Callback = Callable[[Event], None]
"""Called with every event."""


class Journal:
    """Appends events to a file; each is on the disk before `append` returns.

    A line that a kill has cut short is removed when the journal is opened.

    Parameters
    ----------
    path
        The file, made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            remove_torn_line(path)
        except OSError as error:
            raise CampaignError(f"{path}: cannot be used: {error.strerror or error}") from error

    def append(self, event: str, **content: Any) -> Mapping[str, Any]:
        """Write down an event with the time; return the line's content.

        Raises
        ------
        CampaignError
            The line cannot be written; the file is as it was before.
        """
        line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event}
        line |= content
        # A lone surrogate, of a file name that is not text, becomes the escape of JSON.
        text = json.dumps(line, ensure_ascii=False).encode(errors="backslashreplace") + b"\n"
        try:
            append_whole(self.path, text)
        except OSError as error:
            raise CampaignError(
                f"{self.path}: cannot be written: {error.strerror or error}; make it writable, "
                "with room on its disk, and run again"
            ) from error
        return line


def read_journal(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the events of a journal, also of one that is being written.

    Raises
    ------
    CampaignError
        A line is not an event.
    """
    if not path.exists():
        return
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CampaignError(f"{path}: cannot be read: {error.strerror or error}") from error
    whole, _, _ = content.rpartition(b"\n")
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            event = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise CampaignError(
                f"{path}, line {number}: damaged ({error}); remove the line"
            ) from error
        if not _is_event(event):
            raise CampaignError(f"{path}, line {number}: is not an event; remove the line")
        yield event


def _is_event(line: Any) -> bool:
    if not isinstance(line, dict) or not isinstance(line.get("event"), str):
        return False
    return "time" in line and _NEEDED.get(line["event"], set()) <= set(line)
