"""What was changed in a campaign file between iterations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from maxvolt.campaign.settings import Settings

__all__ = ["changed_settings"]


def changed_settings(before: Settings, after: Settings) -> list[dict[str, Any]]:
    """List what differs: key, before, after.

    None stands for what is absent; a table that is new or gone, such as a scenario, is one entry.
    """
    old = before.model_dump(mode="json", by_alias=True)
    new = after.model_dump(mode="json", by_alias=True)
    return list(_differences(old, new, ""))


def _differences(before: Any, after: Any, key: str) -> Iterator[dict[str, Any]]:
    if before == after:
        return
    old, new = _tables(before), _tables(after)
    if old is None or new is None:
        yield {"key": key, "before": before, "after": after}
        return
    for name in dict.fromkeys([*old, *new]):
        inner = f"{key}.{name}" if key else name
        yield from _differences(old.get(name), new.get(name), inner)


def _tables(value: Any) -> dict[str, Any] | None:
    """Values of a table by key; tables of a list by their names, or their numbers from 1."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return {item.get("name", str(number)): item for number, item in enumerate(value, start=1)}
    return None
