"""A share of the workers: the rest is left to others, until it is made the whole or taken away."""

from __future__ import annotations

import threading
from concurrent.futures import Executor

from maxvolt.errors import MaxvoltError
from maxvolt.sampling.processes import WorkerPool

__all__ = ["TakenAwayError", "WorkerShare"]

_PATIENCE = 0.2
"""Seconds between looks at how large the share is."""


class TakenAwayError(MaxvoltError):
    """There are no workers any more: the tasks that are left are not wanted now."""


class WorkerShare:
    """So many workers of a pool at most, as the `Workers` of a thread that runs tasks.

    Parameters
    ----------
    pool
        All workers.
    at_once
        Most tasks that run at once.
    """

    def __init__(self, pool: WorkerPool, at_once: int) -> None:
        self._pool = pool
        self._at_once: int | None = at_once
        self._taken = False
        self._lock = threading.Lock()

    @property
    def room(self) -> int:
        """Most tasks in flight; none once they were taken away."""
        if self._taken:
            return 0
        return self._pool.room if self._at_once is None else self._at_once

    @property
    def patience(self) -> float | None:
        """Seconds after which to look again."""
        return _PATIENCE

    def executor(self) -> Executor:
        """Return what takes work.

        Raises
        ------
        TakenAwayError
            The workers were taken away.
        """
        with self._lock:
            self._check()
            return self._pool.executor()

    def replace(self) -> None:
        """Start with new processes.

        Raises
        ------
        TakenAwayError
            The workers were taken away.
        MaxvoltError
            The executor is that of somebody else.
        """
        with self._lock:
            self._check()
            self._pool.replace()

    def grow(self) -> None:
        """Take all workers: nobody else needs them now."""
        self._at_once = None

    def take_away(self) -> None:
        """Begin no further task; the pool is not touched any more when this returns."""
        with self._lock:
            self._taken = True

    def _check(self) -> None:
        if self._taken:
            raise TakenAwayError("the workers were taken away")
