"""What runs in a worker process."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing.connection import Connection

from ase.calculators.calculator import Calculator
from threadpoolctl import threadpool_limits

from maxvolt.sampling.results import SamplingResult
from maxvolt.sampling.rule import Thresholds
from maxvolt.sampling.scenario import Progress, Scenario

__all__ = ["CalculatorFactory", "Task", "local_pool", "run_task"]

CalculatorFactory = Callable[[], Calculator]
"""Makes a calculator that remembers nothing of an earlier part."""


@dataclass(frozen=True, slots=True)
class Task:
    """One part of a scenario, with all but the calculator."""

    scenario: Scenario
    thresholds: Thresholds
    seed: int

    @property
    def key(self) -> tuple[str, int]:
        """Name and part, which no other task of a run has."""
        return self.scenario.name, self.scenario.part

    def run(self, calculator: Calculator, progress: Progress | None = None) -> SamplingResult:
        """Run it."""
        return self.scenario.run(calculator, self.thresholds, seed=self.seed, progress=progress)


def run_task(task: Task, factory: bytes) -> SamplingResult:
    """Run a task in this process.

    Parameters
    ----------
    task
        What to run.
    factory
        The pickled `CalculatorFactory`, which is kept for the next task.
    """
    return task.run(_factory(factory)())


@contextmanager
def local_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Worker processes of this machine.

    They leave at once when the block is left early, and when this process is killed. They are
    forked from a server that has no threads: a fork of this process could wait forever for a thread
    that it does not have.
    """
    method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(method)
    reader, writer = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(reader,))
    try:
        yield pool
    except BaseException:
        writer.close()  # workers end in the middle of what they do
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        writer.close()
        reader.close()


def _begin(alive: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    threadpool_limits(limits=1)  # each worker is one thread of the whole
    threading.Thread(target=_leave_after, args=(alive,), daemon=True).start()


def _leave_after(alive: Connection) -> None:
    """End this process when nobody holds the other end of the pipe any more."""
    try:
        alive.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)


@lru_cache(maxsize=1)
def _factory(pickled: bytes) -> CalculatorFactory:
    factory: CalculatorFactory = pickle.loads(pickled)
    return factory
