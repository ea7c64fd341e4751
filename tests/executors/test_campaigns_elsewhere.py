"""The same campaign here, on a cluster and in executors of any kind ends in the same bits."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest
from cluster_campaigns import cluster_campaign, products, write_campaign

from maxvolt.campaign import Campaign, Event
from maxvolt.campaign.preflight import check_campaign
from maxvolt.campaign.settings.stages import read_settings
from maxvolt.cli import main
from maxvolt.errors import MaxvoltError, SettingsError
from maxvolt.executors import extra
from maxvolt.executors.cluster import ClusterExecutors
from maxvolt.executors.kinds import Kind
from promises import needs


def test_on_a_cluster(undisturbed: dict[str, bytes], tmp_path: Path) -> None:
    needs("dask")
    assert Campaign(cluster_campaign(tmp_path, "local", "jobs = 2\n")).run().status == "finished"
    assert products(tmp_path) == undisturbed


def test_runs_that_overlap_with_fits(tmp_path: Path) -> None:
    needs("dask")
    overlap = {"max_iterations": "3", "workers": "1\noverlap = true"}
    here = write_campaign(tmp_path / "here", **overlap)
    there = cluster_campaign(tmp_path / "there", "local", "jobs = 2\n", **overlap)
    told: list[Event] = []
    Campaign(here).run()
    Campaign(there).run([told.append])
    ahead = [event.iteration for event in told if event.kind == "sampling ahead"]
    assert ahead == [2, 3]
    assert products(tmp_path / "here") == products(tmp_path / "there")


@pytest.mark.parametrize(("cores", "apart"), [(4, True), (2, False)])
def test_jobs_of_their_own(cores: int, apart: bool, tmp_path: Path) -> None:
    more = f'walltime = "1:00:00"\ncores = 2\n[executor.sampling]\ncores = {cores}\n'
    plan = read_settings(cluster_campaign(tmp_path, "slurm", more)).cluster_plan()
    assert plan is not None
    executors = ClusterExecutors(plan, tmp_path)
    assert executors.is_apart(Kind.SAMPLING) == apart
    assert not executors.is_apart(Kind.FITTING)


def test_members_are_fitted_side_by_side(tmp_path: Path) -> None:
    needs("dask")
    small = {"max_iterations": "2", "level": "4\nmembers = 3"}
    files = {
        "here": write_campaign(tmp_path / "here", **small),
        "there": cluster_campaign(tmp_path / "there", "local", "jobs = 2\n", **small),
    }
    told: list[Event] = []
    for file in files.values():
        Campaign(file).run([told.append])
    assert products(tmp_path / "here") == products(tmp_path / "there")
    assert len(list((tmp_path / "there" / "small").glob("potential.*.mtp"))) == 3
    assert not list((tmp_path / "there").rglob("fit.*.progress"))
    assert any(event.content.get("step") == "fit" for event in told if event.kind == "progress")


def test_members_kept_apart_are_fitted_one_after_the_other(tmp_path: Path) -> None:
    small = {
        "max_iterations": "1",
        "start_iterations": "5\nstarts_apart = true",
        "level": "4\nmembers = 3",
    }
    here, there = (write_campaign(tmp_path / name, **small) for name in ("here", "there"))
    Campaign(here).run()
    with ThreadPoolExecutor(2) as executor:
        Campaign(there).run(executor=executor)
    assert products(tmp_path / "here") == products(tmp_path / "there")
    assert len(list((tmp_path / "here" / "small").glob("potential.*.mtp"))) == 3


def pools() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))


@pytest.mark.parametrize("make", [lambda: ThreadPoolExecutor(2), pools])
def test_in_an_executor_of_the_standard_library(
    make: Callable[[], Executor], undisturbed: dict[str, bytes], small: Path
) -> None:
    with make() as executor:
        assert Campaign(small).run(executor=executor).status == "finished"
        assert executor.submit(pow, 2, 2).result(60) == 4  # it stays open
    assert products(small.parent) == undisturbed


def test_executors_by_kind(undisturbed: dict[str, bytes], small: Path) -> None:
    asked: list[str] = []

    class Listening(ThreadPoolExecutor):
        def submit(self, work, /, *arguments, **options):
            asked.append(self._thread_name_prefix)
            return super().submit(work, *arguments, **options)

    with Listening(1, "fits") as fits, Listening(2, "scenarios") as scenarios:
        executors = {"fitting": fits, Kind.SAMPLING: scenarios}
        assert Campaign(small).run(executor=executors).status == "finished"
    assert set(asked) == {"fits", "scenarios"}
    assert products(small.parent) == undisturbed


def test_what_is_no_executor(small: Path) -> None:
    with pytest.raises(MaxvoltError, match="no kind of task 'training'; use 'sampling'"):
        Campaign(small).run(executor={"training": ThreadPoolExecutor(1)})
    with pytest.raises(MaxvoltError, match=r"executor of concurrent\.futures"):
        Campaign(small).run(executor={"sampling": 3})  # type: ignore[dict-item]


def test_what_is_not_installed_is_told_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(extra, "_MODULES", ("no_such_module",))
    file = cluster_campaign(tmp_path, "local")
    assert main(["run", str(file)]) == 2
    assert "pip install 'maxvolt[dask]'" in capsys.readouterr().err
    assert not (tmp_path / "small" / "labels.db").exists()


def test_a_batch_system_that_is_not_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("dask")
    monkeypatch.setenv("PATH", str(tmp_path))
    file = cluster_campaign(tmp_path, "slurm", 'walltime = "01:00:00"\n')
    with pytest.raises(SettingsError, match="needs the program sbatch"):
        Campaign(file).run()


def test_an_interface_that_is_not_here(tmp_path: Path) -> None:
    needs("dask")
    settings = read_settings(cluster_campaign(tmp_path, "local", 'interface = "ib9"\n'))
    with pytest.raises(SettingsError, match=r"no network interface 'ib9'.*lo"):
        check_campaign(settings, tmp_path, here=True, cluster=settings.cluster_plan())


def test_a_check_of_a_campaign_without_jobs(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(small), "--check", "--json"]) == 0
    assert '"jobs": {}' in capsys.readouterr().out
    assert not (small.parent / "small").exists()


def test_interrupts_stay_what_they_were() -> None:
    needs("dask")
    code = """
import signal
before = signal.getsignal(signal.SIGINT)
from maxvolt.executors.extra import check_extra
check_extra()
assert signal.getsignal(signal.SIGINT) is before
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_thread_is_told_what_to_do() -> None:
    needs("dask")
    code = """
import threading
from maxvolt.errors import MaxvoltError
from maxvolt.executors.extra import check_extra
said = []
def check():
    try:
        check_extra()
    except MaxvoltError as error:
        said.append(str(error))
thread = threading.Thread(target=check)
thread.start()
thread.join()
assert "in its main thread" in said[0]
"""
    subprocess.run([sys.executable, "-c", code], check=True)
