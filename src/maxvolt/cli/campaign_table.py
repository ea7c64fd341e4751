"""A campaign as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from maxvolt.cli.console import counted, print_table
from maxvolt.cli.lattice_campaign_table import print_lattice_campaign

if TYPE_CHECKING:
    from maxvolt.campaign import CampaignSummary
    from maxvolt.campaign.record.campaign_summary import Current

__all__ = [
    "describe_calibration",
    "describe_change",
    "describe_largest",
    "describe_melting",
    "describe_outcome",
    "print_campaign",
]

_COLUMNS = (
    "iteration",
    "reliability",
    "breaks",
    "largest\ngrade",
    "labelled",
    "training\nset",
    "energy\nmeV/atom",
    "force\nmeV/A",
)
"""Fit into 80 columns; the page has more."""

_MOST_RUNS = 20
"""Runs of scenarios that are named one by one."""

_USUAL = ("fitted", "labelled and fitted")


def print_campaign(summary: CampaignSummary) -> None:
    """Print the iterations, a table for each stage, and what is being done now."""
    if summary.kind == "lattice":
        print_lattice_campaign(summary)
        return
    ended = f": {summary.reason}" if summary.reason else ""
    print(f"{summary.name}: {summary.status}{ended}")
    by_stage: dict[str, list[Mapping[str, Any]]] = {}
    for row in summary.iterations:
        by_stage.setdefault(row["stage"], []).append(row)
    for stage, rows in by_stage.items():
        if len(by_stage) > 1:
            print(f"\nstage {stage!r}")
        by_errors = _by_errors(rows)
        print_table(_columns(rows), [_row(row, by_errors=by_errors) for row in rows])
        if by_errors and any(_largest(row, by_errors=True).startswith("(") for row in rows):
            print("in brackets: largest grades, where expected errors were not calibrated yet")
    found = [row["findings"] for row in summary.iterations if row.get("findings")]
    if found:
        _print_findings(found[-1])
    _print_notes(summary)
    if summary.current is not None:
        _print_current(summary.current)
    if summary.ahead is not None:
        _print_current(summary.ahead, ", begun ahead")


def _print_current(current: Current, how: str = "") -> None:
    """Print what is done of an iteration, and what runs."""
    done = ", ".join([*current.steps, *_runs_done(list(current.scenarios))])
    print(f"iteration {current.iteration}, stage {current.stage}{how}: {done or 'started'}")
    for name, (steps, total) in islice(current.running.items(), _MOST_RUNS):
        print(f"  {name}: step {steps} of {total}")
    if len(current.running) > _MOST_RUNS:
        print(f"  and {len(current.running) - _MOST_RUNS} more are running")


def _runs_done(parts: Sequence[str]) -> list[str]:
    """Name the runs that are done; of many only how many there are of each scenario."""
    if len(parts) <= _MOST_RUNS:
        return [f"{part} done" for part in parts]
    counts = Counter(part.rpartition(".")[0] for part in parts)
    return [f"{counted(number, 'run')} of {name} done" for name, number in counts.items()]


def _by_errors(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether expected errors decided in some iteration."""
    return any(row.get("unit") for row in rows)


def _largest(row: Mapping[str, Any], *, by_errors: bool) -> str:
    """Largest grade or expected error; grades in brackets where others are errors."""
    value = row.get("max_grade")
    if value is None:
        return ""
    return f"({value:.3g})" if by_errors and not row.get("unit") else f"{value:.3g}"


