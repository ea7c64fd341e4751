"""Tasks in processes of their own, which may die without harm to who waits for them."""

from __future__ import annotations

import atexit
import os
import pickle
import select
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from maxvolt.errors import MaxvoltError
from maxvolt.executors.child import ANSWER
from maxvolt.labelling.session_process import SessionProcess
from maxvolt.sampling.processes import ProcessDiedError

__all__ = ["isolated", "pickled_task"]

_LOOK = 0.25
"""Seconds between looks at whether the process lives."""

_PIECE = 1 << 20
"""Bytes read at once."""

_TASKS_OF_A_PROCESS = 200
"""After so many a process is replaced: some libraries never give memory back."""


def pickled_task(function: Callable[..., Any], *arguments: Any, **options: Any) -> bytes:
    """Pickle a function with its arguments for other processes.

    Raises
    ------
    MaxvoltError
        It cannot be pickled.
    """
    try:
        return pickle.dumps((function, arguments, options))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise MaxvoltError(
            f"a task cannot be sent to other processes ({error}); use functions and classes of "
            "modules, no lambda"
        ) from error


def isolated(task: bytes, paths: Sequence[str] = ()) -> bytes:
    """Do a pickled task in a process of its own; return its pickled answer.

    The process is kept for the next task, since it takes seconds to start.

    Parameters
    ----------
    task
        Made by `pickled_task`.
    paths
        Where that process looks for modules that it does not find otherwise.

    Raises
    ------
    ProcessDiedError
        The process ended without an answer; the message says how.
    MaxvoltError
        The system starts no more processes.
    """
    child = _idle.take() or _Child()
    try:
        answer = child.perform(pickle.dumps((tuple(paths), task)))
    except BaseException:
        child.end()
        raise
    _idle.keep(child)
    return answer


class _Child:
    """A process that does tasks, one at a time."""

    def __init__(self) -> None:
        self.tasks = 0
        try:
            self._process = SessionProcess("maxvolt.executors.child")
        except OSError as error:
            raise MaxvoltError(
                f"a process for a task cannot be started: {error}; make room for it (memory, "
                "processes), or run fewer tasks at once"
            ) from error

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.is_alive()

    def perform(self, task: bytes) -> bytes:
        """Have a task done; return its answer."""
        self.tasks += 1
        with suppress(BrokenPipeError):  # it died; how is found out below
            self._process.input.write(b"%d\n" % len(task))
            self._process.input.write(task)
            self._process.input.flush()
        answer = self._heard()
        if answer is None:
            raise ProcessDiedError(self._process.how_it_ended())
        return answer

    def end(self) -> None:
        """End the process and everything it started, and forget about it."""
        self._process.end(grace=0.0)

    def _heard(self) -> bytes | None:
        """Wait for the answer; None where the process ends without one."""
        descriptor, said = self._process.output, bytearray()
        ended = False
        while True:
            # Asked before reading: what it said last is in the pipe when it has ended. What it has
            # started may hold the pipe open longer than it lives.
            ended = ended or not self.is_alive
            while select.select([descriptor], [], [], 0.0 if ended else _LOOK)[0]:
                data = os.read(descriptor, _PIECE)
                said += data
                ended = ended or not data
                if not data or _is_complete(said):
                    break
            if _is_complete(said):
                return bytes(said.partition(ANSWER)[2].partition(b"\n")[2])
            if ended:
                return None


class _Idle:
    """Processes that wait for their next task; they end with this one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._children: list[_Child] = []
        atexit.register(self.end_all)

    def take(self) -> _Child | None:
        """Return one that lives, if there is one."""
        while True:
            with self._lock:
                if not self._children:
                    return None
                child = self._children.pop()
            if child.is_alive:
                return child
            child.end()

    def keep(self, child: _Child) -> None:
        """Keep one for later, unless it has done enough."""
        if child.tasks >= _TASKS_OF_A_PROCESS:
            child.end()
            return
        with self._lock:
            self._children.append(child)

    def end_all(self) -> None:
        """End them."""
        with self._lock:
            children, self._children = self._children, []
        for child in children:
            child.end()


_idle = _Idle()


def _is_complete(said: bytearray) -> bool:
    """Whether an answer is there, whole."""
    start = said.find(ANSWER)
    line = said.find(b"\n", start + len(ANSWER))
    if start < 0 or line < 0:
        return False
    return len(said) - line - 1 >= int(said[start + len(ANSWER) : line])
