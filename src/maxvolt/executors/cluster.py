"""A campaign on a cluster: Dask's scheduler beside the campaign, workers here or in jobs.

The scheduler lives in the process that runs the campaign and ends with it; workers that find nobody
to work for end by themselves. All connections are encrypted, and take only who has the key of this
run, which lies in the folder of the campaign, readable to its owner alone: a worker does whatever
is asked of it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maxvolt.executors.dispatching import Dispatcher
from maxvolt.executors.extra import imported
from maxvolt.executors.job_scripts import JobMaker, worker_name
from maxvolt.executors.jobs import Jobs, Limits
from maxvolt.executors.kinds import Kind
from maxvolt.executors.private_folder import PrivateFolder
from maxvolt.executors.queues import QUEUES
from maxvolt.executors.resources import ClusterPlan
from maxvolt.executors.worker import Place, perform_here, perform_isolated

if TYPE_CHECKING:
    from dask_jobqueue.core import Job
    from distributed import Client, LocalCluster
    from distributed.security import Security

__all__ = ["LOGS", "ClusterExecutors"]

LOGS = "executor_logs"
"""Folder, in that of the campaign, for what jobs print."""

_LOOK = 0.5
"""Seconds between looks at which workers there are."""

_CLOSE = 20.0
"""Seconds for workers of this machine to end."""

_CONFIGURATION = {
    "distributed.worker.daemon": False,  # daemons must not start processes
    "distributed.scheduler.worker-ttl": "5 minutes",  # a machine that is gone says no goodbye
    "distributed.scheduler.http.routes": [],
    "distributed.comm.timeouts.connect": "60s",
    "distributed.admin.large-graph-warning-threshold": "1GB",  # structures are what is sent
    "distributed.worker.memory.target": False,  # what needs memory are processes of tasks
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
}

_SCHEDULER = {
    "allowed_failures": 0,  # the dispatchers count them
    "dashboard": False,
    "dashboard_address": "127.0.0.1:0",  # it has a port for pages, even where there are none
}


class ClusterExecutors:
    """Executors for the kinds of tasks on a cluster; it starts with the first task.

    Parameters
    ----------
    plan
        What there is for each kind.
    folder
        Of the campaign, which all machines share.
    limits
        How patiently jobs are looked after.
    """

    def __init__(self, plan: ClusterPlan, folder: Path, limits: Limits | None = None) -> None:
        self.plan = plan
        self._folder = folder.absolute()
        self._limits = limits
        self._connection: _Connection | None = None

    def of(self, kind: Kind) -> Executor:
        """Return the executor of a kind."""
        if self._connection is None:
            self._connection = _Connection(self.plan, self._folder, self._limits)
        return self._connection.dispatchers[kind]

    def threads(self, kind: Kind) -> int:
        """Return the number of cores for each task of a kind."""
        return self.plan.resources[kind].threads

    def is_apart(self, kind: Kind) -> bool:
        """Whether tasks of a kind have jobs of their own."""
        return self.plan.has_queue and (kind,) in self.plan.pools

    def close(self) -> None:
        """Cancel all jobs and end the scheduler, also where somebody is impatient meanwhile."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        closing = threading.Thread(target=connection.close)
        closing.start()
        impatience: KeyboardInterrupt | None = None
        while closing.is_alive():
            try:
                closing.join()
            except KeyboardInterrupt as interrupt:  # jobs would go on
                impatience = interrupt
        if impatience is not None:
            raise impatience


