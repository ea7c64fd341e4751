"""Error reports as tables for a terminal."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from maxvolt.fitting.errors import (
    EnsembleErrors,
    ErrorReport,
    ErrorStatistics,
    GroupErrors,
    mean_and_two_sigma,
)

__all__ = ["ensemble_error_table", "error_table", "group_error_table", "print_errors"]

_WIDTH_WITHOUT_TERMINAL = 160


@dataclass(frozen=True, slots=True)
class _Row:
    """One quantity of the table: from the units of the report to those printed."""

    name: str
    unit: str
    factor: float
    statistics: Callable[[GroupErrors], ErrorStatistics]


_ROWS = (
    _Row("energy per atom", "meV/atom", 1000.0, lambda errors: errors.energy_per_atom),
    _Row("force components", "meV/Å", 1000.0, lambda errors: errors.force_components),
    _Row("force vectors", "meV/Å", 1000.0, lambda errors: errors.force_vectors),
    _Row("stress components", "GPa", 1.0, lambda errors: errors.stress_components),
    _Row("stress tensors", "GPa", 1.0, lambda errors: errors.stress_tensors),
)
_MAIN_ROWS = (_ROWS[0], _ROWS[1], _ROWS[3])


def error_table(reports: Mapping[str, ErrorReport]) -> Table:
    """One row a quantity for each dataset, over all its structures.

    Parameters
    ----------
    reports
        By name of the dataset, for instance ``{"training": ..., "validation": ...}``.
    """
    table = Table(title="Errors", title_justify="left", box=box.SIMPLE_HEAD)
    for heading in ("dataset", "quantity", "unit"):
        table.add_column(heading)
    for heading in ("compared", "missing", "RMSE", "RMSE %", "RMSE eq. (8)-(10)", "MAE", "max"):
        table.add_column(heading, justify="right")
    for name, report in reports.items():
        for index, row in enumerate(_ROWS):
            statistics = row.statistics(report.total)
            # A norm has no counterpart in the equations.
            is_norm = row not in _MAIN_ROWS
            table.add_row(
                Text(name if index == 0 else ""),
                row.name,
                row.unit,
                str(statistics.count),
                str(statistics.missing),
                _number(row.factor * statistics.rmse),
                _percent(statistics.relative_rmse),
                "" if is_norm else _number(row.factor * statistics.rmse_over_structures),
                _number(row.factor * statistics.mae),
                _number(row.factor * statistics.maximum),
                end_section=index == len(_ROWS) - 1,
            )
    return table


def group_error_table(reports: Mapping[str, ErrorReport]) -> Table:
    """One row a group of each dataset: RMSE and MAE of energy, force components and stress."""
    table = Table(title="Errors by group", title_justify="left", box=box.SIMPLE_HEAD)
    for heading in ("dataset", "group"):
        table.add_column(heading)
    table.add_column("structures", justify="right")
    for row in _MAIN_ROWS:
        short = row.name.split()[0]
        table.add_column(f"{short} RMSE\n{row.unit}", justify="right")
        table.add_column("\n%", justify="right")
        table.add_column(f"{short} MAE\n{row.unit}", justify="right")
    for name, report in reports.items():
        lines = [*report.groups, report.total]
        for index, group in enumerate(lines):
            cells: list[str] = []
            for row in _MAIN_ROWS:
                statistics = row.statistics(group)
                cells += [
                    _number(row.factor * statistics.rmse),
                    _percent(statistics.relative_rmse),
                    _number(row.factor * statistics.mae),
                ]
            table.add_row(
                Text(name if index == 0 else ""),
                Text(group.name or "(none)"),
                str(group.structures),
                *cells,
                end_section=index == len(lines) - 1,
            )
    return table


def ensemble_error_table(errors: Mapping[str, EnsembleErrors]) -> Table:
    """One row a quantity: RMSE of the members as mean and 2-sigma, and of the mean prediction."""
    table = Table(title="Errors of the ensemble", title_justify="left", box=box.SIMPLE_HEAD)
    for heading in ("dataset", "quantity", "unit"):
        table.add_column(heading)
    for heading in ("RMSE of members, +- 2 sigma", "%", "RMSE of the mean prediction"):
        table.add_column(heading, justify="right")
    for name, ensemble in errors.items():
        for index, row in enumerate(_ROWS):
            members = [row.statistics(report.total) for report in ensemble.members]
            mean, spread = mean_and_two_sigma([member.rmse for member in members])
            relative, _ = mean_and_two_sigma([member.relative_rmse for member in members])
            of_mean = row.statistics(ensemble.mean_prediction.total).rmse
            table.add_row(
                Text(name if index == 0 else ""),
                row.name,
                row.unit,
                f"{_number(row.factor * mean)} +- {_number(row.factor * spread)}",
                _percent(relative),
                _number(row.factor * of_mean),
                end_section=index == len(_ROWS) - 1,
            )
    return table


def print_errors(
    reports: ErrorReport | Mapping[str, ErrorReport], console: Console | None = None
) -> None:
    """Print the table of totals and, where there is more than one group, that of the groups.

    Parameters
    ----------
    reports
        One report, or several by name of the dataset.
    console
        Where to print; standard output when None.
    """
    if isinstance(reports, ErrorReport):
        reports = {"": reports}
    if console is None:
        console = Console(highlight=False, markup=False, emoji=False)
        if not console.is_terminal:
            console.width = _WIDTH_WITHOUT_TERMINAL
    console.print(error_table(reports))
    if any(len(report.groups) > 1 for report in reports.values()):
        console.print(group_error_table(reports))


def _number(value: float) -> str:
    """Four significant digits, without an exponent; a dash where there is nothing to say."""
    if not math.isfinite(value):
        return "-"
    if value == 0.0:
        return "0"
    value = float(f"{value:.3e}")  # rounded first, so that 9.9999 has the digits of 10
    decimals = max(0, 3 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(decimals, 6)}f}"


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2f}" if math.isfinite(fraction) else "-"
