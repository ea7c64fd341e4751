"""A campaign of an alloy on a lattice as a table, and its events in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from maxvolt.cli.console import counted, print_table

if TYPE_CHECKING:
    from maxvolt.campaign import CampaignSummary

__all__ = ["describe_lattice_outcome", "describe_walks", "print_lattice_campaign"]

_COLUMNS = (
    "iteration",
    "breaks",
    "largest\ngrade",
    "labelled",
    "training\nset",
    "fit\nmeV/site",
    "held out\nmeV/site",
    "spread\nmeV/site",
)


def print_lattice_campaign(summary: CampaignSummary) -> None:
    """Print the iterations, and what is being done now."""
    ended = f": {summary.reason}" if summary.reason else ""
    print(f"{summary.name}: {summary.status}{ended}")
    print_table(_COLUMNS, [_row(row) for row in summary.iterations])
    labels = summary.iterations[-1]["n_labels_total"] if summary.iterations else 0
    runs = f"program started {counted(summary.runs, 'time')}"
    print(f"{counted(labels, 'reference calculation')}; {runs}")
    for row in summary.iterations:
        if row["n_quarantined"]:
            print(
                f"iteration {row['iteration']}: {counted(row['n_quarantined'], 'arrangement')} "
                "without a label"
            )
    if summary.current is not None:
        done = ", ".join(summary.current.steps)
        print(f"iteration {summary.current.iteration}: {done or 'started'}")


def describe_walks(content: Mapping[str, Any]) -> str:
    """Say in one line how walks ended."""
    return (
        f"{content['n_breaks']} of {counted(content['n_scenarios'], 'walk')} broke, "
        f"{counted(content['n_candidates'], 'candidate')}, largest grade {content['max_grade']:.3g}"
    )


def describe_lattice_outcome(row: Mapping[str, Any]) -> str:
    """Say in one line what came out of an iteration."""
    told = f"iteration {row['iteration']}: {row['reason']}"
    if not row["n_labelled"]:
        return told
    spread = "" if row["spread"] is None else f", spread {1000 * row['spread']:.3g}"
    return (
        f"{told}; {row['n_labelled']} labelled, training set {row['n_training']}: "
        f"{_error(row['training'])} meV/site{spread}"
    )


def _row(row: Mapping[str, Any]) -> list[str]:
    walks = row["n_scenarios"]
    return [
        str(row["iteration"]),
        f"{row['n_breaks']}/{walks}" if walks else "",
        "" if row["max_grade"] is None else f"{row['max_grade']:.3g}",
        f"{row['n_labelled']}/{row['n_labelled'] + row['n_quarantined']}",
        str(row["n_training"]),
        _error(row["training"]),
        _error(row["validation"]),
        "" if row["spread"] is None else f"{1000 * row['spread']:.3g}",
    ]


def _error(errors: Mapping[str, Any] | None) -> str:
    return "" if errors is None else f"{1000 * errors['energy_rmse']:.3g}"
