"""Where a campaign runs: this machine, or a cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from maxvolt import limits
from maxvolt.executors.kinds import Kind
from maxvolt.executors.resources import (
    ClusterPlan,
    Resources,
    memory_in_bytes,
    walltime_in_seconds,
)
from maxvolt.sections import Section, within

__all__ = ["DaskSection", "ExecutorSection", "LocalSection", "ResourcesSection"]


def _readable(read: Callable[[str], int]) -> AfterValidator:
    def check(text: str) -> str:
        read(text)
        return text

    return AfterValidator(check)


def _one_line(text: str) -> str:
    if not text.strip() or "\n" in text:
        raise ValueError("expected one line of text")
    return text


Line = Annotated[str, AfterValidator(_one_line)]
Processes = Annotated[int, within(limits.WORKERS, whole=True)]

_OF_A_QUEUE = ("memory", "walltime", "queue", "account", "directives", "prologue", "options")


class ResourcesSection(Section):
    """What a job for tasks of one kind gets."""

    jobs: Processes | None = None
    """Most jobs at once, by default 1; with scheduler = "local", worker processes."""
    cores: Processes | None = None
    """Cores of a job, by default 1."""
    tasks: Processes | None = None
    """Tasks a job does at once; by default one per core, of fits and parallel programs one."""
    memory: Annotated[str, _readable(memory_in_bytes)] | None = None
    """Memory of a job, such as "16 GB"; by default what the queue gives."""
    walltime: Annotated[str, _readable(walltime_in_seconds)] | None = None
    """Time of a job, "hours:minutes:seconds"."""
    queue: Line | None = None
    """Queue or partition, by default that of the scheduler."""
    account: Line | None = None
    """Account or project that is charged."""
    directives: tuple[Line, ...] | None = None
    """Further lines for the scheduler without their prefix, such as "--constraint=cpu"."""
    prologue: tuple[Line, ...] | None = None
    """Lines of shell before the worker starts, such as "module load vasp"."""
    options: dict[str, Any] | None = None
    """Further keywords of the scheduler's class in dask_jobqueue."""


class LocalSection(Section):
    """Processes of this machine."""

    kind: Literal["local"] = "local"
    """Where tasks run: "local", on this machine, or "dask", on a cluster."""


class DaskSection(ResourcesSection):
    """Workers of Dask; resources here count for all kinds of tasks that say nothing else."""

    kind: Literal["dask"]
    """Where tasks run: "local", on this machine, or "dask", on a cluster."""
    scheduler: Literal["local", "slurm", "pbs", "lsf", "sge"]
    """The batch system that starts workers; "local" starts them on this machine."""
    interface: Line | None = None
    """Network interface under which jobs reach this machine, such as "ib0"."""
    python: Line | None = None
    """Python of the workers, by default the one that runs the campaign."""
    retries: Annotated[int, within(limits.RETRIES, whole=True)] = 3
    """How often a task is done again whose worker was lost."""
    idle: Annotated[float, Field(ge=1, le=86400)] = 60.0
    """Seconds after which a job without a task is given back."""
    sampling: ResourcesSection = ResourcesSection()
    """Jobs for scenarios."""
    labelling: ResourcesSection = ResourcesSection()
    """Jobs for reference calculations."""
    fitting: ResourcesSection = ResourcesSection()
    """Jobs for fits, selection and errors; with several potentials, one fit each."""

    @model_validator(mode="after")
    def _fits_the_scheduler(self) -> DaskSection:
        for kind in Kind:
            if self.scheduler == "local":
                self._check_without_queue(kind)
            else:
                self._check_with_queue(kind)
        return self

    def _check_without_queue(self, kind: Kind) -> None:
        for name in _OF_A_QUEUE:
            if self._asked(kind, name) is not None:
                raise ValueError(
                    f'{name}: scheduler = "local" has no queue; remove it, or name the batch system'
                )

    def _check_with_queue(self, kind: Kind) -> None:
        if self._asked(kind, "walltime") is None:
            raise ValueError(
                f'walltime is missing for {kind}; write walltime = "12:00:00" (hours, minutes, '
                f"seconds), the time after which a job ends, here or in [executor.{kind}]"
            )
        cores, tasks = self._asked(kind, "cores") or 1, self._asked(kind, "tasks") or 1
        if tasks > cores:
            raise ValueError(
                f"tasks = {tasks} is more than the {cores} cores of a job for {kind}; raise cores "
                "or lower tasks"
            )

    def plan(self, *, parallel_reference: bool) -> ClusterPlan:
        """What the tasks of each kind get.

        Parameters
        ----------
        parallel_reference
            Whether a reference calculation starts several processes itself.
        """
        alone = {Kind.FITTING} | ({Kind.LABELLING} if parallel_reference else set())
        return ClusterPlan(
            scheduler=self.scheduler,
            resources={kind: self._resources(kind, alone=kind in alone) for kind in Kind},
            interface=self.interface,
            python=self.python,
            retries=self.retries,
            idle=self.idle,
        )

    def _resources(self, kind: Kind, *, alone: bool) -> Resources:
        cores = self._asked(kind, "cores") or 1
        memory, walltime = self._asked(kind, "memory"), self._asked(kind, "walltime")
        return Resources(
            jobs=self._asked(kind, "jobs") or 1,
            cores=cores,
            tasks=self._asked(kind, "tasks") or (1 if alone else cores),
            memory=None if memory is None else memory_in_bytes(memory),
            walltime=0 if walltime is None else walltime_in_seconds(walltime),
            queue=self._asked(kind, "queue"),
            account=self._asked(kind, "account"),
            directives=self._asked(kind, "directives") or (),
            prologue=self._asked(kind, "prologue") or (),
            options=self._asked(kind, "options") or {},
        )

    def _asked(self, kind: Kind, name: str) -> Any:
        """Value for a kind of task, or that for all."""
        own = getattr(getattr(self, kind), name)
        return getattr(self, name) if own is None else own


ExecutorSection = Annotated[LocalSection | DaskSection, Field(discriminator="kind")]
