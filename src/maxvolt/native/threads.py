"""Threads over windows of atoms; the kernels release the interpreter lock."""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

__all__ = ["map_ranges", "run_ranges", "split", "thread_count"]

T = TypeVar("T")


def thread_count(threads: int | None) -> int:
    """Number of threads to use: as given, or every core this process may run on.

    Raises
    ------
    ValueError
        Fewer than one thread is asked for.
    """
    if threads is None:
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1
    if threads < 1:
        raise ValueError(f"threads must be at least 1, or None for all cores; got {threads}")
    return threads


def split(n: int, parts: int) -> list[tuple[int, int]]:
    """Split n things into so many contiguous ranges of nearly equal length, or into n if fewer."""
    parts = max(1, min(parts, n))
    return list(itertools.pairwise(n * p // parts for p in range(parts + 1)))


@lru_cache(maxsize=4)
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="maxvolt")


if hasattr(os, "register_at_fork"):
    # A forked process has none of its parent's threads and would wait for them forever.
    os.register_at_fork(after_in_child=_pool.cache_clear)


def map_ranges(
    work: Callable[[int, int], T], ranges: list[tuple[int, int]], threads: int
) -> Iterator[T]:
    """Yield ``work(begin, end)`` of each range in order, computed by so many threads."""
    if threads == 1 or len(ranges) == 1:
        yield from (work(*item) for item in ranges)
        return
    pool = _pool(threads)
    # A few ahead of the consumer, so that results do not pile up.
    pending = deque(pool.submit(work, *item) for item in ranges[: 2 * threads])
    for item in [*ranges[2 * threads :], *[None] * len(pending)]:
        yield pending.popleft().result()
        if item is not None:
            pending.append(pool.submit(work, *item))


def run_ranges(work: Callable[[int, int, int], T], ranges: list[tuple[int, int]]) -> list[T]:
    """Call ``work(part, begin, end)`` for each range, in threads if there are several."""
    if len(ranges) == 1:
        return [work(0, *ranges[0])]
    pool = _pool(len(ranges))
    return list(pool.map(lambda item: work(item[0], *item[1]), enumerate(ranges)))
