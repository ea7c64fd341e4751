"""What tasks of each kind ask of a cluster."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from maxvolt.executors.kinds import Kind

__all__ = ["ClusterPlan", "Resources", "memory_in_bytes", "walltime_in_seconds"]

_UNITS = {"": 1, "k": 1, "m": 2, "g": 3, "t": 4}
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt])(i?)b", re.IGNORECASE)
_WALLTIME = re.compile(r"(\d+):([0-5]\d):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Resources:
    """What jobs for one kind of task get.

    Attributes
    ----------
    jobs
        Most jobs at once.
    cores
        Cores of a job.
    tasks
        Tasks that a job does at once.
    memory
        Bytes of a job; None: what the queue gives.
    walltime
        Seconds of a job; 0 where there is no queue.
    queue, account
        As the scheduler names them; None for its default.
    directives
        Further lines for the scheduler, without their prefix.
    prologue
        Lines of shell before the worker starts.
    options
        Further keywords of the scheduler's class in dask_jobqueue.
    """

    jobs: int = 1
    cores: int = 1
    tasks: int = 1
    memory: int | None = None
    walltime: int = 0
    queue: str | None = None
    account: str | None = None
    directives: tuple[str, ...] = ()
    prologue: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def slots(self) -> int:
        """Most tasks at once, of all jobs."""
        return self.jobs * self.tasks

    @property
    def threads(self) -> int:
        """Cores for each task."""
        return max(1, self.cores // self.tasks)


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """Where the tasks of a campaign run.

    Attributes
    ----------
    scheduler
        "slurm", "pbs", "lsf" or "sge"; "local": processes of this machine.
    resources
        By kind of task.
    interface
        Network interface under which jobs reach this machine, such as ib0; None for the one that
        leads outside.
    python
        Interpreter of the workers; None for the one that runs now.
    retries
        How often a task whose worker was lost is done again.
    idle
        Seconds after which a job without a task is given back.
    """

    scheduler: str
    resources: Mapping[Kind, Resources]
    interface: str | None = None
    python: str | None = None
    retries: int = 3
    idle: float = 60.0

    @property
    def pools(self) -> tuple[tuple[Kind, ...], ...]:
        """Kinds of tasks whose jobs are alike, so that each job serves all of them."""
        alike: list[tuple[Resources, list[Kind]]] = []
        for kind, resources in self.resources.items():
            job = replace(resources, jobs=1, tasks=1)
            pool = next((kinds for other, kinds in alike if other == job), None)
            if pool is None:
                alike.append((job, [kind]))
            else:
                pool.append(kind)
        return tuple(tuple(kinds) for _, kinds in alike)

    @property
    def has_queue(self) -> bool:
        """Whether workers are jobs of a batch system."""
        return self.scheduler != "local"


def memory_in_bytes(text: str) -> int:
    """Read an amount of memory such as "16 GB" (10^9 bytes) or "16 GiB" (2^30).

    Raises
    ------
    ValueError
        It is none.
    """
    match = _MEMORY.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'expected memory such as "16 GB" or "500 MiB", found {text!r}')
    number, unit, binary = match.groups()
    amount = int(float(number) * (1024 if binary else 1000) ** _UNITS[unit.lower()])
    if amount < 1:
        raise ValueError(f"memory must be above 0, found {text!r}")
    return amount


def walltime_in_seconds(text: str) -> int:
    """Read a time such as "12:00:00": hours, minutes, seconds.

    Raises
    ------
    ValueError
        It is none, or 0.
    """
    match = _WALLTIME.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'expected "hours:minutes:seconds" such as "12:00:00", found {text!r}')
    hours, minutes, seconds = map(int, match.groups())
    total = 3600 * hours + 60 * minutes + seconds
    if total < 60:
        raise ValueError(f"a walltime must be a minute or more, found {text!r}")
    return total
