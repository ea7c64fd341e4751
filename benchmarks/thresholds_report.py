"""Tables and figure of benchmarks/thresholds.py."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grades_report import markdown_table, update_page

__all__ = ["write_report"]

SELECT, BREAK = 2.0, 10.0
"""Default thresholds of grades; the first is also that of expected errors in the table, in units of
the force error of the training set."""
CAUTIOUS = 1.25
MEASURES = ("posterior", "committee", "posterior forces")


def write_report(found: Sequence[dict[str, Any]], output: Path, page: Path) -> None:
    """Write the tables into the page, and the figure beside the results."""
    if not found:
        print("nothing has been measured yet")
        return
    update_page(page, "misses", _misses(found))
    update_page(page, "errors at thresholds", _errors_at(found))
    _plot(found, output / "thresholds.png")


def _misses(found: Sequence[dict[str, Any]]) -> str:
    """Misses and false alarms, a line for each system, and of all structures together."""
    rows: list[list[str]] = []
    counts: list[list[tuple[int, int]]] = []
    structures: list[NDArray[np.int64]] = []
    for one in found:
        curves = [(one["grades"], CAUTIOUS), (one["grades"], SELECT)]
        curves += [(one["expected"][name], SELECT * one["training_error"]) for name in MEASURES]
        counts.append([_at(curve, threshold) for curve, threshold in curves])
        of = np.array([one["grades"]["bad"], one["grades"]["good"]])
        structures.append(of)
        rows.append([one["system"], f"{of[0]} of {of.sum()}", *_shares(counts[-1], of)])
    of = np.sum(structures, axis=0)
    rows.append(["together", f"{of[0]} of {of.sum()}", *_shares(np.sum(counts, axis=0), of)])
    titles = [f"twice the training error, {name}" for name in MEASURES]
    return markdown_table(
        ["", "badly described", f"grade {CAUTIOUS:g}", f"grade {SELECT:g}", *titles], rows
    )


def _at(curve: dict[str, Any], threshold: float) -> tuple[int, int]:
    """Numbers of misses and of false alarms at the nearest threshold that was tried."""
    nearest = int(np.argmin(np.abs(np.log(np.array(curve["thresholds"]) / threshold))))
    return curve["missed"][nearest], curve["false_alarms"][nearest]


def _shares(counts: Any, of: NDArray[np.int64]) -> list[str]:
    """Misses / false alarms in per cent of the bad / good structures."""
    return [" / ".join(f"{share:.0f} %" for share in 100 * np.array(two) / of) for two in counts]


def _errors_at(found: Sequence[dict[str, Any]]) -> str:
    """Expected force errors at the default grades, beside the rule of expected errors."""
    rows = []
    for one in found:
        at = one["expected"]["grade"]["expected_at_grade"]
        error = one["training_error"]
        rows.append(
            [one["system"], *[f"{1000 * value:.3g}" for value in (error, 2 * error, *at.values())]]
        )
    columns = ("", "of the training set", "twice that", "at grade 2", "at grade 10")
    return markdown_table(columns, rows)


def _plot(found: Sequence[dict[str, Any]], path: Path) -> None:
    """Errors against grades above, misses and false alarms against thresholds below."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        3, len(found), figsize=(3.0 * len(found), 8.2), squeeze=False, layout="constrained"
    )
    for column, one in enumerate(found):
        _plot_errors(axes[0, column], one)
        _plot_curve(axes[1, column], one["grades"], 1.0, SELECT)
        expected = one["expected"]["posterior"]
        _plot_curve(axes[2, column], expected, one["training_error"], SELECT)
        axes[1, column].set_xlabel("threshold: grade")
        axes[2, column].set_xlabel("threshold: expected error,\nover that of the training set")
    axes[0, 0].set_ylabel("mean force error, eV/Å")
    axes[1, 0].set_ylabel("structures, %")
    axes[2, 0].set_ylabel("structures, %")
    axes[1, -1].legend(fontsize=8, loc="upper center")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _plot_errors(axes: Any, one: dict[str, Any]) -> None:
    grades, errors = np.array(one["grades"]["errors"]).T
    axes.loglog(grades, errors, "o-", ms=4)
    axes.axhline(one["training_error"], ls=":", color="gray")
    for threshold in (SELECT, BREAK):
        axes.axvline(threshold, ls="--", lw=0.8, color="gray")
    axes.set_title(one["system"])
    axes.set_xlabel("grade of the atoms")


def _plot_curve(axes: Any, curve: dict[str, Any], unit: float, default: float) -> None:
    thresholds = np.array(curve["thresholds"]) / unit
    for counts, of, label in (
        (curve["missed"], curve["bad"], "missed, of the bad"),
        (curve["false_alarms"], curve["good"], "false alarms, of the good"),
    ):
        if of:
            axes.semilogx(thresholds, 100 * np.array(counts) / of, label=label)
    axes.axvline(default, ls="--", lw=0.8, color="gray")
    axes.set_ylim(-3, 103)
