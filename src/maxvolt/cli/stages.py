"""Progress of work in stages: a bar for the one that runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from maxvolt.cli.console import note, stderr_console

__all__ = ["stages"]


@contextmanager
def stages() -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar for the stage that runs; where stderr is no terminal, a line for each stage."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    console = stderr_console()
    current = ""
    if not console.is_terminal:

        def tell(stage: str, done: int, total: int) -> None:
            nonlocal current
            if stage != current:
                current = stage
                note(f"{stage}: {total} steps")

        yield tell
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("beginning", total=None)

        def show(stage: str, done: int, total: int) -> None:
            nonlocal current
            if stage != current:
                current = stage
                bars.reset(task, description=stage, total=total)
            bars.update(task, completed=done)

        yield show
