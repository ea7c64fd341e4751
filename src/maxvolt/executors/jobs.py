"""Keeps as many jobs in a queue as there is work for, and replaces those that are lost."""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from maxvolt.errors import CampaignError
from maxvolt.executors.queues import Queue

__all__ = ["Jobs", "Limits"]


class QueuedJob(Protocol):
    """What dask_jobqueue has for a job."""

    name: str
    job_id: str | None

    async def start(self) -> None:
        """Submit it."""

    async def close(self) -> None:
        """Cancel it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How patiently jobs are looked after.

    Attributes
    ----------
    look, soon
        Seconds between looks at the queue, and where a worker was lost.
    settle
        Seconds until a job that was submitted must be in the list of the queue.
    failures
        So many submissions in succession that are refused, or jobs that end before their worker
        reports, end the campaign.
    """

    look: float = 10.0
    soon: float = 2.0
    settle: float = 30.0
    failures: int = 3


@dataclass(slots=True)
class _Submitted:
    job: QueuedJob
    time: float
    busy: float
    has_reported: bool = False


class Jobs:
    """Jobs that are alike; used by one thread.

    Parameters
    ----------
    make
        Makes a job, given something that marks the name of its worker.
    queue
        Says which jobs there are.
    purpose
        What the jobs are for, in messages.
    logs
        Folder of what they print.
    idle
        Seconds after which a job without a task is given back.
    noted
        Called with the number of each job that was submitted.
    limits
        How patiently they are looked after.
    """

    def __init__(
        self,
        make: Callable[[str], QueuedJob],
        queue: Queue,
        purpose: str,
        logs: Path,
        idle: float,
        noted: Callable[[str], None],
        limits: Limits | None = None,
    ) -> None:
        self._make = make
        self._queue = queue
        self._purpose = purpose
        self._logs = logs
        self._idle = idle
        self._noted = noted
        self._limits = Limits() if limits is None else limits
        self._jobs: dict[str, _Submitted] = {}
        self._looked = -math.inf
        self._refused = self._failed = 0

    def keep(self, wanted: int, connected: Collection[str], busy: Collection[str]) -> None:
        """Submit and give back jobs as needed; called often, acts now and then.

        Parameters
        ----------
        wanted
            How many jobs there is work for.
        connected, busy
            Names of the workers that have reported, and of those that have tasks.

        Raises
        ------
        CampaignError
            The queue refuses jobs, or they end at once.
        """
        now = time.monotonic()
        for name, submitted in self._jobs.items():
            if name in connected and not submitted.has_reported:
                submitted.has_reported = True
                self._failed = 0
            if name in busy or not submitted.has_reported:
                submitted.busy = now
        begins = wanted and not (self._jobs or self._refused or self._failed)
        lost = any(job.has_reported and name not in connected for name, job in self._jobs.items())
        hurry = begins or (lost and now > self._looked + self._limits.soon)
        if now < self._looked + self._limits.look and not hurry:
            return
        self._looked = now
        self._forget_those_that_ended(now, connected)
        idle = [name for name, job in self._jobs.items() if now - job.busy > self._idle]
        for name in idle[: max(0, len(self._jobs) - wanted)]:
            self._cancel([self._jobs.pop(name)])
        for _ in range(wanted - len(self._jobs)):
            if not self._submit(now):
                break

    def cancel_all(self) -> None:
        """Take all jobs out of the queue, running or not."""
        jobs, self._jobs = self._jobs, {}
        self._cancel(list(jobs.values()))

    def _forget_those_that_ended(self, now: float, connected: Collection[str]) -> None:
        there = self._queue.jobs() if self._jobs else set()
        if there is None:
            return  # no answer, no news
        for name, submitted in list(self._jobs.items()):
            ended = submitted.job.job_id not in there and name not in connected
            if ended and (submitted.has_reported or now - submitted.time > self._limits.settle):
                del self._jobs[name]
                if not submitted.has_reported:
                    self._failed += 1
                    self._check_failures(submitted)

    def _check_failures(self, last: _Submitted) -> None:
        if self._failed < self._limits.failures:
            return
        said = "\n".join(f"    {line}" for line in self._last_words(last))
        raise CampaignError(
            f"{self._failed} jobs for {self._purpose} in succession ended, or were cancelled, "
            f"before their worker reported to this machine; what they printed is in {self._logs}"
            + (f", the last of job {last.job.job_id}:\n{said}" if said else "")
            + "\nCheck [executor]: does prologue load what python needs, may the nodes connect to "
            "this machine (interface), do they see its folders? Then run again"
        )

    def _last_words(self, submitted: _Submitted) -> Iterator[str]:
        number = submitted.job.job_id
        paths = [path for path in self._logs.glob(f"*{number}*") if path.is_file()]
        for path in sorted(paths):
            yield from path.read_text(errors="replace").strip().splitlines()[-3:]

    def _submit(self, now: float) -> bool:
        """Submit one more job; False where it was refused, perhaps only for the moment."""
        job = self._make(secrets.token_hex(4))
        try:
            asyncio.run(job.start())
        except (RuntimeError, ValueError, OSError) as error:
            self._refused += 1
            if self._refused < self._limits.failures:
                return False
            raise CampaignError(
                f"the queue refused {self._refused} jobs for {self._purpose} in succession, the "
                f"last one with: {_in_one_line(error)}; correct [executor], then run again "
                "('maxvolt run FILE --check' shows the job)"
            ) from error
        self._refused = 0
        self._jobs[job.name] = _Submitted(job, now, now)
        self._noted(str(job.job_id))
        return True

    def _cancel(self, jobs: list[_Submitted]) -> None:
        async def cancel() -> list[Any]:
            closing = (submitted.job.close() for submitted in jobs)
            return await asyncio.gather(*closing, return_exceptions=True)

        if jobs:
            asyncio.run(cancel())


def _in_one_line(error: Exception) -> str:
    return "; ".join(line.strip() for line in str(error).splitlines() if line.strip())
