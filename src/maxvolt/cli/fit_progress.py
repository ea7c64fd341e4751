"""Progress of a fit: a bar on a terminal, now and then a line in a log file."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from maxvolt.cli.console import note, stderr_console

if TYPE_CHECKING:
    from rich.console import Console

    from maxvolt.fitting.progress import FitProgress

__all__ = ["LogReporter", "describe_progress", "fit_reporter"]

_SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def fit_reporter() -> Iterator[Callable[[FitProgress], None]]:
    """Show the progress of a fit on stderr while the block runs.

    Yields
    ------
    report
        To be called after each iteration.
    """
    console = stderr_console()
    if not console.is_terminal:
        yield LogReporter()
        return
    with _bar(console) as report:
        yield report


class LogReporter:
    """Print a line at most every ten seconds, and when the fit of a potential has ended."""

    def __init__(self) -> None:
        self._last = -math.inf

    def __call__(self, progress: FitProgress) -> None:
        """Print where the fit stands, if it is time."""
        if progress.finished or progress.elapsed - self._last >= _SECONDS_BETWEEN_LINES:
            self._last = progress.elapsed
            note(describe_progress(progress))


def describe_progress(progress: FitProgress) -> str:
    """Say in one line where a fit stands."""
    where = [f"iteration {progress.iteration} of {progress.most_iterations}"]
    # Starts see part of the data first: the losses are not those of the full fit.
    if progress.start < progress.starts:
        where.insert(0, f"start {progress.start + 1} of {progress.starts}")
    else:
        where.insert(0, "full fit")
    if progress.members > 1:
        where.insert(0, f"potential {progress.member + 1} of {progress.members}")
    return f"{', '.join(where)}: {_numbers(progress)}"


@contextmanager
def _bar(console: Console) -> Iterator[Callable[[FitProgress], None]]:
    from rich.progress import BarColumn, Progress, TextColumn

    with Progress(
        TextColumn("{task.description}"), BarColumn(bar_width=20), console=console, transient=True
    ) as bar:
        task = bar.add_task("training", total=None)

        def report(progress: FitProgress) -> None:
            if progress.finished:
                console.print(describe_progress(progress))
            bar.update(
                task,
                description=describe_progress(progress),
                total=progress.most_iterations,
                completed=progress.iteration,
            )

        yield report


def _numbers(progress: FitProgress) -> str:
    from maxvolt.units import GPA_PER_EV_A3

    parts = [f"loss {progress.loss:.4e}"]
    for name, value, unit in (
        ("energy", 1000 * progress.energy_rmse, "meV/atom"),
        ("force", 1000 * progress.force_rmse, "meV/A"),
        ("stress", GPA_PER_EV_A3 * progress.stress_rmse, "GPa"),
    ):
        if not math.isnan(value):
            parts.append(f"{name} {value:.3g} {unit}")
    if progress.finished:
        parts.append(f"{_time(progress.elapsed)}, {progress.finished}")
    else:
        parts.append(f"{_time(progress.elapsed)}, about {_time(progress.remaining)} to go")
    return ", ".join(parts)


def _time(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds))) if math.isfinite(seconds) else "?"
