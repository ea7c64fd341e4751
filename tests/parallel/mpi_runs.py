"""Programs started by mpiexec, and what becomes of them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from promises import find_mpiexec, needs

__all__ = ["PROGRAMS", "ended", "own_lines", "process_of_rank", "start", "wait_for"]

PROGRAMS = Path(__file__).parent / "programs"

_SECONDS = 150.0
"""After which a run counts as one that hangs."""

_RANKS = ("PMI_RANK", "OMPI_COMM_WORLD_RANK")


def start(
    ranks: int, *arguments: str | Path, folder: Path, threads: str = "1"
) -> subprocess.Popen[str]:
    """Start Python with some arguments on so many ranks; without mpiexec where there are none."""
    needs("mpi4py")
    mpiexec = find_mpiexec()
    assert mpiexec is not None
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": threads,
        # Open MPI counts cores, and refuses the administrator's account of a container.
        "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
        "OMPI_MCA_rmaps_base_oversubscribe": "1",
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    }
    launcher = [mpiexec, "-n", str(ranks)] if ranks else []
    return subprocess.Popen(
        [*launcher, sys.executable, *map(str, arguments)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for the end; exit code, output and messages."""
    try:
        output, messages = process.communicate(timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        for one in psutil.Process(process.pid).children(recursive=True):
            one.kill()
        process.kill()
        pytest.fail(f"hangs: {process.communicate()}")
    return process.returncode, output, messages


def process_of_rank(process: subprocess.Popen[str], rank: int) -> psutil.Process:
    """The process of a rank, which is a child of the launcher or of its children."""
    for one in psutil.Process(process.pid).children(recursive=True):
        environment = one.environ()
        if any(environment.get(name) == str(rank) for name in _RANKS):
            return one
    raise AssertionError(f"no process of rank {rank}")


def wait_for(happened: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait until something has happened while a program runs."""
    began = time.monotonic()
    while not happened():
        assert process.poll() is None, f"ended too early: {process.communicate()}"
        assert time.monotonic() - began < _SECONDS, "it does not happen"
        time.sleep(0.02)


def own_lines(messages: str) -> list[str]:
    """Those of the messages that are ours, not the launcher's."""
    return [line for line in messages.splitlines() if line.startswith("maxvolt")]
