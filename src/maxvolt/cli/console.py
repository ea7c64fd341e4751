"""What a command prints: results to stdout as tables or JSON, progress and notes to stderr."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from maxvolt.cli.streams import discard

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "counted",
    "note",
    "print_json",
    "print_pairs",
    "print_table",
    "progress_bar",
    "stderr_console",
    "stdout_console",
]

_WIDTH_OF_A_FILE = 200
"""Columns of a table that goes to a file or a pipe, where nothing says how wide it is."""


def counted(number: int, noun: str) -> str:
    """Return a number of things in words: 1 structure, 2 structures."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def note(message: str) -> None:
    """Say something to the person in front of the screen, not to the program behind a pipe."""
    try:
        print(message, file=sys.stderr, flush=True)
    except OSError:  # nobody listens any more, or the log's disk is full: the work goes on
        discard(sys.stderr)


def print_json(value: Any) -> None:
    """Print a result as JSON; NaN and infinite numbers, which JSON lacks, become null."""
    plain = _plain(value)
    text = json.dumps(plain, indent=2, allow_nan=False, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:  # an ASCII terminal, a file name that is no text
        text = json.dumps(plain, indent=2, allow_nan=False)
    print(text)


def stdout_console() -> Console:
    """Return a console for tables, as wide as COLUMNS says, else the terminal."""
    console = _console(stderr=False)
    if not (console.is_terminal or os.environ.get("COLUMNS", "").isdigit()):
        console.width = _WIDTH_OF_A_FILE
    return console


def stderr_console() -> Console:
    """Return a console for progress; it falls silent where nobody listens any more."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    class Pipe(Console):
        """What happens when the reader goes away is decided here, not by the library."""

        def on_broken_pipe(self) -> None:
            if not self.stderr:
                raise BrokenPipeError
            self.quiet = True
            discard(sys.stderr)

    # No markup: a group name like "[bulk]" is text.
    return Pipe(stderr=stderr, highlight=False, markup=False, emoji=False)


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, text_columns: int = 1
) -> None:
    """Print a table; the first `text_columns` columns stand left, the numbers right.

    Text is folded where the terminal is narrow; numbers are never cut.
    """
    from maxvolt.report import print_fitted, slim_table

    table = slim_table()
    for index, column in enumerate(columns):
        if index < text_columns:
            table.add_column(column, overflow="fold")
        else:
            table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    print_fitted(table, stdout_console())


def print_pairs(title: str, pairs: Mapping[str, str]) -> None:
    """Print names and their values, one per line."""
    width = max((len(name) for name in pairs), default=0)
    print(title)
    for name, value in pairs.items():
        print(f"  {name:<{width}}  {value}".rstrip())


@contextmanager
def progress_bar(description: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a bar on stderr while the block runs, where stderr is a terminal.

    Parameters
    ----------
    description
        What is being done.
    total
        How many steps there are; None where nobody knows.

    Yields
    ------
    advance
        To be called with the number of steps just done.
    """
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
    )

    from maxvolt.cli.time_left import TimeLeft, describe_seconds

    console = stderr_console()
    if not console.is_terminal:  # some versions of rich end a bar that is not shown with a new line
        yield lambda _: None
        return
    left, done = TimeLeft(), 0
    left.update(0)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[left]}"),
        console=console,
        transient=True,
    ) as progress:
        task = progress.add_task(description, total=total, left="")

        def advance(steps: int) -> None:
            nonlocal done
            done += steps
            left.update(done)
            said = "" if total is None else describe_seconds(left.seconds(total))
            progress.update(task, advance=steps, left=said)

        yield advance


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
