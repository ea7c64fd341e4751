"""Calculations under supervision: a time limit that holds, and further attempts.

Each calculation runs in a worker process (`maxvolt.labelling.worker`) that leads a session of its
own. A worker that has taken too long is ended with everything it started; a worker that died is
replaced.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from maxvolt.errors import MaxvoltError
from maxvolt.labelling.jobs import JOB, Outcome, Status, finished_outcome, write_result
from maxvolt.labelling.worker_pool import DiedError, HungError, Task, WorkerPool

__all__ = ["perform"]

_STARTS = 5
"""How often the workers of one job may end before the calculation begins."""

_pool = WorkerPool()
"""The workers of a process that a foreign executor owns."""


def perform(task: Task, pool: WorkerPool | None = None) -> Outcome:
    """Calculate a job, again where it failed, and return what became of it.

    A label, or the final reason why there is none, also stands in the folder of the job when this
    returns.
    """
    workers = _pool if pool is None else pool
    attempts = task.limits.retries + 1
    attempt = starts = 0
    while attempt < attempts:
        # No structure is given up for the marks that others left in a worker: the last attempt, and
        # any after a worker that did not even begin, has a new one.
        new = starts > 0 or 0 < attempt == attempts - 1
        outcome, began = _attempt(task, attempt + 1, workers, new=new)
        if outcome.status is not Status.FAILED:
            return outcome
        if began:
            attempt += 1
            continue
        starts += 1  # no fault of the structure
        if starts == _STARTS:
            return replace(outcome, status=Status.MISCONFIGURED)
    workers.check_open()
    times = "" if attempts == 1 else f" {attempts} times, last"
    return _leave(
        task.folder,
        replace(outcome, status=Status.QUARANTINED, reason=f"failed{times}: {outcome.reason}"),
    )


def _leave(folder: Path, outcome: Outcome) -> Outcome:
    """Leave an outcome in the folder of its job, unless another process was there first."""
    try:
        finished = finished_outcome(folder)
        if finished is not None:
            return finished
        write_result(folder, outcome)
    except MaxvoltError:
        if (folder / JOB).exists():
            raise
        return Outcome(Status.GONE, outcome.reason)
    return outcome


def _attempt(task: Task, attempt: int, workers: WorkerPool, *, new: bool) -> tuple[Outcome, bool]:
    """Try once; return what came of it and whether the calculation ever began."""
    started = time.perf_counter()
    worker = workers.take(task.environment, new=new)
    usable = False
    try:
        outcome = worker.calculate(task, attempt)
        usable = True
        return outcome, True
    except HungError:
        reason = f"no result within {task.limits.timeout:g} s" if worker.began else "does not start"
    except DiedError as error:
        reason = str(error)
    finally:
        workers.give_back(worker, usable=usable)
    seconds = time.perf_counter() - started
    return Outcome(Status.FAILED, reason, seconds=seconds, attempts=attempt), worker.began
