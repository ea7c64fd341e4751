"""What came out of an iteration: one row of the campaign's table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from maxvolt.campaign.settings.sections import StoppingSection
from maxvolt.sampling import Relaxation

__all__ = [
    "FINDINGS",
    "IS_STALE",
    "MELTING",
    "OF_SEARCH",
    "OPENING",
    "REFERENCE_ENERGY",
    "SAMPLING",
    "describe_reference",
    "is_clean",
    "sampling_summary",
]

OPENING = "opening"
SAMPLING = "sampling"
MELTING = "melting"

FINDINGS = "findings"
"""Step, and entry of a row, of what searches have found."""

IS_STALE = "is_stale"
"""Entry of a row, where runs overlap with fits: whether there is a newer potential than theirs."""

OF_SEARCH = "of "
"""Before the name of a search: name of the structures that it has found."""

REFERENCE_ENERGY = "reference_eV_per_atom"
"""Entry of a finding: energy of the labelled structure that resembles it most."""

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


def describe_reference(finding: Mapping[str, Any]) -> str:
    """Energy of the labelled structure that resembles a finding, eV/atom, or why there is none."""
    if finding["labelled"]:
        energy = finding.get(REFERENCE_ENERGY)  # not in folders of earlier versions
        return "labelled" if energy is None else f"{energy:.4f}"
    return "gave no label" if finding.get("refused") else "not asked"


def is_clean(summary: Mapping[str, Any], stopping: StoppingSection) -> bool:
    """Whether the scenarios were done as [stopping] demands.

    Parameters
    ----------
    summary
        As of `sampling_summary`.
    stopping
        What is demanded.
    """
    if stopping.least_reliability == 1 and summary["n_breaks"]:
        return False
    if (summary["reliability"] or 0.0) < stopping.least_reliability:
        return False
    if stopping.finished is not None and min(summary["finished"].values()) < stopping.finished:
        return False
    return stopping.until == "no break" or not summary["n_extrapolative"]


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
        "finished": _finished(records),
        "scenarios": [{key: record[key] for key in _OF_A_PART} for record in records],
    }


def _finished(records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Share of the runs of each scenario that reached their end; of relaxations, of candidates."""
    done: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for record in records:
        name, several = record["scenario"], record["kind"] == Relaxation.__name__
        done[name] += record["steps"] if several else int(not record["is_break"])
        asked[name] += record["total_steps"] if several else 1
    return {name: done[name] / asked[name] for name in asked}
