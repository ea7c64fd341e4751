"""Progress of a card: one bar for its results, and below it one for each simulation that runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from maxvolt.cli.console import note, stderr_console

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["results_and_runs"]


class _Lines:
    """A line for each result and each part of a simulation, where stderr is no terminal."""

    def __init__(self) -> None:
        self._parts: dict[str, str] = {}

    def has_ended(self, what: str, done: int, total: int) -> None:
        note(f"{done} of {total}: {what}")

    def runs(self, what: str, part: str, done: int, total: int) -> None:
        if self._parts.get(what) != part:
            self._parts[what] = part
            note(f"{what}, {part}: {total} steps")


class _Bars:
    """Bars on a terminal."""

    def __init__(self, bars: Progress, total: int) -> None:
        from maxvolt.cli.time_left import TimeLeft

        self._bars = bars
        self._results = bars.add_task("computing", total=total, left="")
        self._left = TimeLeft()
        self._left.update(0)
        self._simulations: dict[str, TaskID] = {}
        self._ended: set[str] = set()

    def has_ended(self, what: str, done: int, total: int) -> None:
        """Count a result, and take the bar of its simulation away."""
        from maxvolt.cli.time_left import describe_seconds

        self._left.update(done)
        left = describe_seconds(self._left.seconds(total))
        self._bars.update(self._results, completed=done, left=left)
        self._ended.add(what)
        if what in self._simulations:
            self._bars.remove_task(self._simulations.pop(what))

    def runs(self, what: str, part: str, done: int, total: int) -> None:
        """Show how far a part of a simulation is."""
        if what in self._ended:  # what a worker said arrived after its result
            return
        said = f"{what}, {part}"
        if what not in self._simulations:
            self._simulations[what] = self._bars.add_task(said, total=total, left="")
        self._bars.update(self._simulations[what], description=said, completed=done, total=total)


@contextmanager
def results_and_runs(total: int) -> Iterator[_Lines | _Bars]:
    """Show results and simulations on stderr while the block runs.

    Parameters
    ----------
    total
        How many results there will be.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = stderr_console()
    if not console.is_terminal:
        yield _Lines()
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("{task.fields[left]}"),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bars:
        yield _Bars(bars, total)
