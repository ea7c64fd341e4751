"""Worker processes: how they start, and what happens when one dies."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from typing import Any, Protocol, Self

from threadpoolctl import threadpool_limits

from maxvolt.errors import DataError, MaxvoltError

__all__ = ["ProcessDiedError", "WorkerPool", "Workers", "local_pool"]

_AHEAD = 2
"""Tasks in flight per worker, so that none waits for the next one."""

_REMOTE_WORKERS = 64
"""Workers assumed where an executor does not say how many it has."""


class ProcessDiedError(MaxvoltError):
    """The process of one task died, and took nothing else with it; the message says how."""


class Workers(Protocol):
    """What runs tasks side by side."""

    @property
    def room(self) -> int:
        """Most tasks in flight; may change."""

    @property
    def patience(self) -> float | None:
        """Seconds after which to look whether there is more room; None: it stays as it is."""

    def executor(self) -> Executor:
        """Return what takes work."""

    def replace(self) -> None:
        """Start with new processes: one has died, and its pool takes no more work."""


class WorkerPool:
    """Workers of this machine, or an executor that somebody else has made.

    To be used in a ``with`` block, at whose end local processes end: at once, in the middle of what
    they do, where the block is left by an error. They start with the first use of `executor`.

    Parameters
    ----------
    executor
        An executor of `concurrent.futures`, which stays open, or the number of local processes.

    Raises
    ------
    DataError
        The number is below one.
    """

    def __init__(self, executor: Executor | int) -> None:
        if isinstance(executor, int) and executor < 1:
            raise DataError(f"the number of workers must be at least 1, not {executor}")
        self._given = executor
        self._pools = ExitStack()
        self._local: Executor | None = None

    def __enter__(self) -> Self:
        """Begin the block."""
        return self

    def __exit__(self, *exception: Any) -> None:
        self._pools.__exit__(*exception)

    @property
    def size(self) -> int:
        """Number of workers, as far as it is known."""
        if isinstance(self._given, int):
            return self._given
        return getattr(self._given, "_max_workers", None) or _REMOTE_WORKERS

    @property
    def room(self) -> int:
        """Most tasks in flight."""
        return _AHEAD * self.size

    @property
    def patience(self) -> None:
        """There is no more room later."""

    def executor(self) -> Executor:
        """Return what takes work."""
        if isinstance(self._given, Executor):
            return self._given
        if self._local is None:
            self._local = self._pools.enter_context(local_pool(self._given))
        return self._local

    def replace(self) -> None:
        """Start with new processes: one has died, and its pool takes no more work.

        Raises
        ------
        MaxvoltError
            The executor is that of somebody else.
        """
        if isinstance(self._given, Executor):
            raise MaxvoltError(
                "a process of the executor has died, perhaps for lack of memory, and the executor "
                "takes no more work; run again with a new one"
            )
        self._pools.close()
        self._local = None


@contextmanager
def local_pool(
    workers: int, prepare: Callable[[], object] | None = None
) -> Iterator[ProcessPoolExecutor]:
    """Worker processes of this machine, each of which calls `prepare` when it starts.

    They leave at once when the block is left early, and when this process is killed. They are
    forked from a server that has no threads: a fork of this process could wait forever for a thread
    that it does not have.
    """
    method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(method)
    reader, writer = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(
        workers, mp_context=context, initializer=_initialize, initargs=(reader, prepare)
    )
    try:
        yield pool
    except BaseException:
        writer.close()  # workers end in the middle of what they do
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        writer.close()
        reader.close()


def _initialize(alive: Connection, prepare: Callable[[], object] | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    threadpool_limits(limits=1)  # each worker is one thread of the whole
    os.environ["OMP_NUM_THREADS"] = "1"  # the same for libraries that are not loaded yet
    threading.Thread(target=_leave_after, args=(alive,), daemon=True).start()
    if prepare is not None:
        prepare()


def _leave_after(alive: Connection) -> None:
    """End this process when nobody holds the other end of the pipe any more."""
    try:
        alive.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)