class _Connection:
    """A running scheduler, and the thread that keeps jobs and hands out tasks."""

    def __init__(self, plan: ClusterPlan, folder: Path, limits: Limits | None) -> None:
        self._plan = plan
        self._leave = ExitStack()
        self._wake = threading.Event()
        self._closing = False
        for module in ("dask_jobqueue", "distributed.utils") if plan.has_queue else ():
            imported(module)  # here, not in the thread that makes jobs
        try:
            private = self._leave.enter_context(PrivateFolder(folder, plan.scheduler))
            security = imported("distributed").Security.temporary()
            self._client = self._started(security)
            self.dispatchers = {
                kind: Dispatcher(
                    kind,
                    perform_here if kind is Kind.LABELLING else perform_isolated,
                    Place.here(private.sign),
                    resources.slots,
                    plan.retries,
                    self._wake.set,
                )
                for kind, resources in plan.resources.items()
            }
            arguments = private.keep(security)
            self._jobs = self._queued(folder / LOGS, private, arguments, limits)
            self._thread = threading.Thread(target=self._serve, daemon=True)
            self._thread.start()
        except BaseException:
            self._leave.close()
            raise

    def close(self) -> None:
        """Cancel jobs, end workers and scheduler."""
        self._closing = True
        self._wake.set()
        self._thread.join()
        for jobs in self._jobs.values():
            jobs.cancel_all()
        for dispatcher in self.dispatchers.values():
            dispatcher.shutdown()
        self._leave.close()

    def _started(self, security: Security) -> Client:
        """Start a scheduler, and the workers where these are processes of this machine."""
        distributed, configured = imported("distributed"), imported("dask").config.set
        self._leave.enter_context(configured(_CONFIGURATION))
        resources = self._plan.resources.values()
        options: dict[str, Any] = {"n_workers": 0, "interface": self._plan.interface}
        if not self._plan.has_queue:
            options |= {"n_workers": max(one.jobs for one in resources), "memory_limit": None}
        elif self._plan.interface is None:
            options["host"] = imported("distributed.utils").get_ip()
        cluster: LocalCluster = distributed.LocalCluster(
            threads_per_worker=max(one.tasks for one in resources),
            security=security,
            scheduler_kwargs=_SCHEDULER,
            silence_logs=logging.CRITICAL,  # they tell what matters
            **options,
        )
        self._leave.callback(cluster.close, timeout=_CLOSE)
        client: Client = distributed.Client(cluster, set_as_default=False)
        self._leave.callback(client.close)
        return client

    def _queued(
        self, logs: Path, private: PrivateFolder, arguments: Sequence[str], limits: Limits | None
    ) -> dict[tuple[Kind, ...], Jobs]:
        """What keeps the jobs of each pool; none where there is no queue."""
        if not self._plan.has_queue:
            return {}
        maker = JobMaker(self._plan, logs, self._client.scheduler.address, arguments)
        return {
            pool: Jobs(
                partial(_job, maker, pool),
                QUEUES[self._plan.scheduler],
                " and ".join(pool),
                logs,
                self._plan.idle,
                private.note_job,
                limits,
            )
            for pool in self._plan.pools
        }

    def _serve(self) -> None:
        """Keep jobs and hand out tasks until this is closed."""
        try:
            while not self._closing:
                self._wake.wait(_LOOK)
                self._wake.clear()
                if not self._closing:
                    self._look()
        except BaseException as error:  # noqa: BLE001 (raised where the campaign waits for tasks)
            for dispatcher in self.dispatchers.values():
                dispatcher.fail(error)

    def _look(self) -> None:
        workers = self._workers()
        pools = self._plan.pools if self._plan.has_queue else (tuple(self._plan.resources),)
        for pool in pools:
            prefix = worker_name(pool, "") if self._plan.has_queue else ""
            own = {address: name for address, name in workers.items() if name.startswith(prefix)}
            for kind in pool:
                self.dispatchers[kind].take_in(own)
            wanted, busy, most = 0, set[str](), 1
            # What the campaign waits for comes first: it may sample ahead meanwhile.
            for kind in sorted(pool, key=lambda kind: kind is Kind.SAMPLING):
                dispatcher, resources = self.dispatchers[kind], self._plan.resources[kind]
                others = set().union(*(self.dispatchers[k].busy for k in pool if k is not kind))
                free = {address: name for address, name in own.items() if name not in others}
                dispatcher.hand_out(self._client, free, resources.tasks)
                wanted += min(resources.jobs, -(-dispatcher.outstanding // resources.tasks))
                most = max(most, resources.jobs)
                busy |= dispatcher.busy
            if self._plan.has_queue:
                self._jobs[pool].keep(min(wanted, most), set(own.values()), busy)

    def _workers(self) -> Mapping[str, str]:
        """Names of all workers by their addresses."""
        found = self._client.scheduler_info(n_workers=-1)["workers"]
        return {address: str(worker["name"]) for address, worker in found.items()}


def _job(maker: JobMaker, pool: Sequence[Kind], mark: str) -> Job:
    return maker.job(pool, worker_name(pool, mark))
