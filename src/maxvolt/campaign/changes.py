"""What was changed in a campaign file between iterations."""

from __future__ import annotations

from typing import Any

from maxvolt.campaign.settings import Settings

__all__ = ["changed_settings"]


def changed_settings(before: Settings, after: Settings) -> list[dict[str, Any]]:
    """List keys whose values differ: key, before, after; None stands for an absent one."""
    old = _flat(before.model_dump(mode="json", by_alias=True))
    new = _flat(after.model_dump(mode="json", by_alias=True))
    return [
        {"key": key, "before": old.get(key), "after": new.get(key)}
        for key in dict.fromkeys([*old, *new])
        if old.get(key) != new.get(key)
    ]


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Values by dotted keys; entries of lists by their names, or their numbers from 1."""
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        items = [
            (item.get("name", str(number)) if isinstance(item, dict) else str(number), item)
            for number, item in enumerate(value, start=1)
        ]
    else:
        return {prefix: value}
    found: dict[str, Any] = {}
    for key, item in items:
        found |= _flat(item, f"{prefix}.{key}" if prefix else str(key))
    return found
