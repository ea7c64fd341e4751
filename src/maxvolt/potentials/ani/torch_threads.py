"""The threads that torch computes with, while it computes for a potential."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from maxvolt.potentials.ani.libraries import require_torch
from maxvolt.threads import thread_count

__all__ = ["torch_threads"]


class _Uses:
    """Blocks that torch computes in at the moment, and what it had before the first of them."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count = 0
        self.before = 0


_uses = _Uses()


@contextmanager
def torch_threads(threads: int | None) -> Iterator[None]:
    """Have torch compute with so many threads inside the block, and with its own number after it.

    The number of torch belongs to a thread of Python, and one that is new takes what was set last
    in any of them. So the number to go back to is that before the first of blocks that overlap:
    what a new thread finds inside them is the number of another block.

    Parameters
    ----------
    threads
        Number of threads; None as of `maxvolt.threads.thread_count`.

    Raises
    ------
    MaxvoltError
        The number is below one, or torch is not installed.
    """
    torch, wanted = require_torch(), thread_count(threads)
    uses = _uses
    with uses.lock:
        if not uses.count:
            uses.before = torch.get_num_threads()
        uses.count += 1
    try:
        torch.set_num_threads(wanted)
        yield
    finally:
        with uses.lock:
            uses.count -= 1
            torch.set_num_threads(uses.before)


def _after_fork() -> None:
    """Start again: a forked process has none of its parent's threads, and no block is open."""
    global _uses
    _uses = _Uses()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
