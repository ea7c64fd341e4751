"""Error reports as tables for a terminal."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from maxvolt.fitting.error_statistics import (
    EnsembleErrors,
    ErrorReport,
    ErrorStatistics,
    GroupErrors,
    mean_and_two_sigma,
)

__all__ = [
    "ensemble_error_table",
    "error_table",
    "group_error_table",
    "print_errors",
    "print_fitted",
    "slim_table",
]

_WIDTH_WITHOUT_TERMINAL = 160
_UNLIMITED = 10_000


@dataclass(frozen=True, slots=True)
class _Row:
    """One quantity of the table.

    Attributes
    ----------
    label
        Name and printed unit.
    counts
        What its statistics count.
    factor
        From the units of the report to the printed one.
    statistics
        Where it stands in the report.
    """

    label: str
    counts: str
    factor: float
    statistics: Callable[[GroupErrors], ErrorStatistics]


_ROWS = (
    _Row("energy (meV/atom)", "structures", 1000.0, lambda errors: errors.energy_per_atom),
    _Row("force components (meV/Å)", "atoms", 1000.0, lambda errors: errors.force_components),
    _Row("force vectors (meV/Å)", "atoms", 1000.0, lambda errors: errors.force_vectors),
    _Row("stress components (GPa)", "structures", 1.0, lambda errors: errors.stress_components),
    _Row("stress tensors (GPa)", "structures", 1.0, lambda errors: errors.stress_tensors),
)
_MAIN_ROWS = (_ROWS[0], _ROWS[1], _ROWS[3])


def slim_table(title: str | None = None) -> Table:
    """Return a table without rules between its columns, one space apart."""
    return Table(
        title=title,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        collapse_padding=True,
        pad_edge=False,
        padding=(0, 1),
    )


def print_fitted(table: Table, console: Console) -> None:
    """Print a table as wide as the console; wider where its numbers need it.

    A terminal that is too narrow breaks the lines, and no digit is lost.
    """
    options = console.options.update(width=_UNLIMITED)
    for column in table.columns:
        if column.no_wrap:
            cells = (column.header, *column.cells)
            column.min_width = max(
                Measurement.get(console, options, cell).maximum for cell in cells
            )
    width = console.width
    console.width = max(width, Measurement.get(console, options, table).minimum)
    try:
        console.print(table, crop=False)
    finally:
        console.width = width


def error_table(reports: Mapping[str, ErrorReport]) -> Table:
    """One row per quantity for each dataset, over all its structures.

    Parameters
    ----------
    reports
        By name of the dataset, for instance ``{"training": ..., "validation": ...}``.
    """
    table = slim_table("Errors")
    table.add_column("quantity", overflow="fold")
    table.add_column("compared", overflow="fold")
    for heading in ("RMSE", "RMSE\n%", "RMSE\neqs.\n8-10", "MAE", "largest"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, report in reports.items():
        _begin_dataset(table, name)
        for index, row in enumerate(_ROWS):
            statistics = row.statistics(report.total)
            # A norm has no counterpart in the equations.
            is_norm = row not in _MAIN_ROWS
            table.add_row(
                row.label,
                _compared(row, statistics),
                _number(row.factor * statistics.rmse),
                _percent(statistics.relative_rmse),
                "" if is_norm else _number(row.factor * statistics.rmse_over_structures),
                _number(row.factor * statistics.mae),
                _number(row.factor * statistics.maximum),
                end_section=index == len(_ROWS) - 1,
            )
    return table


def group_error_table(reports: Mapping[str, ErrorReport]) -> Table:
    """Errors of energy, force components and stress of each group of each dataset."""
    table = slim_table("Errors by group")
    for heading in ("group", "quantity", "compared"):
        table.add_column(heading, overflow="fold")
    for heading in ("RMSE", "RMSE\n%", "MAE", "largest"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, report in reports.items():
        _begin_dataset(table, name)
        for group in (*report.groups, report.total):
            for index, row in enumerate(_MAIN_ROWS):
                statistics = row.statistics(group)
                table.add_row(
                    Text(group.name or "(none)") if index == 0 else "",
                    row.label,
                    _compared(row, statistics),
                    _number(row.factor * statistics.rmse),
                    _percent(statistics.relative_rmse),
                    _number(row.factor * statistics.mae),
                    _number(row.factor * statistics.maximum),
                    end_section=index == len(_MAIN_ROWS) - 1,
                )
    return table


def ensemble_error_table(errors: Mapping[str, EnsembleErrors]) -> Table:
    """One row per quantity: RMSE of the members as mean and 2-sigma, and of the mean prediction."""
    table = slim_table("Errors of the ensemble")
    table.add_column("quantity", overflow="fold")
    for heading in (
        "RMSE of members,\n+- 2 sigma",
        "RMSE of members\n%",
        "RMSE of the\nmean prediction",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, ensemble in errors.items():
        _begin_dataset(table, name)
        for index, row in enumerate(_ROWS):
            members = [row.statistics(report.total) for report in ensemble.members]
            mean, spread = mean_and_two_sigma([member.rmse for member in members])
            relative, _ = mean_and_two_sigma([member.relative_rmse for member in members])
            of_mean = row.statistics(ensemble.mean_prediction.total).rmse
            table.add_row(
                row.label,
                f"{_number(row.factor * mean)} +- {_number(row.factor * spread)}",
                _percent(relative),
                _number(row.factor * of_mean),
                end_section=index == len(_ROWS) - 1,
            )
    return table


def _begin_dataset(table: Table, name: str) -> None:
    """Put the name of a dataset above its rows."""
    if name:
        table.add_row(Text(name, style="bold"))


def _compared(row: _Row, statistics: ErrorStatistics) -> str:
    """How many structures or atoms have the label, and of how many where some lack it."""
    count = statistics.count
    total = count + statistics.missing
    noun = row.counts if total != 1 else row.counts.removesuffix("s")
    return f"{count} of {total} {noun}" if statistics.missing else f"{count} {noun}"


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
    print_fitted(error_table(reports), console)
    if any(len(report.groups) > 1 for report in reports.values()):
        print_fitted(group_error_table(reports), console)


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
