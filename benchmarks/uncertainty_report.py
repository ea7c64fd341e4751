"""Tables and figures of benchmarks/uncertainty.py."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from grades_report import markdown_table, update_page

__all__ = ["write_report"]

SYSTEMS = ("Mo", "W", "NbMoTaW", "Si", "ethanol")
SPLITS = ("exchangeable", "shifted")
MEASURES = {
    "grade": "grade",
    "posterior": "posterior, site energy",
    "posterior forces": "posterior, forces",
    "posterior samples": "5 posterior samples",
    "starts": "5 starts",
    "apart": "5 starts kept apart",
    "weights": "5 random weights",
    "bootstrap": "5 bootstrap samples",
}
LEAST_RANK = 0.7
WANTED_COVERAGE = (0.87, 0.93)

Trials = Sequence[dict[str, Any]]
Row = tuple[str, str, dict[str, Any], dict[str, Any]]


def write_report(found: Trials, output: Path, page: Path) -> None:
    """Write all tables into the page, and the figures beside the results."""
    if not found:
        print("no trial has been measured yet")
        return
    update_page(page, "winners", _winners(found))
    update_page(page, "ranks", _ranks(found))
    update_page(page, "coverage", _coverage(found))
    update_page(page, "misses", _misses(found))
    update_page(page, "spreads", _spreads(found))
    update_page(page, "costs", _costs(found))
    _plot(found, output / "reliability.png")


def _measures(found: Trials, split: str | None = None) -> Iterator[Row]:
    """System, measure, its numbers, its trial; in the order of the tables."""
    for system in SYSTEMS:
        for name in MEASURES:
            for one in found:
                trial = one["trial"]
                if trial["system"] == system and split in (None, trial["split"]):
                    numbers = one["measures"].get(name)
                    if numbers is not None and "refused" not in numbers:
                        yield system, name, numbers, one


def _systems(found: Trials) -> list[str]:
    present = {one["trial"]["system"] for one in found}
    return [system for system in SYSTEMS if system in present]


def _ranks(found: Trials) -> str:
    """Rank correlation of each measure, atoms and structures."""
    tables = []
    for split in SPLITS:
        systems = _systems([one for one in found if one["trial"]["split"] == split])
        if not systems:
            continue
        known = {(system, name): numbers for system, name, numbers, _ in _measures(found, split)}
        rows = []
        for name, title in MEASURES.items():
            cells = [known.get((system, name)) for system in systems]
            if any(cells):
                rows.append([title, *[_pair(one) for one in cells]])
        lengths = [
            next(
                (n["rank_force_length"] for s, _, n, _ in _measures(found, split) if s == one), None
            )
            for one in systems
        ]
        rows.append(["length of the predicted force", *[_number(value) for value in lengths]])
        tables.append(f"**{split}**\n\n{markdown_table(['', *systems], rows)}")
    return "\n\n".join(tables)


def _winners(found: Trials) -> str:
    """The measure with the best rank correlation on each system."""
    rows = []
    for split in SPLITS:
        for system in _systems(found):
            numbers = [(n, one) for s, n, one, _ in _measures(found, split) if s == system]
            if not numbers:
                continue
            cells = [f"{system}, {split}"]
            for key in ("rank_atoms", "rank_structures"):
                name, best = max(numbers, key=lambda one: one[1][key])
                cells += [MEASURES[name], f"{best[key]:.2f}"]
            cells.append(
                "yes" if max(n["rank_structures"] for _, n in numbers) >= LEAST_RANK else "no"
            )
            rows.append(cells)
    return markdown_table(
        ("", "best for atoms", "rank", "best for structures", "rank", f"{LEAST_RANK} reached"), rows
    )


def _coverage(found: Trials) -> str:
    """Share of held-out force errors below their 90 % bounds."""
    rows = []
    for split in SPLITS:
        for system, name, numbers, _ in _measures(found, split):
            values = np.array(numbers["coverage"])
            inside = WANTED_COVERAGE[0] <= values.mean() <= WANTED_COVERAGE[1]
            other = numbers["coverage_of_other_kinds"]
            rows.append(
                (
                    f"{system}, {split}: {MEASURES[name]}",
                    f"{100 * values.mean():.1f} %",
                    f"{100 * values.std(ddof=1):.1f}",
                    "yes" if inside else "no",
                    f"{numbers['bound_over_error']:.1f}",
                    "–" if other is None else f"{100 * other:.0f} %",
                )
            )
    columns = (
        *("", "mean coverage", "over halves ±", "87 to 93 %", "bound over error", "other kinds"),
    )
    return markdown_table(columns, rows)


def _misses(found: Trials) -> str:
    """Badly described structures that the default threshold lets pass."""
    rows = []
    for system, name, numbers, one in _measures(found, "shifted"):
        if numbers["bad"]:
            good = one["held_out"] - numbers["bad"]
            false = numbers["told"] - (numbers["bad"] - numbers["missed"])
            rows.append(
                (
                    f"{system}: {MEASURES[name]}",
                    str(numbers["bad"]),
                    f"{100 * numbers['missed'] / numbers['bad']:.0f} %",
                    "–" if not good else f"{100 * false / good:.0f} %",
                )
            )
    return markdown_table(("", "badly described", "missed at 2", "false alarms at 2"), rows)


def _spreads(found: Trials) -> str:
    """Spread of the members over their error."""
    rows = []
    for split in SPLITS:
        for system, name, _, one in _measures(found, split):
            if one["spread"] is not None:
                warned = any("their spread is no estimate" in text for text in one["warnings"])
                rows.append(
                    (
                        f"{system}, {split}: {MEASURES[name]}",
                        f"{1000 * one['spread']:.3g}",
                        f"{1000 * one['held_out_rmse']:.3g}",
                        f"{one['spread'] / one['held_out_rmse']:.2f}",
                        "yes" if warned else "no",
                    )
                )
    columns = ("", "spread, meV/Å", "error, meV/Å", "spread over error", "warned of")
    return markdown_table(columns, rows)


def _costs(found: Trials) -> str:
    """Seconds of fits, microseconds per atom of measuring."""
    rows = [
        (
            f"{system}: {MEASURES[name]}",
            str(one["training"]),
            str(one["parameters"]),
            f"{one['fit_processor_s']:.0f}",
            f"{numbers['us_per_atom']:.1f}",
        )
        for system, name, numbers, one in _measures(found, "exchangeable")
    ]
    columns = ("", "training", "parameters", "all fits, s", "measuring, µs per atom")
    return markdown_table(columns, rows)


def _pair(numbers: dict[str, Any] | None) -> str:
    if numbers is None:
        return "–"
    return f"{_number(numbers['rank_atoms'])} / {_number(numbers['rank_structures'])}"


def _number(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.2f}"


def _plot(found: Trials, path: Path) -> None:
    """True against expected errors of the exchangeable split, a panel for each system."""
    from matplotlib.figure import Figure

    systems = _systems([one for one in found if one["trial"]["split"] == "exchangeable"])
    if not systems:
        return
    figure = Figure(figsize=(3.4 * len(systems), 3.6), layout="constrained")
    panels = figure.subplots(1, len(systems), squeeze=False)[0]
    for panel, system in zip(panels, systems, strict=True):
        ends: list[float] = []
        for one, name, numbers, _ in _measures(found, "exchangeable"):
            if one == system:
                expected, errors, _ = zip(*numbers["diagram"], strict=True)
                panel.loglog(expected, errors, ".-", label=MEASURES[name], linewidth=1)
                ends += [*expected, *errors]
        panel.plot([min(ends), max(ends)], [min(ends), max(ends)], color="0.5", linewidth=0.8)
        panel.set_title(system)
        panel.set_xlabel("expected force error, eV/Å")
        panel.xaxis.set_minor_formatter("")  # would overlap
    panels[0].set_ylabel("mean force error, eV/Å")
    panels[0].legend(fontsize=6)
    figure.savefig(path, dpi=130)
