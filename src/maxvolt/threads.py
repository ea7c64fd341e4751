"""Threads over windows of atoms; the kernels release the interpreter lock.

The thread that asks computes along, and helpers join it. They are daemon threads of this module
rather than those of `concurrent.futures`, whose exit handler waits for all that was begun, and
turns away the work of threads that go on after the main thread has ended.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Generic, TypeVar

from maxvolt.processors import thread_count

__all__ = ["map_ranges", "run_ranges", "split", "thread_count"]

T = TypeVar("T")


def split(n: int, parts: int) -> list[tuple[int, int]]:
    """Split n things into so many contiguous ranges of nearly equal length, or into n if fewer."""
    parts = max(1, min(parts, n))
    return list(itertools.pairwise(n * p // parts for p in range(parts + 1)))


def map_ranges(
    work: Callable[[int, int], T], ranges: list[tuple[int, int]], threads: int
) -> Iterator[T]:
    """Yield ``work(begin, end)`` of each range in order, computed by so many threads.

    An interruption (Ctrl-C) or an error ends it when the ranges being computed are done.
    """
    threads = min(threads, len(ranges))
    if threads <= 1:
        yield from (work(*item) for item in ranges)
        return
    # A few ahead of the consumer, so that results do not pile up.
    shared = _SharedWork(work, ranges, ahead=2 * threads)
    try:
        _helpers.ask(shared.help, threads - 1)
        for index in range(len(ranges)):
            yield shared.result(index)
    finally:
        shared.stop()


def run_ranges(
    work: Callable[[int, int, int], T], ranges: list[tuple[int, int]], threads: int
) -> list[T]:
    """Call ``work(part, begin, end)`` for each range, in so many threads; results in order."""
    numbered = [(part, part) for part in range(len(ranges))]
    return list(map_ranges(lambda part, _: work(part, *ranges[part]), numbered, threads))


class _SharedWork(Generic[T]):
    """Ranges that several threads compute, each taking the next one when it has done its last."""

    def __init__(
        self, work: Callable[[int, int], T], ranges: list[tuple[int, int]], *, ahead: int
    ) -> None:
        self._work = work
        self._ranges = ranges
        self._ahead = ahead
        self._changed = threading.Condition()
        self._next = 0  # that nobody has taken
        self._wanted = 0  # that the consumer waits for
        self._results: dict[int, T] = {}
        self._errors: dict[int, BaseException] = {}
        self._stopped = False

    def help(self) -> None:
        """Compute until nothing is left to do."""
        while (index := self._take(wait=True)) is not None:
            self._compute(index)

    def result(self, index: int) -> T:
        """Give the result of a range; those before it have been asked for."""
        with self._changed:
            self._wanted = index
            self._changed.notify_all()
        while True:
            with self._changed:
                if index in self._results:
                    return self._results.pop(index)
                if index in self._errors:
                    raise self._errors.pop(index)
            mine = self._take(wait=False)
            if mine is not None:
                self._compute(mine)
                error = self._errors.get(mine)
                if error is not None and not isinstance(error, Exception):
                    raise error  # Ctrl-C, which does not wait for its turn
                continue
            with self._changed:
                self._changed.wait_for(lambda: index in self._results or index in self._errors)

    def stop(self) -> None:
        """Begin no further range."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _take(self, *, wait: bool) -> int | None:
        with self._changed:
            while not self._stopped and self._next < len(self._ranges):
                if self._next < self._wanted + self._ahead:
                    self._next += 1
                    return self._next - 1
                if not wait:
                    return None
                self._changed.wait()
            return None

    def _compute(self, index: int) -> None:
        try:
            result = self._work(*self._ranges[index])
        except BaseException as error:  # noqa: BLE001 - raised where the result is asked for
            with self._changed:
                self._errors[index] = error
                self._stopped = True
                self._changed.notify_all()
        else:
            with self._changed:
                self._results[index] = result
                self._changed.notify_all()


class _Helpers:
    """Threads that wait for something to do, as many as were ever asked for at once."""

    def __init__(self) -> None:
        self._requests: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._lock = threading.Lock()
        self._count = 0

    def ask(self, request: Callable[[], None], count: int) -> None:
        """Have so many threads call a function, as soon as they are free."""
        with self._lock:
            while self._count < count:
                helper = threading.Thread(
                    target=self._serve, name=f"maxvolt-{self._count}", daemon=True
                )
                try:
                    helper.start()
                except RuntimeError:  # no more threads are available: those that ask do the work
                    return
                self._count += 1
        for _ in range(count):
            self._requests.put(request)

    def _serve(self) -> None:
        while True:
            self._requests.get()()


_helpers = _Helpers()


def _after_fork() -> None:
    """Start again: a forked process has none of its parent's threads."""
    global _helpers
    _helpers = _Helpers()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
