"""Two versions of the settings: what differs between them, and whether it changes results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from maxvolt.campaign.settings.executor_sections import LocalSection
from maxvolt.campaign.settings.stages import Settings
from maxvolt.sections import Section

__all__ = [
    "changed_settings",
    "same_grades",
    "same_reference",
    "without_what_changes_no_result",
]


def changed_settings(before: Section, after: Section) -> list[dict[str, Any]]:
    """List what differs: key, before, after.

    None stands for what is absent; a table that is new or gone, such as a scenario, is one entry.
    """
    old = before.model_dump(mode="json", by_alias=True)
    new = after.model_dump(mode="json", by_alias=True)
    return list(_differences(old, new, ""))


def same_reference(one: Settings, other: Settings) -> bool:
    """Whether two labels of the same structure would be equal."""
    return one.reference.reference().key == other.reference.reference().key


def same_grades(one: Settings, other: Settings) -> bool:
    """Whether what measures grades and expected errors would be the same for the same potential."""
    names = ["strategy", "mode", "swap", "weights", "scale"]
    names += ["measure"] if one.calibrates else []
    return one.calibrates == other.calibrates and all(
        getattr(one.selection, name) == getattr(other.selection, name) for name in names
    )


def without_what_changes_no_result(settings: Settings) -> Settings:
    """Settings in which all that changes no result has the same value: names, limits, machines."""
    return settings.model_copy(
        update={
            "campaign": settings.campaign.model_copy(
                update={"workers": None, "max_iterations": 1, "name": "", "folder": ""}
            ),
            "executor": LocalSection(),
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
