"""A real cluster of Dask on this machine."""

from __future__ import annotations

import os
import signal
import stat
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from maxvolt.errors import CampaignError
from maxvolt.executors import worker
from maxvolt.executors.cluster import ClusterExecutors
from maxvolt.executors.dispatching import LostWorkersError
from maxvolt.executors.kinds import Kind
from maxvolt.executors.resources import ClusterPlan, Resources
from maxvolt.executors.worker import Place, wait_for_file
from maxvolt.sampling.processes import ProcessDiedError
from promises import needs


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[ClusterExecutors]:
    needs("dask")
    plan = ClusterPlan("local", dict.fromkeys(Kind, Resources(jobs=2)), retries=2)
    executors = ClusterExecutors(plan, tmp_path)
    yield executors
    executors.close()
    assert not list(tmp_path.glob(".executor-*"))


def kill_parent(path: str, times: int) -> int:
    """Kill the worker that waits for this task, so many times."""
    with Path(path).open("a") as file:
        file.write("x")
    begun = len(Path(path).read_text())
    if begun <= times:
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(1000)
    return begun


def outcome(future: Future[int]) -> object:
    return future.exception(120) or future.result()


def test_results_errors_and_deaths(cluster: ClusterExecutors, tmp_path: Path) -> None:
    sampling, labelling = cluster.of(Kind.SAMPLING), cluster.of(Kind.LABELLING)
    powers = [sampling.submit(pow, 2, n) for n in range(8)]
    death, mistake = sampling.submit(os._exit, 3), sampling.submit(int, "none")
    killer = sampling.submit(kill_parent, str(tmp_path / "once"), 1)
    process = labelling.submit(os.getpid)
    assert [future.result(120) for future in powers] == [2**n for n in range(8)]
    assert isinstance(outcome(death), ProcessDiedError)
    assert isinstance(outcome(mistake), ValueError)
    assert outcome(killer) == 2
    assert process.result(120) != os.getpid()
    (private,) = tmp_path.glob(".executor-*")
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert [thread.name for thread in threading.enumerate()].count("MainThread") == 1


def test_a_task_that_kills_its_workers_is_given_up(
    cluster: ClusterExecutors, tmp_path: Path
) -> None:
    executor = cluster.of(Kind.FITTING)
    bad = executor.submit(kill_parent, str(tmp_path / "always"), 10**6)
    assert isinstance(outcome(bad), LostWorkersError)
    assert len((tmp_path / "always").read_text()) == 3
    assert executor.submit(pow, 2, 2).result(120) == 4


def test_a_folder_that_is_not_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_LATE", 0.0)
    with pytest.raises(CampaignError, match="folder that all machines share"):
        wait_for_file(tmp_path / "sign", "which is wanted", 0.1)
    place = Place.here(tmp_path / "sign")
    (tmp_path / "sign").touch()
    place.check()
    other = Place(place.sign, "0.0.0", place.paths)
    with pytest.raises(CampaignError, match=r"the campaign 0\.0\.0; set python"):
        other.check()


def test_a_file_that_comes_late(tmp_path: Path) -> None:
    path = tmp_path / "late"
    timer = threading.Timer(0.7, path.touch)
    timer.start()
    wait_for_file(path, "which is late", 30.0)
    timer.join()
