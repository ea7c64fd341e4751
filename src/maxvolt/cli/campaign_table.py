"""A campaign as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from maxvolt.cli.console import counted, print_table

if TYPE_CHECKING:
    from maxvolt.campaign import CampaignSummary

__all__ = ["describe_outcome", "print_campaign"]

_COLUMNS = (
    "iteration",
    "stage",
    "reliability",
    "breaks",
    "largest grade",
    "selected",
    "labelled",
    "quarantined",
    "training set",
    "energy meV/atom",
    "force meV/A",
    "what",
)


def print_campaign(summary: CampaignSummary) -> None:
    """Print the iterations, one a row, and what is being done now."""
    ended = f": {summary.reason}" if summary.reason else ""
    print(f"{summary.name}: {summary.status}{ended}")
    columns = [name for name in _COLUMNS if name != "what"]
    print_table([*columns, "what"], [_row(row) for row in summary.iterations], text_columns=2)
    labels = summary.iterations[-1]["n_labels_total"] if summary.iterations else 0
    runs = f"program started {counted(summary.runs, 'time')}"
    print(f"{counted(labels, 'reference calculation')}; {runs}")
    for change in summary.changes:
        print(
            f"iteration {change['iteration']}: {change['key']} changed from "
            f"{change['before']} to {change['after']}"
        )
    if summary.current is not None:
        current = summary.current
        done = ", ".join([*current.steps, *(f"{name} done" for name in current.scenarios)])
        print(f"iteration {current.iteration}, stage {current.stage}: {done or 'begun'}")
        for name, (steps, total) in current.running.items():
            print(f"  {name}: step {steps} of {total}")


def describe_outcome(row: Mapping[str, Any]) -> str:
    """Say in one line what came out of an iteration."""
    parts = [f"iteration {row['iteration']} ({row['stage']})"]
    if row.get("reliability") is not None:
        grade = row["max_grade"]
        parts.append(
            f"reliability {_percent(row['reliability'])}, "
            f"{row['n_breaks']} of {row['n_scenarios']} broke"
            + ("" if grade is None else f", largest grade {grade:.3g}")
        )
    if row["n_labelled"] or row["n_quarantined"]:
        parts.append(
            f"{row['n_labelled']} labelled"
            + (f", {row['n_quarantined']} quarantined" if row["n_quarantined"] else "")
        )
    if row["n_labelled"]:
        errors = _errors(row)
        parts.append(f"training set {row['n_training']}: {errors[0]} meV/atom, {errors[1]} meV/A")
    else:
        parts.append(str(row["reason"]))
    return "; ".join(parts)


def _row(row: Mapping[str, Any]) -> list[str]:
    sampled = row.get("reliability") is not None
    grade = row.get("max_grade")
    return [
        str(row["iteration"]),
        str(row["stage"]),
        _percent(row["reliability"]) if sampled else "",
        f"{row['n_breaks']}/{row['n_scenarios']}" if sampled else "",
        "" if grade is None else f"{grade:.3g}",
        str(row["n_selected"]) if sampled else "",
        str(row["n_labelled"]),
        str(row["n_quarantined"]),
        "" if row["n_training"] is None else str(row["n_training"]),
        *_errors(row),
        str(row["reason"]),
    ]


def _errors(row: Mapping[str, Any]) -> tuple[str, str]:
    """RMSE of energies and forces: of the validation set where there is one."""
    errors = row["validation"] or row["training"]
    if errors is None:
        return "", ""
    values = (errors["energy_rmse"], errors["force_rmse"])
    energy, force = ("" if value is None else f"{1000 * value:.3g}" for value in values)
    return energy, force


def _percent(value: float) -> str:
    """Reliability in per cent; 100 only where it is 1."""
    text = f"{100 * value:.1f} %"
    return "99.9 %" if text == "100.0 %" and value < 1 else text
