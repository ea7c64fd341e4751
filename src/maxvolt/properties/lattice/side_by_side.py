"""Work in threads that stops everywhere when it fails or is interrupted anywhere."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from threading import Event
from typing import TypeVar

from maxvolt.processors import thread_count

__all__ = ["side_by_side"]

Result = TypeVar("Result")


class _NotWantedError(Exception):
    """Nobody waits for the work any more."""


def side_by_side(
    work: Callable[[int, Callable[[], None]], Result], count: int, threads: int | None
) -> list[Result]:
    """Do several pieces of work in threads.

    Parameters
    ----------
    work
        Takes its number and a function that it calls now and then, which raises when the work is
        to stop.
    count
        Of pieces.
    threads
        None: `OMP_NUM_THREADS`, or all cores.

    Returns
    -------
    results
        By number.
    """
    stop = Event()

    def check() -> None:
        if stop.is_set():
            raise _NotWantedError

    with ThreadPoolExecutor(thread_count(threads)) as pool:
        futures = [pool.submit(work, number, check) for number in range(count)]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
        except BaseException:
            stop.set()
            for future in futures:
                future.cancel()
            raise
        return [future.result() for future in futures]
