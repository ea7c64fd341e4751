"""Tables of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from maxvolt.campaign.record.iteration_summary import FINDINGS, describe_reference
from maxvolt.report.campaign_page.cost_charts import seconds_per_step
from maxvolt.report.campaign_page.data import CampaignData, Iteration
from maxvolt.report.campaign_page.markup import Markup, element, join
from maxvolt.report.campaign_page.reason_chart import count_reasons
from maxvolt.report.campaign_page.wording import duration, number, per_cent

__all__ = [
    "changes_table",
    "findings_table",
    "iterations_table",
    "misses_table",
    "quarantine_table",
    "reasons_table",
    "runs_table",
    "warnings_table",
]

_MOST_RUNS = 400
"""Rows of the table of runs, the newest."""

_MANY_COLUMNS = 5
"""Columns that a narrow screen does not show side by side."""


def iterations_table(data: CampaignData) -> Markup:
    """Iterations, one a row."""
    columns = (
        "iteration",
        "stage",
        "reliability",
        "breaks",
        "labelled",
        "training set",
        "energy error (meV/atom)",
        "force error (meV/Å)",
        "largest grade or expected error",
        "candidates",
        "selected",
        "labels so far",
        "time",
        "outcome",
    )
    rows = [_iteration_row(one) for one in data.iterations]
    return _table("Iterations", columns, rows, text=(1, 13))


def _iteration_row(one: Iteration) -> list[str]:
    row = one.row
    sampled = one.reliability is not None
    errors: Mapping[str, Any] = row["validation"] or row["training"] or {}
    return [
        str(one.number),
        one.stage,
        per_cent(one.reliability),
        _broke(f"{row['n_breaks']} of {row['n_scenarios']}", row["n_breaks"]) if sampled else "–",
        str(row["n_labelled"]),
        "–" if row["n_training"] is None else str(row["n_training"]),
        number(errors.get("energy_rmse"), 1000.0),
        number(errors.get("force_rmse"), 1000.0),
        _broke(_largest(row.get("max_grade"), one.unit), (row.get("max_grade") or 0) > one.stop),
        str(row["n_candidates"]),
        str(row["n_selected"]) if sampled else "–",
        str(row["n_labels_total"]),
        duration(sum(row["seconds"].values())),
        str(row["reason"]),
    ]


def reasons_table(data: CampaignData) -> Markup:
    """Scenarios: how often they ended for which reason, and how fast they were."""
    counts = count_reasons(data)
    reasons = list(dict.fromkeys(run.ended for run in data.runs))
    sampled = [one for one in data.iterations if one.runs]
    rows = []
    for name, found in counts.items():
        speeds = [s for one in sampled if (s := seconds_per_step(one, name)) is not None]
        speed = f"{1000 * speeds[-1]:.3g}" if speeds else "–"
        rows.append([name, *(str(found[reason]) for reason in reasons), speed])
    columns = ("scenario", *reasons, "ms per step, last")
    return _table("Why scenarios ended", columns, rows, text=(0,))


def runs_table(data: CampaignData) -> Markup:
    """Runs of scenarios, the newest first."""
    rows = [
        [
            str(run.iteration),
            run.scenario if run.part == 0 else f"{run.scenario} ({run.part})",
            _broke(run.ended, run.is_break),
            run.message,
            f"{run.steps:,} of {run.total_steps:,}",
            _largest(run.max_grade, run.unit),
            duration(run.seconds),
        ]
        for run in reversed(data.runs[-_MOST_RUNS:])
    ]
    columns = (
        "iteration",
        "scenario",
        "ended",
        "message",
        "steps",
        "largest grade or expected error",
        "time",
    )
    left_out = len(data.runs) - len(rows)
    title = f"Runs of scenarios ({left_out} older ones left out)" if left_out else "Runs"
    return _table(title, columns, rows, text=(1, 2, 3))


def findings_table(data: CampaignData) -> Markup | None:
    """What searches found last, by the potential and by the reference; None without a search."""
    every = [row[FINDINGS] for row in data.summary.iterations if row.get(FINDINGS)]
    if not every:
        return None
    rows = [
        [
            one["scenario"],
            one["formula"],
            one["space_group"] or "-",
            f"{one['energy_eV_per_atom']:.4f}",
            describe_reference(one),
            f"{1000 * one['height_eV_per_atom']:.1f}",
        ]
        for one in every[-1]
    ]
    columns = (
        *("search", "formula", "space group", "potential, eV/atom", "reference, eV/atom"),
        "above the hull, meV/atom",
    )
    return _table("What searches found last", columns, rows, text=(0, 1, 2))


def quarantine_table(data: CampaignData) -> Markup:
    """Reference calculations that were not used."""
    rows = [[str(one.iteration), str(one.index), one.reason] for one in data.quarantined]
    return _table("Quarantine", ("iteration", "structure", "reason"), rows, text=(2,))


def warnings_table(data: CampaignData) -> Markup | None:
    """What the fits warned of, each warning once; None where there was nothing."""
    first: dict[str, int] = {}
    for one in data.iterations:
        for text in one.row.get("warnings") or ():
            first.setdefault(str(text), one.number)
    if not first:
        return None
    rows = [[str(number), text] for text, number in first.items()]
    return _table("Warnings of fits", ("first in iteration", "warning"), rows, text=(1,))


def misses_table(data: CampaignData) -> Markup | None:
    """Large errors that the thresholds miss, and false alarms; None where it is not known."""
    if data.expected_errors is None:
        return None
    thresholds = data.expected_errors.record["thresholds"]
    rows = [
        [
            str(threshold["threshold"]),
            number(threshold["grade"]),
            number(row["threshold_eV_per_A"]),
            number(row["large_error_eV_per_A"]),
            str(row["atoms"]),
            per_cent(row["missed_atoms"]),
            str(row["structures"]),
            per_cent(row["missed_structures"]),
            str(row["told_structures"]),
            per_cent(row["false_structures"]),
        ]
        for threshold, row in zip(
            thresholds, data.expected_errors.reliability["misses"], strict=True
        )
    ]
    columns = (
        "threshold",
        "grade",
        "expected force error (eV/Å)",
        "large: from (eV/Å)",
        "atoms with a large error",
        "missed",
        "structures with one",
        "missed",
        "structures told",
        "false alarms",
    )
    return _table("Large force errors that the thresholds miss", columns, rows, text=(0,))


def _largest(value: float | None, unit: str) -> str:
    return number(value) + (f" {unit.replace('A', 'Å')}" if unit and value is not None else "")


def changes_table(data: CampaignData) -> Markup:
    """Changes of the settings while the campaign ran."""
    rows = [
        [
            str(one["iteration"]),
            str(one["key"]),
            *("–" if one[when] is None else str(one[when]) for when in ("before", "after")),
        ]
        for one in data.summary.changes
    ]
    columns = ("iteration", "key", "before", "after")
    return _table("Changes of the settings", columns, rows, text=(1, 2, 3))


def _broke(text: str, is_break: object) -> str:
    """Text in the colour of a warning where a potential broke off."""
    return element("span", text, class_="broke") if is_break else text


def _table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], text: Sequence[int]
) -> Markup:
    """A table that scrolls by itself where the screen is narrow."""

    def style(column: int) -> str | None:
        return "text" if column in text else None

    # A unit is not broken at its slash.
    names = [name.replace("/", "/\N{WORD JOINER}") for name in columns]
    head = join(element("th", name, scope="col", class_=style(i)) for i, name in enumerate(names))
    body = join(
        element("tr", join(element("td", cell, class_=style(i)) for i, cell in enumerate(row)))
        for row in rows
    )
    table = element(
        "table",
        element("caption", title),
        element("thead", element("tr", head)),
        element("tbody", body),
    )
    # Reached with the keyboard, so that it can be scrolled without a mouse.
    scrolled = element("div", table, class_="wide", tabindex="0", role="region", aria_label=title)
    if len(columns) < _MANY_COLUMNS:
        return scrolled
    # Shown on narrow screens only, where columns are out of sight.
    hint = element("p", f"{len(columns)} columns: scroll sideways →", class_="scroll-hint")
    return join([hint, scrolled])
