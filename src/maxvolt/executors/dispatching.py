"""Hands tasks of one kind to workers of a cluster, one for each free place, and again when lost.

Dask gives tasks to workers before these have a place for them, and when a worker is lost it counts
that against all it was given. Here a worker gets a task when it has a free place, so that what is
lost with it is what it was doing, and nothing else is blamed.
"""

from __future__ import annotations

import pickle
import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Executor, Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from maxvolt.errors import CampaignError
from maxvolt.executors.isolation import pickled_task
from maxvolt.executors.kinds import Kind
from maxvolt.sampling.processes import ProcessDiedError

if TYPE_CHECKING:
    from distributed import Client
    from distributed import Future as DaskFuture

__all__ = ["Dispatcher", "LostWorkersError"]

_DEATHS = 2
"""How often the process of a task may die."""

_FETCH = 300.0
"""Seconds for a result to come from the worker that has it."""


class LostWorkersError(CampaignError):
    """The workers of a task were lost again and again."""


@dataclass(eq=False, slots=True)
class _Task:
    content: bytes
    future: Future[Any]
    lost: int = 0
    deaths: int = 0


@dataclass(eq=False, slots=True)
class _Running:
    task: _Task
    worker: str
    name: str
    handle: DaskFuture
    missing: int = field(default=0)


class Dispatcher(Executor):
    """An executor for one kind of task; `take_in` and `hand_out` make it work.

    Parameters
    ----------
    kind
        Of its tasks.
    perform
        Does a pickled task at the worker, which is given `place` first.
    place
        What a worker must find there, see `maxvolt.executors.worker`.
    slots
        Most tasks at once, of all workers.
    retries
        How often a task whose worker was lost is done again.
    wake
        Called when there is something to do.
    """

    def __init__(
        self,
        kind: Kind,
        perform: Callable[[Any, bytes], bytes],
        place: Any,
        slots: int,
        retries: int,
        wake: Callable[[], None],
    ) -> None:
        self._kind = kind
        self._perform = perform
        self._place = place
        self._max_workers = slots  # the name that executors of the standard library have for it
        self._retries = retries
        self._wake = wake
        self._lock = threading.Lock()
        self._waiting: deque[_Task] = deque()
        self._running: list[_Running] = []
        self._error: BaseException | None = None

    def submit(
        self, function: Callable[..., Any], /, *arguments: Any, **options: Any
    ) -> Future[Any]:
        """Take a task."""
        task = _Task(pickled_task(function, *arguments, **options), Future())
        with self._lock:
            if self._error is not None:
                raise self._error
            self._waiting.append(task)
        self._wake()
        return task.future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more tasks, and give up those that there are."""
        self.fail(RuntimeError("this executor has been shut down"))

    @property
    def outstanding(self) -> int:
        """Tasks that are not done."""
        with self._lock:
            return len(self._waiting) + len(self._running)

    @property
    def busy(self) -> set[str]:
        """Names of the workers that have tasks."""
        with self._lock:
            return {running.name for running in self._running}

    def take_in(self, workers: Mapping[str, str]) -> None:
        """Take in what is done, find out what is lost.

        Parameters
        ----------
        workers
            Names of the workers that are there, by address.
        """
        with self._lock:
            running = list(self._running)
        for one in running:
            if one.handle.done():
                self._settle(one)
            elif one.worker not in workers:
                one.missing += 1
                if one.missing > 1:  # the end of the task may be on its way
                    self._lose(one)

    def fail(self, error: BaseException) -> None:
        """Give up all tasks, those that come later too."""
        with self._lock:
            self._error = error
            tasks = [*self._waiting, *(running.task for running in self._running)]
            handles = [running.handle for running in self._running]
            self._waiting.clear()
            self._running.clear()
        for handle in handles:
            handle.release()
        for task in tasks:
            if not task.future.cancelled() and not task.future.done():
                if not task.future.running():
                    task.future.set_running_or_notify_cancel()
                task.future.set_exception(error)

    def hand_out(self, client: Client, workers: Mapping[str, str], places: int) -> None:
        """Give tasks to free places.

        Parameters
        ----------
        client
            Of the cluster.
        workers
            Names of the workers that may have some, by address.
        places
            Tasks that each may do at once.
        """
        for address, name in workers.items():
            with self._lock:
                free = places - sum(one.worker == address for one in self._running)
                free = min(free, self._max_workers - len(self._running))
            for _ in range(free):
                task = self._next()
                if task is None:
                    return
                handle = client.submit(
                    self._perform,
                    self._place,
                    task.content,
                    workers=[address],
                    allow_other_workers=False,
                    pure=False,
                )
                handle.add_done_callback(lambda _: self._wake())
                with self._lock:
                    self._running.append(_Running(task, address, name, handle))

    def _next(self) -> _Task | None:
        """Take the next task that nobody has cancelled."""
        while True:
            with self._lock:
                if not self._waiting:
                    return None
                task = self._waiting.popleft()
            if task.future.running() or task.future.set_running_or_notify_cancel():
                return task

    def _settle(self, one: _Running) -> None:
        """Hand over what a task gave."""
        try:
            error, result = pickle.loads(one.handle.result(timeout=_FETCH))
        except (TimeoutError, CancelledError):
            self._lose(one)
            return
        except Exception as failure:  # noqa: BLE001 (handed over, as executors do)
            if type(failure).__name__ == "KilledWorker":
                self._lose(one)
                return
            error, result = failure, None
        if isinstance(error, ProcessDiedError) and self._again(one):
            return
        self._remove(one)
        if error is None:
            one.task.future.set_result(result)
        else:
            one.task.future.set_exception(error)

    def _again(self, one: _Running) -> bool:
        """Whether a task whose process died is tried once more."""
        one.task.deaths += 1
        if one.task.deaths >= _DEATHS:
            return False
        self._remove(one, back=True)
        return True

    def _lose(self, one: _Running) -> None:
        """Do a task again whose worker is gone, or give it up."""
        one.task.lost += 1
        again = one.task.lost <= self._retries
        self._remove(one, back=again)
        if not again:
            one.task.future.set_exception(
                LostWorkersError(
                    f"a task ({self._kind}) has lost its worker {one.task.lost} times, the last "
                    f"one {one.name}: was its job cancelled, or short of time (walltime) or memory "
                    f"in [executor.{self._kind}]? What is done is kept; run again to go on"
                )
            )

    def _remove(self, one: _Running, *, back: bool = False) -> None:
        with self._lock:
            if one in self._running:
                self._running.remove(one)
            if back:
                self._waiting.appendleft(one.task)
        one.handle.release()
