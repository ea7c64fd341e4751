"""Handing out tasks: to free places, again where a worker is lost, and not for ever."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any

import pytest

from maxvolt.errors import MaxvoltError
from maxvolt.executors.child import perform_pickled
from maxvolt.executors.dispatching import Dispatcher, LostWorkersError
from maxvolt.executors.kinds import Kind
from maxvolt.sampling.processes import ProcessDiedError


class KilledWorker(Exception):  # noqa: N818 (the name that Dask has)
    """What Dask says of a task whose worker is gone."""


class Handle:
    """A task at a worker."""

    def __init__(self, content: bytes, worker: str) -> None:
        self.content, self.worker = content, worker
        self.answer: bytes | Exception | None = None
        self.released = False

    def done(self) -> bool:
        return self.answer is not None

    def result(self, timeout: float) -> bytes:
        if isinstance(self.answer, Exception):
            raise self.answer
        assert self.answer is not None
        return self.answer

    def release(self) -> None:
        self.released = True

    def add_done_callback(self, _: Callable[[Any], None]) -> None:
        pass

    def work(self) -> None:
        self.answer = perform_pickled(self.content)


class Cluster:
    """Dask, with workers that do what they are told."""

    def __init__(self, slots: int = 4, retries: int = 2) -> None:
        self.handles: list[Handle] = []
        self.workers = {"tcp://a": "sampling-a", "tcp://b": "sampling-b"}
        self.dispatcher = Dispatcher(Kind.SAMPLING, None, None, slots, retries, lambda: None)

    def submit(self, _: Any, __: Any, content: bytes, *, workers: list[str], **___: Any) -> Handle:
        self.handles.append(Handle(content, workers[0]))
        return self.handles[-1]

    def serve(self, places: int = 1) -> list[Handle]:
        self.dispatcher.take_in(self.workers)
        self.dispatcher.hand_out(self, self.workers, places)  # type: ignore[arg-type]
        return [handle for handle in self.handles if not handle.done() and not handle.released]


def test_each_place_has_one_task() -> None:
    cluster = Cluster()
    futures = [cluster.dispatcher.submit(pow, 2, n) for n in range(5)]
    first = cluster.serve(places=2)
    assert [handle.worker for handle in first] == ["tcp://a", "tcp://a", "tcp://b", "tcp://b"]
    assert cluster.dispatcher.outstanding == 5
    assert cluster.dispatcher.busy == {"sampling-a", "sampling-b"}
    first[1].work()
    cluster.serve(places=2)
    assert futures[1].result(0) == 2
    assert len(cluster.handles) == 5
    for handle in cluster.handles:
        handle.work()
    cluster.serve()
    assert [future.result(0) for future in futures] == [1, 2, 4, 8, 16]
    assert cluster.dispatcher.outstanding == 0


def test_no_more_than_there_are_slots() -> None:
    cluster = Cluster(slots=3)
    for n in range(5):
        cluster.dispatcher.submit(pow, 2, n)
    assert len(cluster.serve(places=4)) == 3


def test_errors_are_those_of_the_task() -> None:
    cluster = Cluster()
    future = cluster.dispatcher.submit(int, "none")
    cluster.serve()[0].work()
    cluster.serve()
    with pytest.raises(ValueError, match="none"):
        future.result(0)


@pytest.mark.parametrize("how", [KilledWorker("gone"), TimeoutError(), CancelledError()])
def test_a_lost_worker_loses_its_task_only(how: Exception) -> None:
    cluster = Cluster()
    lost, kept, waiting = (cluster.dispatcher.submit(pow, 3, n) for n in range(3))
    on_a, on_b = cluster.serve()
    on_a.answer = how
    del cluster.workers["tcp://a"]
    cluster.serve()
    on_b.work()
    (again,) = cluster.serve()
    assert again.content == on_a.content  # before those that have not begun
    again.work()
    cluster.serve()[0].work()
    cluster.serve()
    assert [future.result(0) for future in (lost, kept, waiting)] == [1, 3, 9]


def test_a_worker_that_vanishes_without_a_word() -> None:
    cluster = Cluster()
    future = cluster.dispatcher.submit(pow, 3, 3)
    (handle,) = cluster.serve()
    del cluster.workers["tcp://a"]
    assert cluster.serve() == [handle]  # its end may be on its way
    (again,) = cluster.serve()
    assert handle.released
    assert again.worker == "tcp://b"
    again.work()
    cluster.serve()
    assert future.result(0) == 27


def test_a_task_is_given_up_after_so_many_workers() -> None:
    cluster = Cluster(retries=2)
    bad, good = cluster.dispatcher.submit(pow, 1, 1), cluster.dispatcher.submit(pow, 1, 2)
    for _ in range(3):
        for handle in cluster.serve():
            if pickle.loads(handle.content)[1] == (1, 1):
                handle.answer = KilledWorker("gone")
            else:
                handle.work()
    cluster.serve()
    assert good.result(0) == 1
    with pytest.raises(LostWorkersError, match=r"lost its worker 3 times.*sampling-.*walltime"):
        bad.result(0)
    assert cluster.dispatcher.outstanding == 0


def test_a_process_may_die_once() -> None:
    cluster = Cluster()
    future = cluster.dispatcher.submit(pow, 1, 1)
    death = pickle.dumps((ProcessDiedError("killed by SIGSEGV"), None))
    cluster.serve()[0].answer = death
    (again,) = cluster.serve()
    again.answer = death
    cluster.serve()
    with pytest.raises(ProcessDiedError, match="SIGSEGV"):
        future.result(0)


def test_cancelled_tasks_do_not_begin() -> None:
    cluster = Cluster()
    future = cluster.dispatcher.submit(pow, 1, 1)
    assert future.cancel()
    assert cluster.serve() == []


def test_what_ends_the_cluster_is_told_to_all() -> None:
    cluster = Cluster()
    futures = [cluster.dispatcher.submit(pow, 1, n) for n in range(4)]
    running = cluster.serve()
    futures[3].cancel()
    cluster.dispatcher.fail(MaxvoltError("the queue is closed"))
    assert all(handle.released for handle in running)
    for future in futures[:3]:
        with pytest.raises(MaxvoltError, match="the queue is closed"):
            future.result(0)
    with pytest.raises(MaxvoltError, match="the queue is closed"):
        cluster.dispatcher.submit(pow, 1, 1)
