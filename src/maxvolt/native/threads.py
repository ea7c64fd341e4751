"""Threads over blocks of atoms; the kernels release the interpreter lock."""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

__all__ = ["ATOMS_PER_THREAD", "atom_ranges", "map_ranges", "run_ranges", "thread_count"]

T = TypeVar("T")

ATOMS_PER_THREAD = 256
"""Below this many atoms a thread, starting it costs more than it saves."""


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


def atom_ranges(n_atoms: int, threads: int, *, multiple: int = 8) -> list[tuple[int, int]]:
    """Split atoms into contiguous ranges whose lengths are multiples of a block."""
    parts = max(1, min(threads, n_atoms // ATOMS_PER_THREAD))
    blocks = -(-n_atoms // multiple)
    edges = [min(n_atoms, multiple * (blocks * p // parts)) for p in range(parts + 1)]
    return list(itertools.pairwise(edges))


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
