"""What workers say of their simulations, through one pipe to the process that shows it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from threading import Thread

__all__ = ["Told", "hearing", "now_and_then", "worker_tells"]

Told = Callable[[str, str, int, int], None]
"""Called with what simulates, the part of it that runs, the steps done of it and all its steps."""

_SECONDS = 0.2
"""Least time from one message to the next."""

_to_parent: list[Connection] = []
"""In a worker, the end of the pipe it writes to."""


@contextmanager
def hearing(told: Told | None) -> Iterator[Callable[[], None] | None]:
    """Pass on what workers tell, as long as the block lasts.

    Messages are short enough that each is written whole, whoever else writes, and a worker that
    dies takes none of another's along.

    Yields
    ------
    prepare
        To be called in each worker when it starts; None where nobody wants to hear.
    """
    if told is None:
        yield None
        return
    reader, writer = Pipe(duplex=False)
    listener = Thread(target=_listen, args=(reader, told), daemon=True)
    listener.start()
    try:
        yield partial(_remember, writer)
    finally:
        writer.send(None)
        listener.join()
        writer.close()
        reader.close()


def _listen(reader: Connection, told: Told) -> None:
    while (message := reader.recv()) is not None:
        with suppress(OSError):  # nobody reads any more; workers must not wait for a full pipe
            told(*message)


def _remember(writer: Connection) -> None:
    _to_parent[:] = [writer]


def worker_tells(what: str, part: str, done: int, total: int) -> None:
    """Tell the process that has started this worker, if it hears."""
    if _to_parent:
        try:
            _to_parent[0].send((what, part, done, total))
        except OSError:  # it has ended, and this worker is about to
            _to_parent.clear()


def now_and_then(told: Told, what: str) -> Callable[[str, int, int], None]:
    """Make of a simulation's progress some messages a second: the first and last of each part."""
    before = 0.0
    known = ""

    def tell(part: str, done: int, total: int) -> None:
        nonlocal before, known
        now = time.monotonic()
        if part != known or done == total or now - before > _SECONDS:
            before, known = now, part
            told(what, part, done, total)

    return tell
