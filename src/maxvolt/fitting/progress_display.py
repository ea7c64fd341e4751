"""The progress of a fit, shown to whoever waits for it: on a terminal, or in a notebook."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from html import escape
from typing import TYPE_CHECKING, Any

from maxvolt.fitting.progress import FitProgress, Progress
from maxvolt.units import GPA_PER_EV_A3

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from rich.console import Console

__all__ = ["describe_progress", "progress_bar", "shown_progress"]

_SECONDS_BETWEEN_UPDATES = 0.2
"""In a notebook, whose page redraws at each."""


def shown_progress(
    progress: Progress | bool | None,
) -> AbstractContextManager[Progress | None]:
    """Return who is told of each iteration, while the block runs.

    Parameters
    ----------
    progress
        Who was given; True: a display where somebody watches, on a terminal or in a notebook;
        False or None: nobody.
    """
    if not isinstance(progress, bool):
        return nullcontext(progress)
    if progress and _in_a_notebook():
        return _notebook_bar()
    if progress and sys.stdout.isatty() and sys.stderr.isatty():
        from rich.console import Console

        return progress_bar(Console(stderr=True, highlight=False, markup=False, emoji=False))
    return nullcontext(None)


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
def progress_bar(console: Console) -> Iterator[Callable[[FitProgress], None]]:
    """Show a bar that vanishes at the end, and a line that stays for each potential.

    Yields
    ------
    report
        To be called after each iteration.
    """
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


def _in_a_notebook() -> bool:
    """Whether a kernel of Jupyter runs this, and not IPython on a terminal."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return hasattr(shell, "kernel")


@contextmanager
def _notebook_bar() -> Iterator[Callable[[FitProgress], None]]:
    from IPython.display import HTML, display

    shown: Any = display(HTML("<p>training</p>"), display_id=True)
    last = -math.inf

    def report(progress: FitProgress) -> None:
        nonlocal last
        now = time.monotonic()
        if not progress.finished and now - last < _SECONDS_BETWEEN_UPDATES:
            return
        last = now
        bar = f'<progress value="{progress.iteration}" max="{progress.most_iterations}"></progress>'
        text = escape(describe_progress(progress))
        shown.update(HTML(f"<p>{text} {'' if progress.finished else bar}</p>"))

    yield report


def _numbers(progress: FitProgress) -> str:
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
