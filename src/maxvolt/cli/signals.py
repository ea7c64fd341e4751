"""Requests of the system to end, which are met as Ctrl-C is: clean up, end what was started."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from maxvolt.cli.console import note

__all__ = ["TerminatedError", "ending_as_interrupted", "kept_when_interrupted"]

_REQUESTS = ("SIGTERM", "SIGHUP")
"""By a batch system or ``kill``, and by a terminal that is closed."""


class TerminatedError(KeyboardInterrupt):
    """The system has asked this process to end: all that cleans up after Ctrl-C does so here.

    Parameters
    ----------
    number
        Of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def ending_as_interrupted() -> Iterator[None]:
    """Raise `TerminatedError` where the system asks to end while the block runs.

    A request that is ignored (nohup) or met otherwise stays so.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say what happens on a signal
        return
    before: dict[signal.Signals, Any] = {}
    for name in _REQUESTS:
        number = getattr(signal, name, None)  # not every system has all of them
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            before[number] = signal.signal(number, _end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def kept_when_interrupted(folder: Path, done: Callable[[], str]) -> Iterator[None]:
    """Say what an interruption leaves, and how to go on.

    Parameters
    ----------
    folder
        Where it is kept.
    done
        What is: "3 results".
    """
    try:
        yield
    except KeyboardInterrupt:
        note(f"{done()} kept in {folder}: the same command goes on from there")
        raise


def _end(number: int, _: FrameType | None) -> None:
    raise TerminatedError(number)
