"""Worker processes that calculate, and the pools that they are taken from.

Workers live on between calculations, as long as this process, because starting Python and loading a
calculator takes longer than some calculations do.
"""

from __future__ import annotations

import atexit
import json
import os
import secrets
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from maxvolt.errors import LabellingError
from maxvolt.labelling.jobs import Outcome
from maxvolt.labelling.limits import LabelLimits
from maxvolt.labelling.session_process import SessionProcess
from maxvolt.labelling.sessions import GRACE
from maxvolt.labelling.worker_answers import Answers, EndedError, HungError
from maxvolt.processors import core_count

__all__ = ["DiedError", "HungError", "Task", "Worker", "WorkerPool"]

_ONE_THREAD = {"OMP_NUM_THREADS": "1"}
_START = 300.0
"""Seconds that a worker may take to begin: starting Python, loading the calculator."""
_CALCULATIONS_OF_A_WORKER = 200
"""After so many a worker is replaced: some calculators never give memory back."""


@dataclass(frozen=True, slots=True)
class Task:
    """A job as it travels to the place where it is calculated.

    Parameters
    ----------
    folder
        Where the job is described.
    key
        Its key.
    claims
        The file of claims; see `maxvolt.labelling.claims`.
    limits
        What it may take and give.
    machine
        How it runs here: the folder may be from a run that was told otherwise.
    environment
        Environment variables of the calculation, besides those of this process.
    """

    folder: Path
    key: str
    claims: Path
    limits: LabelLimits
    machine: Mapping[str, Any]
    environment: Mapping[str, str]


class DiedError(Exception):
    """A worker ended without an answer; the message says how."""


class Worker:
    """A worker process, as its supervisor sees it.

    Raises
    ------
    LabellingError
        The system starts no more processes.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = {**_ONE_THREAD, **environment}
        self.calculations = 0
        self.began = False
        self.reusable = True
        try:
            self._process = SessionProcess(
                "maxvolt.labelling.worker", {**os.environ, **self.environment}
            )
        except OSError as error:
            raise LabellingError(
                f"a process for calculations cannot be started: {error}; make room for it (memory, "
                "processes, space for temporary files), or use fewer workers"
            ) from error
        self._answers = Answers(self._process.output, self.is_alive)

    def calculate(self, task: Task, attempt: int) -> Outcome:
        """Have a job calculated; the clock of the time limit starts when it begins."""
        self.calculations += 1
        name = secrets.token_hex(8)
        request = {
            "request": name,
            "folder": str(task.folder),
            "key": task.key,
            "claims": str(task.claims),
            "limits": asdict(task.limits),
            "machine": dict(task.machine),
            "attempt": attempt,
            "sys_path": [str(path) for path in sys.path],
            "environment": {**os.environ, **self.environment},
        }
        self.began = False
        try:
            self._send(request)
            answer = self._answers.next(name, _START)
            if "begins" in answer:
                self.began = True
                answer = self._answers.next(name, task.limits.timeout)
            outcome = Outcome.from_dict(answer)
            self.reusable = bool(answer["reusable"])
        except EndedError as error:
            raise DiedError(str(error) or self._process.how_it_ended()) from error
        except (KeyError, TypeError, ValueError) as error:
            raise DiedError(f"the calculation corrupted its answer ({error!r})") from error
        return outcome

    def is_alive(self) -> bool:
        """Say whether the process still runs."""
        return self._process.is_alive()

    def kill(self) -> None:
        """Kill the worker and everything it started."""
        self._process.kill()

    def end(self, *, grace: float = GRACE) -> None:
        """End the worker and everything it started, and forget about it."""
        self._process.end(grace)

    def _send(self, request: Mapping[str, Any]) -> None:
        try:
            self._process.input.write(json.dumps(request).encode() + b"\n")
            self._process.input.flush()
        except OSError as error:
            raise EndedError from error


class _Idle:
    """Workers of this process that wait for their next calculation; they end with it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._workers: list[Worker] = []
        self._inherited: list[Worker] = []
        os.register_at_fork(after_in_child=self.forget)
        atexit.register(self.end_all)

    def pop(self, environment: Mapping[str, str]) -> Worker | None:
        """Return one with this environment, if there is one."""
        wanted = {**_ONE_THREAD, **environment}
        with self._lock:
            dead = [worker for worker in self._workers if not worker.is_alive()]
            self._workers = [worker for worker in self._workers if worker not in dead]
            found = next((w for w in reversed(self._workers) if w.environment == wanted), None)
            if found is not None:
                self._workers.remove(found)
        for worker in dead:
            worker.end(grace=0.0)
        return found

    def push(self, worker: Worker) -> None:
        """Keep a worker, and let go the one that has waited longest where there are too many."""
        with self._lock:
            self._workers.append(worker)
            too_many = self._workers[: -core_count()]
            self._workers = self._workers[len(too_many) :]
        for old in too_many:
            old.end(grace=0.0)

    def forget(self) -> None:
        """Leave them to the process this one was forked from."""
        self._lock = threading.Lock()
        self._inherited = self._workers  # kept, because what is dropped would be cleaned up
        self._workers = []

    def end_all(self) -> None:
        """End them."""
        with self._lock:
            workers, self._workers = self._workers, []
        for worker in workers:
            worker.end(grace=0.0)


_idle = _Idle()


class WorkerPool:
    """The workers that are busy for one purpose; may be used by several threads.

    The pool does not limit their number: whoever performs tasks takes one worker each.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy: list[Worker] = []
        self._closed = False

    def take(self, environment: Mapping[str, str], *, new: bool = False) -> Worker:
        """Return an idle worker with this environment, or a new one."""
        with self._lock:
            self.check_open()
            idle = None if new else _idle.pop(environment)
            worker = Worker(environment) if idle is None else idle
            self._busy.append(worker)
            return worker

    def check_open(self) -> None:
        """Raise RuntimeError where `close` has killed the workers: no calculation is to blame."""
        if self._closed:
            raise RuntimeError("the calculations have been cancelled")

    def give_back(self, worker: Worker, *, usable: bool) -> None:
        """Keep a worker for later, or end it where it cannot be used any more."""
        with self._lock:
            self._busy.remove(worker)
            usable = usable and not self._closed  # `close` has killed it
        if usable and worker.reusable and worker.calculations < _CALCULATIONS_OF_A_WORKER:
            _idle.push(worker)
        else:
            worker.end(grace=0.0 if usable else GRACE)

    def close(self) -> None:
        """Kill all workers that are busy; their tasks fail."""
        with self._lock:
            self._closed = True
            for worker in self._busy:  # those who use them notice, and end them
                worker.kill()
