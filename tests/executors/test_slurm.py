"""Campaigns through a real SLURM, of which jobs, workers and they themselves are killed."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from cluster_campaigns import (
    CALCULATOR,
    check_calculations,
    cluster_campaign,
    ended,
    environment,
    jobs,
    kill_workers,
    lines,
    processes_of,
    products,
    started,
    wait_until,
)

from maxvolt.cli import main
from promises import needs

BOTH_CORES = 'cores = 2\nwalltime = "00:30:00"\n'
"""Of a machine that may have no more than two."""


def test_a_campaign_in_jobs(undisturbed: dict[str, bytes], tmp_path: Path) -> None:
    needs("slurm")
    file = cluster_campaign(tmp_path, "slurm", BOTH_CORES)
    process = started(file, environment(tmp_path / "log"))
    wait_until(lambda: jobs("RUNNING") or process.poll() is not None)
    assert len(jobs()) == 1
    ended(process)
    assert products(tmp_path) == undisturbed
    wait_until(lambda: not jobs())
    wait_until(lambda: not processes_of(tmp_path))
    assert not list((tmp_path / "small").glob(".executor-*"))


def test_jobs_cancelled_workers_killed_and_the_campaign_killed(
    undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    needs("slurm")
    file, log = (
        cluster_campaign(tmp_path, "slurm", BOTH_CORES, calculator=CALCULATOR),
        tmp_path / "log",
    )
    surroundings = {**environment(log), "CALCULATION_SECONDS": "3"}
    process = started(file, surroundings)

    wait_until(lambda: lines(log))
    (cancelled,) = jobs("RUNNING")
    subprocess.run(["scancel", cancelled], check=True)

    wait_until(lambda: set(jobs("RUNNING")) - {cancelled} and not set(jobs()) & {cancelled})
    before = lines(log)
    wait_until(lambda: lines(log) > before)
    assert kill_workers(tmp_path)  # one that was cancelled may take a while to end

    wait_until(lambda: not processes_of(tmp_path))
    before = lines(log)
    wait_until(lambda: lines(log) > before)
    left_behind = jobs()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    wait_until(lambda: not processes_of(tmp_path))
    assert list((tmp_path / "small").glob(".executor-*"))

    ended(started(file, surroundings))
    assert products(tmp_path) == undisturbed
    check_calculations(log)
    wait_until(lambda: not processes_of(tmp_path))
    assert not jobs()
    assert left_behind
    assert not list((tmp_path / "small").glob(".executor-*"))


def test_a_job_that_slurm_refuses(tmp_path: Path) -> None:
    needs("slurm")
    more = f'{BOTH_CORES}queue = "nowhere"\n'
    process = started(cluster_campaign(tmp_path, "slurm", more), environment(tmp_path / "log"))
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 2
    assert "the queue refused 3 jobs" in errors
    assert "invalid partition specified: nowhere" in errors
    assert "Traceback" not in errors


def test_the_end_of_a_campaign_cancels_its_jobs(tmp_path: Path) -> None:
    needs("slurm")
    file, log = (
        cluster_campaign(tmp_path, "slurm", BOTH_CORES, calculator=CALCULATOR),
        tmp_path / "log",
    )
    process = started(file, {**environment(log), "CALCULATION_SECONDS": "1000"})
    wait_until(lambda: lines(log))
    os.kill(process.pid, signal.SIGTERM)
    os.kill(process.pid, signal.SIGTERM)  # as timeout and impatient people do
    process.communicate(timeout=120)
    assert process.returncode == 128 + signal.SIGTERM
    wait_until(lambda: not jobs())
    wait_until(lambda: not processes_of(tmp_path))


def test_what_would_be_asked_is_shown(tmp_path: Path, capsys) -> None:
    needs("slurm")
    file = cluster_campaign(tmp_path, "slurm", BOTH_CORES)
    assert main(["run", str(file), "--check"]) == 0
    script = capsys.readouterr().out
    assert "#SBATCH --cpus-per-task=2" in script
    test = subprocess.run(
        ["sbatch", "--test-only"], input=script.partition("\n")[2], capture_output=True, text=True
    )
    assert test.returncode == 0, test.stderr
    assert not (tmp_path / "small").exists()
