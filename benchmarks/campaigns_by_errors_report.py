"""Tables and figure of benchmarks/campaigns_by_errors.py."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from grades_report import markdown_table, update_page

__all__ = ["labels_needed", "write_report"]

DRIVERS = ("grades", "errors by grade", "errors by posterior")
TESTS = {"scenarios": "in the scenarios", "out_of_equilibrium": "out of equilibrium"}
FACTORS = (3.0, 1.5, 1.1)
"""Errors to be reached, over the median of the last errors of the campaigns by grades."""
_COLOURS = dict(zip(DRIVERS, ("tab:blue", "tab:orange", "tab:green"), strict=True))

Campaigns = Sequence[dict[str, Any]]


def write_report(found: Campaigns, output: Path, page: Path) -> None:
    """Write all tables into the page, and the figure beside the results."""
    if not found:
        print("no campaign has ended yet")
        return
    systems = list(dict.fromkeys(one["system"] for one in found))
    update_page(page, "labels", _labels(found, systems))
    update_page(page, "ends", _ends(found, systems))
    update_page(page, "times", _times(found, systems))
    _draw(found, systems, output / "campaigns.png")


def labels_needed(points: Sequence[dict[str, Any]], test: str, error: float) -> float:
    """Labels from which on an error is not larger, to the end; infinite where that never is."""
    needed = math.inf
    for point in reversed(points):
        if point[test] > error:
            break
        needed = point["labels"]
    return needed


def _of(found: Campaigns, system: str, driver: str) -> list[dict[str, Any]]:
    return [one for one in found if (one["system"], one["driver"]) == (system, driver)]


def _labels(found: Campaigns, systems: Sequence[str]) -> str:
    """Labels to equal force errors."""
    rows = []
    for system in systems:
        for test, where in TESTS.items():
            last = [one["points"][-1][test] for one in _of(found, system, "grades")]
            for factor in FACTORS:
                error = factor * float(np.median(last))
                cells = [
                    _spread([labels_needed(one["points"], test, error) for one in chosen])
                    for chosen in (_of(found, system, driver) for driver in DRIVERS)
                ]
                rows.append([f"{system}, {where}", f"{1000 * error:.3g}", *cells])
    return markdown_table(["", "to a force RMSE of, meV/Å", *DRIVERS], rows)


def _ends(found: Campaigns, systems: Sequence[str]) -> str:
    """What campaigns end with."""
    quantities: dict[str, Callable[[dict[str, Any]], float]] = {
        "labels": lambda one: one["labels"],
        "iterations": lambda one: one["iterations"],
        "breaks": lambda one: one["breaks"],
        **{
            f"force RMSE {where}, meV/Å": lambda one, test=test: 1000 * one["points"][-1][test]  # type: ignore[misc]
            for test, where in TESTS.items()
        },
        "force RMSE in its own dynamics, meV/Å": lambda one: (
            1000 * one["own_dynamics"]["force_rmse"]
        ),
        "largest error there, meV/Å": lambda one: 1000 * one["own_dynamics"]["largest"],
    }
    return _by_driver(found, systems, quantities)


def _times(found: Campaigns, systems: Sequence[str]) -> str:
    """Where the time of a campaign goes."""
    quantities: dict[str, Callable[[dict[str, Any]], float]] = {
        "all steps, s": lambda one: sum(one["seconds"].values()),
        "scenarios, s": lambda one: one["seconds"].get("sampling", 0.0),
        "fits, s": lambda one: one["seconds"].get("fit", 0.0),
        "calibrations, s": lambda one: one["seconds"].get("calibration", 0.0),
    }
    return _by_driver(found, systems, quantities)


def _by_driver(
    found: Campaigns,
    systems: Sequence[str],
    quantities: dict[str, Callable[[dict[str, Any]], float]],
) -> str:
    rows = []
    for system in systems:
        counts = [str(len(_of(found, system, driver))) for driver in DRIVERS]
        rows.append([f"{system}: campaigns", *counts])
        for name, quantity in quantities.items():
            cells = [
                _spread([quantity(one) for one in _of(found, system, driver)]) for driver in DRIVERS
            ]
            rows.append([f"{system}: {name}", *cells])
    return markdown_table(["", *DRIVERS], rows)


def _spread(values: Sequence[float]) -> str:
    """Median and range over the seeds, and how many never got there."""
    if not values:
        return "–"
    ordered = sorted(values)
    middle = ordered[(len(ordered) - 1) // 2] if math.isinf(ordered[-1]) else np.median(ordered)
    never = sum(map(math.isinf, ordered))
    known = [value for value in ordered if not math.isinf(value)]
    if not known:
        return "never"
    told = f"{_number(float(middle))} ({_number(known[0])} to {_number(known[-1])})"
    return told + (f", {never} never" if never else "")


def _number(value: float) -> str:
    return "never" if math.isinf(value) else f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def _draw(found: Campaigns, systems: Sequence[str], path: Path) -> None:
    """Draw force errors against labels, a line for each seed."""
    figure = Figure(figsize=(9, 3.3 * len(systems)), dpi=120, layout="constrained")
    grid = figure.subplots(len(systems), len(TESTS), squeeze=False)
    for row, system in zip(grid, systems, strict=True):
        for axes, (test, where) in zip(row, TESTS.items(), strict=True):
            for driver in DRIVERS:
                for number, one in enumerate(_of(found, system, driver)):
                    axes.plot(
                        [point["labels"] for point in one["points"]],
                        [1000 * point[test] for point in one["points"]],
                        marker="o",
                        markersize=3,
                        linewidth=0.8,
                        color=_COLOURS[driver],
                        label=driver if number == 0 else None,
                    )
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.yaxis.set_minor_formatter(NullFormatter())
            axes.set_title(f"{system}, {where}", fontsize=10)
            axes.set_xlabel("labels")
            axes.set_ylabel("force RMSE (meV/Å)")
    grid[0, 0].legend()
    figure.savefig(path)
