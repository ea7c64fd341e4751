"""What a worker answers, read from a pipe into which calculators may write, too."""

from __future__ import annotations

import json
import os
import select
import time
from collections.abc import Callable
from typing import Any

__all__ = ["Answers", "EndedError", "HungError"]

_LOOK = 0.25
"""Seconds between looks at whether the worker lives: what it has forked may hold the pipe open."""

_PIECE = 1 << 20
"""Bytes read at once: more than a pipe holds, so that one piece is all that a dead worker said."""

_LONGEST = 1 << 30
"""Bytes of the longest line: no structure has labels that take as many."""


class HungError(Exception):
    """A worker did not answer in time."""


class EndedError(Exception):
    """There will be no answer; the message says why where that is known."""


class Answers:
    """Reads answers, each a line of JSON that repeats the name of its request.

    Parameters
    ----------
    descriptor
        The end of the pipe from which they are read.
    is_alive
        Says whether the process that answers still runs.
    """

    def __init__(self, descriptor: int, is_alive: Callable[[], bool]) -> None:
        self._descriptor = descriptor
        self._is_alive = is_alive
        self._waiting = select.poll()
        self._waiting.register(descriptor, select.POLLIN | select.POLLHUP)
        self._unfinished = bytearray()
        self._lines: list[bytes] = []

    def next(self, request: str, timeout: float | None) -> dict[str, Any]:
        """Return the next answer to a request.

        Parameters
        ----------
        request
            Its name.
        timeout
            Seconds to wait; None for as long as the worker lives.

        Raises
        ------
        HungError
            There was none in time.
        EndedError
            The worker ended before.
        """
        give_up = None if timeout is None else time.monotonic() + timeout
        ended = False
        while True:
            answer = self._heard(request)
            if answer is not None:
                return answer
            if ended:
                raise EndedError
            left = None if give_up is None else give_up - time.monotonic()
            if left is not None and left <= 0:
                raise HungError
            # Asked before reading: what the worker said last is in the pipe when it has ended.
            ended = not self._is_alive()
            ended = not self._read(0.0 if ended else min(_LOOK, left or _LOOK)) or ended

    def _read(self, seconds: float) -> bool:
        """Read what comes within some time; False where the pipe is at its end."""
        if not self._waiting.poll(1000.0 * seconds):
            return True
        data = os.read(self._descriptor, _PIECE)
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._lines.append(bytes(self._unfinished) + line)
            self._unfinished.clear()
        self._unfinished += rest
        if len(self._unfinished) > _LONGEST:
            raise EndedError("the calculation writes without end where its answer was expected")
        return bool(data)

    def _heard(self, request: str) -> dict[str, Any] | None:
        """Return the first answer to a request among what has been read."""
        while self._lines:
            answer = _parsed(self._lines.pop(0))
            if answer is not None and answer.get("request") == request:
                return answer
        return None


def _parsed(line: bytes) -> dict[str, Any] | None:
    """Return an answer; None for what a calculator wrote between them."""
    try:
        answer = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None
