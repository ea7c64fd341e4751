"""Times of several pieces of work that compete on one machine, which others may use as well."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from time import perf_counter, process_time

__all__ = ["elapsed", "smallest_times"]

Work = Callable[[], object]

_MOST_CALLS = 200


def elapsed(work: Work, clock: Callable[[], float] = perf_counter) -> float:
    """Time of one call, s."""
    began = clock()
    work()
    return clock() - began


def smallest_times(
    works: Mapping[str, Work], seconds: float, *, least: int = 3, wall: bool = False
) -> dict[str, float]:
    """Smallest time of each piece of work, s.

    Each gets about the same time, and they take turns, so that a disturbance meets all of them.
    The smallest time is reported because other processes can only make it larger. For the same
    reason processor time is taken, without the waits for a processor that others use: they would
    hit long calls more than short ones.

    Parameters
    ----------
    works
        Pieces of work by name.
    seconds
        How long to repeat each of them.
    least
        Calls of each at least.
    wall
        Take wall time: for work on several threads or in other processes.
    """
    clock = perf_counter if wall else process_time
    with _without_garbage_collection():
        best = {name: elapsed(work, clock) for name, work in works.items()}
        calls = {
            name: min(_MOST_CALLS, max(least - 1, ceil(seconds / max(time, 1e-9))))
            for name, time in best.items()
        }
        rounds = max(1, min(calls.values()))
        for _ in range(rounds):
            for name, work in works.items():
                again = [elapsed(work, clock) for _ in range(ceil(calls[name] / rounds))]
                best[name] = min(best[name], *again)
    return best


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Keep Python from collecting garbage in the middle of a measurement."""
    gc.collect()
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
