"""Progress of a fit: a bar on a terminal, now and then a line in a log file."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from maxvolt.cli.console import note, stderr_console

if TYPE_CHECKING:
    from maxvolt.fitting.progress import FitProgress

__all__ = ["LogReporter", "fit_reporter"]

_SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def fit_reporter() -> Iterator[Callable[[FitProgress], None]]:
    """Show the progress of a fit on stderr while the block runs.

    Yields
    ------
    report
        To be called after each iteration.
    """
    from maxvolt.fitting.progress_display import progress_bar

    console = stderr_console()
    if not console.is_terminal:
        yield LogReporter()
        return
    with progress_bar(console) as report:
        yield report


class LogReporter:
    """Print a line at most every ten seconds, and when the fit of a potential has ended."""

    def __init__(self) -> None:
        self._last = -math.inf

    def __call__(self, progress: FitProgress) -> None:
        """Print where the fit stands, if it is time."""
        from maxvolt.fitting.progress_display import describe_progress

        if progress.finished or progress.elapsed - self._last >= _SECONDS_BETWEEN_LINES:
            self._last = progress.elapsed
            note(describe_progress(progress))
