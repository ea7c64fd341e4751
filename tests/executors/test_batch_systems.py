"""Jobs through stand-ins of batch systems, which run them as processes of this machine.

They take, list and cancel jobs with the programs that the real ones have, so that all of it runs
where none is installed; a real SLURM is in test_slurm.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_campaigns import kill_workers, processes_of, wait_until

from maxvolt.errors import CampaignError
from maxvolt.executors.cluster import ClusterExecutors
from maxvolt.executors.jobs import Limits
from maxvolt.executors.kinds import Kind
from maxvolt.executors.private_folder import PrivateFolder
from maxvolt.executors.resources import ClusterPlan, Resources
from promises import needs

PROGRAMS = {
    "slurm": ("sbatch", "squeue", "scancel"),
    "pbs": ("qsub", "qstat", "qdel"),
    "lsf": ("bsub", "bjobs", "bkill"),
    "sge": ("qsub", "qstat", "qdel"),
}

SUBMIT = """#!/bin/bash
cd "{folder}"
number=$(( $(ls | grep -c '^[0-9]*$') + 100 ))
cat "${{1:-/dev/stdin}}" > script-$number  # a job outlives the file that it was made from
touch $number
setsid bash -c 'bash script-'$number'; rm -f alive-'$number > out-$number 2>&1 < /dev/null &
echo $! > alive-$number
echo "Job $number was submitted"
"""
LIST = """#!/bin/bash
cd "{folder}"
for file in alive-*; do
    if [ -e $file ] && kill -0 $(cat $file) 2> /dev/null; then echo ${{file#alive-}}; fi
done
"""
CANCEL = """#!/bin/bash
cd "{folder}"
for number in "$@"; do
    if [ -e alive-$number ]; then kill -TERM -$(cat alive-$number); rm -f alive-$number; fi
done
"""

QUICK = Limits(look=0.5, soon=0.5, settle=3.0)


class Site:
    """A stand-in of a batch system."""

    def __init__(self, folder: Path, scheduler: str) -> None:
        self.folder, self.scheduler = folder / "site", scheduler
        programs = folder / "programs"
        self.folder.mkdir()
        programs.mkdir()
        for name, text in zip(PROGRAMS[scheduler], (SUBMIT, LIST, CANCEL), strict=True):
            path = programs / name
            path.write_text(text.format(folder=self.folder))
            path.chmod(0o755)
        self.path = f"{programs}{os.pathsep}{os.environ['PATH']}"

    def jobs(self) -> list[str]:
        """Numbers of the jobs that run."""
        listing = Path(self.path.partition(os.pathsep)[0]) / PROGRAMS[self.scheduler][1]
        return subprocess.run([listing], capture_output=True, text=True, check=True).stdout.split()


@pytest.fixture
def campaign(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "campaign"
    folder.mkdir()
    yield folder
    kill_workers(folder)


@pytest.mark.parametrize("scheduler", PROGRAMS)
def test_tasks_run_in_jobs(
    scheduler: str, tmp_path: Path, campaign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("dask")
    site = Site(tmp_path, scheduler)
    monkeypatch.setenv("PATH", site.path)
    plan = ClusterPlan(scheduler, dict.fromkeys(Kind, Resources(cores=2, tasks=2, walltime=600)))
    cluster = ClusterExecutors(plan, campaign, QUICK)
    try:
        executor = cluster.of(Kind.SAMPLING)
        powers = [executor.submit(pow, 2, n) for n in range(4)]
        assert [future.result(120) for future in powers] == [1, 2, 4, 8]
        assert len(site.jobs()) == 1
        sleeper = executor.submit(time.sleep, 3)
        wait_until(lambda: sleeper.running())
        (first,) = site.jobs()
        subprocess.run([PROGRAMS[scheduler][2], first], check=True)
        assert sleeper.exception(120) is None
        assert first not in site.jobs()
        assert cluster.of(Kind.LABELLING).submit(os.getppid).result(60) > 1
        (second,) = site.jobs()
        assert second != first
    finally:
        cluster.close()
    wait_until(lambda: not processes_of(campaign), 60)
    assert not site.jobs()


def test_workers_that_do_not_start(
    tmp_path: Path, campaign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("dask")
    monkeypatch.setenv("PATH", Site(tmp_path, "pbs").path)
    resources = Resources(walltime=600, prologue=("echo no such module >&2; exit 1",))
    plan = ClusterPlan("pbs", dict.fromkeys(Kind, resources))
    cluster = ClusterExecutors(plan, campaign, QUICK)
    try:
        future = cluster.of(Kind.FITTING).submit(pow, 2, 2)
        with pytest.raises(CampaignError, match=r"3 jobs for sampling and labelling and fitting"):
            future.result(120)
        with pytest.raises(CampaignError, match="3 jobs"):
            cluster.of(Kind.LABELLING).submit(pow, 2, 2)
    finally:
        cluster.close()


def test_jobs_of_a_run_that_was_killed_are_cancelled(
    tmp_path: Path, campaign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(tmp_path, "slurm")
    monkeypatch.setenv("PATH", site.path)
    numbers = []
    for _ in range(2):
        done = subprocess.run(
            ["sbatch"], input="sleep 1000", capture_output=True, text=True, check=True
        )
        numbers.append(done.stdout.split()[1])
    assert site.jobs() == numbers
    killed = PrivateFolder(campaign, "slurm")
    killed.__enter__()
    killed.note_job(numbers[0])
    with PrivateFolder(campaign, "slurm") as ours:
        assert ours.sign.exists()
        assert not killed.sign.exists()
        assert site.jobs() == numbers[1:]
    assert not list(campaign.iterdir())
    subprocess.run(["scancel", numbers[1]], check=True)
