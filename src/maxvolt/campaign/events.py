"""What a campaign tells those who watch it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Callback", "Event"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened.

    Attributes
    ----------
    kind : str
        As in the journal: "started", "iteration", "settings changed", "damaged", "step", "outcome",
        "waiting", "finished"; and "progress", which the journal leaves out.
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
