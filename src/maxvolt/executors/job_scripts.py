"""The jobs of a batch system in which workers run: their scripts, made by dask_jobqueue."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maxvolt.errors import SettingsError
from maxvolt.executors.extra import imported
from maxvolt.executors.kinds import Kind
from maxvolt.executors.resources import ClusterPlan, Resources

if TYPE_CHECKING:
    from dask_jobqueue.core import Job

__all__ = ["SCHEDULERS", "JobMaker", "Scheduler", "worker_name"]

_NAMES: Mapping[tuple[Kind, ...], str] = {
    (Kind.SAMPLING,): "maxvolt-sample",
    (Kind.LABELLING,): "maxvolt-label",
    (Kind.FITTING,): "maxvolt-fit",
}
"""Names of jobs that serve one kind of task; the others are called maxvolt. Some batch systems take
no more than 15 characters."""

_ADDRESS = "tls://ADDRESS:PORT"
"""Stands in a script for where the campaign runs, which is known when it does."""

_OF_WORKERS = (
    *("--memory-limit", "0"),  # what needs memory are processes of tasks, not the one of the worker
    "--no-dashboard",
    *("--preload", "maxvolt.executors.preload"),
)

_DEATH_TIMEOUT = 60
"""Seconds after which a worker ends that finds nobody to work for."""


@dataclass(frozen=True, slots=True)
class Scheduler:
    """What differs between batch systems.

    Attributes
    ----------
    cluster
        Name of the class in dask_jobqueue.
    submit, cancel
        Programs that take jobs and take them back.
    keywords
        Gives the keywords of the class that ask for resources.
    """

    cluster: str
    submit: str
    cancel: str
    keywords: Callable[[Resources], dict[str, Any]]


def _slurm(resources: Resources) -> dict[str, Any]:
    return {
        "account": resources.account,
        "walltime": _clock(resources.walltime),
        **({} if resources.memory else {"job_directives_skip": ["--mem="]}),
    }


def _pbs(resources: Resources) -> dict[str, Any]:
    asked = {"account": resources.account, "walltime": _clock(resources.walltime)}
    if resources.memory is None:
        asked["resource_spec"] = f"select=1:ncpus={resources.cores}"
    return asked


def _lsf(resources: Resources) -> dict[str, Any]:
    hours, minutes = divmod(-(-resources.walltime // 60), 60)
    return {
        "project": resources.account,
        "walltime": f"{hours:02d}:{minutes:02d}",
        **({} if resources.memory else {"job_directives_skip": ["-M "]}),
    }


def _sge(resources: Resources) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "project": resources.account,
        "walltime": _clock(resources.walltime),
    }
    if resources.memory is not None:  # of each core
        megabytes = -(-resources.memory // (resources.cores << 20))
        asked["resource_spec"] = f"h_vmem={megabytes}M"
    return asked


SCHEDULERS: Mapping[str, Scheduler] = {
    "slurm": Scheduler("SLURMCluster", "sbatch", "scancel", _slurm),
    "pbs": Scheduler("PBSCluster", "qsub", "qdel", _pbs),
    "lsf": Scheduler("LSFCluster", "bsub", "bkill", _lsf),
    "sge": Scheduler("SGECluster", "qsub", "qdel", _sge),
}


@dataclass(frozen=True, slots=True)
class JobMaker:
    """Makes the jobs of a plan.

    Attributes
    ----------
    plan
        What they ask for.
    logs
        Folder for what they print.
    address
        Where the campaign runs.
    arguments
        Further arguments of the workers.
    """

    plan: ClusterPlan
    logs: Path
    address: str = _ADDRESS
    arguments: Sequence[str] = ()

    def job(self, pool: Sequence[Kind], name: str, logs: Path | None = None) -> Job:
        """Make a job for some kinds of tasks, which is not submitted yet.

        Raises
        ------
        SettingsError
            Its options are none.
        """
        scheduler = SCHEDULERS[self.plan.scheduler]
        cluster = getattr(imported("dask_jobqueue"), scheduler.cluster)
        resources = self.plan.resources[pool[0]]
        keywords = {
            "cores": resources.cores,
            "memory": f"{resources.memory or 1 << 30} B",
            "processes": 1,
            "nanny": False,  # tasks have processes of their own
            "death_timeout": _DEATH_TIMEOUT,
            "interface": self.plan.interface,
            "python": None if self.plan.python is None else shlex.quote(self.plan.python),
            "queue": resources.queue,
            "job_name": _NAMES.get(tuple(pool), "maxvolt"),
            "job_extra_directives": self._directives(resources),
            "job_script_prologue": list(resources.prologue),
            "worker_extra_args": [*_OF_WORKERS, *self.arguments],
            "log_directory": str(self.logs if logs is None else logs),
            **scheduler.keywords(resources),
            **resources.options,
        }
        try:
            job: Job = cluster.job_cls(scheduler=self.address, name=name, **keywords)
        except (TypeError, ValueError, KeyError) as error:
            raise SettingsError(
                f"[executor]: dask_jobqueue refuses this ({error}); options takes keywords "
                f"of its {scheduler.cluster}"
            ) from error
        return job

    def script(self, pool: Sequence[Kind]) -> str:
        """Return the script of a job, writing nothing."""
        with (
            tempfile.TemporaryDirectory() as folder
        ):  # it would make the folder for what is printed
            script: str = self.job(pool, worker_name(pool), Path(folder)).job_script()
            return script.replace(folder, str(self.logs)).rstrip() + "\n"

    def _directives(self, resources: Resources) -> list[str]:
        directives = list(resources.directives)
        several = self.plan.scheduler == "sge" and resources.cores > 1
        if several and not any(line.startswith("-pe ") for line in directives):
            directives.append(f"-pe smp {resources.cores}")
        return directives


def worker_name(pool: Sequence[Kind], mark: str = "NAME") -> str:
    """Name a worker, so that it is known what it serves."""
    return f"{'_'.join(pool)}-{mark}"


def _clock(seconds: int) -> str:
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}"
