"""What commands say before they evaluate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maxvolt.cli.console import counted, note

if TYPE_CHECKING:
    from maxvolt.dataset import Dataset
    from maxvolt.parallel.ranks import Ranks

__all__ = ["note_work", "processors"]


def processors(ranks: Ranks, threads: int | None) -> str:
    """Say in words on how many processes and threads work is done."""
    from maxvolt.threads import thread_count

    of_one = counted(thread_count(threads), "thread")
    return of_one if ranks.size == 1 else f"{ranks.size} processes of {of_one}"


def note_work(dataset: Dataset, ranks: Ranks, threads: int | None) -> None:
    """Say how much there is to do, and on how many processes and threads."""
    note(
        f"evaluating {counted(len(dataset), 'structure')}, {counted(dataset.n_atoms, 'atom')}; "
        f"{processors(ranks, threads)}"
    )
