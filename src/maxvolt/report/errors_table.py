"""Error reports as tables for a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from maxvolt.fitting.error_quantities import (
    MAIN_QUANTITIES,
    QUANTITIES,
    printed_number,
    printed_percent,
)
from maxvolt.fitting.error_statistics import EnsembleErrors, ErrorReport, mean_and_two_sigma

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
        for index, row in enumerate(QUANTITIES):
            statistics = getattr(report.total, row.name)
            # A norm has no counterpart in the equations.
            is_norm = row not in MAIN_QUANTITIES
            table.add_row(
                row.label,
                row.compared(statistics.count, statistics.missing),
                printed_number(row.factor * statistics.rmse),
                printed_percent(statistics.relative_rmse),
                "" if is_norm else printed_number(row.factor * statistics.rmse_over_structures),
                printed_number(row.factor * statistics.mae),
                printed_number(row.factor * statistics.maximum),
                end_section=index == len(QUANTITIES) - 1,
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
            for index, row in enumerate(MAIN_QUANTITIES):
                statistics = getattr(group, row.name)
                table.add_row(
                    Text(group.name or "(none)") if index == 0 else "",
                    row.label,
                    row.compared(statistics.count, statistics.missing),
                    printed_number(row.factor * statistics.rmse),
                    printed_percent(statistics.relative_rmse),
                    printed_number(row.factor * statistics.mae),
                    printed_number(row.factor * statistics.maximum),
                    end_section=index == len(MAIN_QUANTITIES) - 1,
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
        for index, row in enumerate(QUANTITIES):
            members = [getattr(report.total, row.name) for report in ensemble.members]
            mean, spread = mean_and_two_sigma([member.rmse for member in members])
            relative, _ = mean_and_two_sigma([member.relative_rmse for member in members])
            of_mean = getattr(ensemble.mean_prediction.total, row.name).rmse
            table.add_row(
                row.label,
                f"{printed_number(row.factor * mean)} +- {printed_number(row.factor * spread)}",
                printed_percent(relative),
                printed_number(row.factor * of_mean),
                end_section=index == len(QUANTITIES) - 1,
            )
    return table


def _begin_dataset(table: Table, name: str) -> None:
    """Put the name of a dataset above its rows."""
    if name:
        table.add_row(Text(name, style="bold"))


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
