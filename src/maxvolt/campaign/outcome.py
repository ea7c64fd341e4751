"""What came out of an iteration: one row of the campaign's table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["OPENING", "SAMPLING", "is_clean", "sampling_summary"]

OPENING = "opening"
SAMPLING = "sampling"

_OF_A_PART = (
    "scenario",
    "part",
    "kind",
    "reason",
    "is_break",
    "message",
    "steps",
    "total_steps",
    "seconds",
    "max_grade",
    "n_extrapolative",
)


def is_clean(records: Sequence[Mapping[str, Any]], until: str) -> bool:
    """Whether the scenarios found nothing to add.

    Parameters
    ----------
    records
        Of the parts of all scenarios.
    until
        As in [stopping].
    """
    if any(record["is_break"] for record in records):
        return False
    return until == "no break" or not any(record["n_extrapolative"] for record in records)


def sampling_summary(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Numbers of all scenarios together, and of each part."""
    steps = sum(record["steps"] for record in records)
    total = sum(record["total_steps"] for record in records)
    grades = [record["max_grade"] for record in records if record["max_grade"] is not None]
    return {
        "n_scenarios": len(records),
        "n_breaks": sum(bool(record["is_break"]) for record in records),
        "n_extrapolative": sum(record["n_extrapolative"] for record in records),
        "steps": steps,
        "total_steps": total,
        "reliability": steps / total if total else None,
        "max_grade": max(grades, default=None),
        "scenarios": [{key: record[key] for key in _OF_A_PART} for record in records],
    }
