"""Campaigns on clusters, for tests: their files, their processes, and what becomes of them."""

from __future__ import annotations

import getpass
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from attacks.campaign_trials.small_campaign import environment, products, write_campaign
from attacks.kills import CALCULATOR, check_calculations

__all__ = [
    "CALCULATOR",
    "check_calculations",
    "cluster_campaign",
    "ended",
    "environment",
    "jobs",
    "kill_workers",
    "lines",
    "processes_of",
    "products",
    "started",
    "wait_until",
    "write_campaign",
]


def cluster_campaign(folder: Path, scheduler: str, more: str = "", **replaced: str) -> Path:
    """Write the small campaign, to run on a cluster."""
    file = write_campaign(folder, **replaced)
    section = f'\n[executor]\nkind = "dask"\nscheduler = "{scheduler}"\n{more}'
    file.write_text(file.read_text() + section)
    return file


def started(file: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    """Run a campaign as on the command line."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "maxvolt", "run", str(file), "--json", "--no-report"],
        env=environment,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> str:
    """Wait for the end of a campaign, which must be a good one; return what it told."""
    output, errors = process.communicate(timeout=900)
    assert process.returncode == 0, errors
    assert json.loads(output)["status"] == "finished", errors
    return errors


def wait_until(holds: Callable[[], object], seconds: float = 120.0) -> None:
    """Wait for something that must come to hold."""
    give_up = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up, "it did not come to hold"
        time.sleep(0.1)


def lines(log: Path, word: str = " begin ") -> int:
    """Count calculations that have begun, or that have ended."""
    return log.read_text().count(word) if log.exists() else 0


def jobs(*states: str) -> list[str]:
    """Numbers of the jobs of SLURM in some states, or in any."""
    command = ["squeue", "--noheader", "--user", getpass.getuser(), "--format", "%A"]
    if states:
        command += ["--states", ",".join(states)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def processes_of(folder: Path) -> list[int]:
    """Workers of a campaign: processes whose arguments name its folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            arguments = path.read_bytes()
            if b"dask_worker" in arguments and str(folder).encode() in arguments:
                found.append(int(path.parent.name))
    return found


def kill_workers(folder: Path) -> int:
    """Kill the workers of a campaign; return how many there were."""
    found = processes_of(folder)
    for process in found:
        os.kill(process, signal.SIGKILL)
    return len(found)