def _columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Headings; where expected errors decided, their column says so."""
    largest = "error\neV/A" if _by_errors(rows) else "largest\ngrade"
    return [largest if name == "largest\ngrade" else name for name in _COLUMNS]


def _print_findings(found: Sequence[Mapping[str, Any]]) -> None:
    """Print the best that searches found last, by the potential of then."""
    from maxvolt.campaign.record.iteration_summary import describe_reference

    rows = [
        (
            one["scenario"],
            one["formula"],
            one["space_group"] or "-",
            f"{one['energy_eV_per_atom']:.4f}",
            f"{1000 * one['height_eV_per_atom']:.1f}",
            describe_reference(one),
        )
        for one in found
    ]
    columns = ("found by", "formula", "space group", "energy\neV/atom", "above hull\nmeV/atom")
    print_table((*columns, "reference\neV/atom"), rows, text_columns=3)


def _print_notes(summary: CampaignSummary) -> None:
    """Say what does not fit into the table."""
    last = summary.iterations[-1] if summary.iterations else None
    labels = 0 if last is None else last["n_labels_total"]
    runs = f"program started {counted(summary.runs, 'time')}"
    print(f"{counted(labels, 'reference calculation')}; {runs}")
    if last is not None and last.get("largest_rank") is not None:
        print(f"active set: rank {last['rank']} of {last['largest_rank']} possible")
    if last is not None and last.get("committee_scales") is not None:
        print(f"grades: {last['committee_scales']}")
    if last is not None and last.get("calibration") is not None:
        print(describe_calibration(last["calibration"]))
    for text in () if last is None else last.get("warnings") or ():
        print(f"warning: {text}")
    for row in summary.iterations:
        if row["reason"] not in _USUAL and not row["is_clean"]:
            print(f"iteration {row['iteration']}: {row['reason']}")
        if row.get("melting") is not None:
            print(f"iteration {row['iteration']}: {describe_melting(row['melting'])}")
    for change in summary.changes:
        print(f"iteration {change['iteration']}: {describe_change(change)}")


def describe_change(change: Mapping[str, Any]) -> str:
    """Say in a few words what was changed."""
    key, before, after = change["key"], change["before"], change["after"]
    if before is None and isinstance(after, dict):
        return f"{key} added"
    if after is None and isinstance(before, dict):
        return f"{key} removed"
    return f"{key}: {before} is now {after}"


def describe_outcome(row: Mapping[str, Any]) -> str:
    """Say in one line what came out of an iteration."""
    parts = [f"iteration {row['iteration']} ({row['stage']})"]
    if row.get("reliability") is not None:
        parts.append(
            f"reliability {_percent(row['reliability'])}, "
            f"{row['n_breaks']} of {row['n_scenarios']} broke"
            + describe_largest(row["max_grade"], row.get("unit", ""))
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


def describe_largest(value: float | None, unit: str) -> str:
    """Say how large the largest grade or expected error was, after a comma; "" without one."""
    if value is None:
        return ""
    if unit:
        return f", largest expected force error {value:.3g} {unit}"
    return f", largest grade {value:.3g}"


def describe_melting(point: Mapping[str, Any]) -> str:
    """Say where the potential melts, and what speaks against the number."""
    told = (
        f"melting point at {point['pressure_GPa']:g} GPa: {point['melting_point_K']:.1f} +- "
        f"{point['error_K']:.1f} K; heat of fusion "
        f"{1e3 * point['heat_of_fusion_eV_per_atom']:.1f} meV/atom"
    )
    return "\n".join([told, *(f"warning: {text}" for text in point["warnings"])])


def describe_calibration(content: Mapping[str, Any]) -> str:
    """Say which errors are expected at the thresholds, or why that is not known."""
    if not content["calibrated"]:
        told = f"expected errors are not calibrated yet: {content['reason']}"
        grades = content.get("grades")
        if grades is None:
            return told
        return f"{told}; until then grades of {grades[0]:g} and {grades[1]:g} decide"
    rows = [
        f"at {row['threshold']}"
        + ("" if row["grade"] is None else f" (grade {row['grade']:.3g})")
        + f" {row['expected_eV_per_A']:.3g} eV/A"
        for row in content["thresholds"]
    ]
    told = f"expected force error by {content['measure']}: {', '.join(rows)}"
    return told + (f"; {content['reason']}" if content["reason"] else "")


def _row(row: Mapping[str, Any], *, by_errors: bool) -> list[str]:
    sampled = row.get("reliability") is not None
    tried = row["n_labelled"] + row["n_quarantined"]
    return [
        str(row["iteration"]),
        _percent(row["reliability"]) if sampled else "",
        f"{row['n_breaks']}/{row['n_scenarios']}" if sampled else "",
        _largest(row, by_errors=by_errors),
        f"{row['n_labelled']}/{tried}",
        "" if row["n_training"] is None else str(row["n_training"]),
        *_errors(row),
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
