"""Which jobs a batch system still has: those that wait and those that run."""

from __future__ import annotations

import getpass
import re
import shutil
import subprocess
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass

from maxvolt.errors import SettingsError
from maxvolt.executors.job_scripts import SCHEDULERS

__all__ = ["QUEUES", "Queue", "cancel_jobs", "check_programs"]

_PATIENCE = 60.0
"""Seconds for the batch system to answer."""

_NUMBER = re.compile(r"\d+")
_PBS_STATE = 9
"""Column of the state in what ``qstat -u`` of PBS lists."""


@dataclass(frozen=True, slots=True)
class Queue:
    """How a batch system is asked for the jobs of a user.

    Attributes
    ----------
    command
        What lists them: a job on each line, its number first.
    is_over
        Whether a line, split into words, is about a job that has ended.
    nothing
        What the program says, with an exit status of its own, where there are no jobs.
    """

    command: Callable[[str], list[str]]
    is_over: Callable[[list[str]], bool] = lambda words: False
    nothing: str | None = None

    def jobs(self) -> set[str] | None:
        """Return the numbers of all jobs of this user; None where there is no answer."""
        try:
            done = subprocess.run(
                self.command(getpass.getuser()), capture_output=True, text=True, timeout=_PATIENCE
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        if done.returncode != 0:
            said = done.stdout + done.stderr
            return set() if self.nothing is not None and self.nothing in said else None
        lines = [line.split() for line in done.stdout.splitlines()]
        return {
            match.group()
            for words in lines
            if words and (match := _NUMBER.match(words[0])) and not self.is_over(words)
        }


def _ended_in_pbs(words: list[str]) -> bool:
    return len(words) > _PBS_STATE and words[_PBS_STATE] in ("C", "F")


QUEUES: Mapping[str, Queue] = {
    "slurm": Queue(lambda user: ["squeue", "--noheader", "--user", user, "--format", "%A"]),
    "pbs": Queue(lambda user: ["qstat", "-u", user], _ended_in_pbs),
    "lsf": Queue(
        lambda user: ["bjobs", "-noheader", "-u", user, "-o", "jobid"], nothing="No unfinished job"
    ),
    "sge": Queue(lambda user: ["qstat", "-u", user]),
}


def cancel_jobs(scheduler: str, jobs: Collection[str]) -> None:
    """Cancel those of some jobs that are still there."""
    there = sorted((QUEUES[scheduler].jobs() or set()) & set(jobs))
    if there:
        # What the program says does not matter: a job that ends meanwhile is as good as cancelled.
        with suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(
                [SCHEDULERS[scheduler].cancel, *there], capture_output=True, timeout=_PATIENCE
            )


def check_programs(scheduler: str) -> None:
    """Look for the programs of a batch system.

    Raises
    ------
    SettingsError
        One is not here.
    """
    for program in (SCHEDULERS[scheduler].submit, QUEUES[scheduler].command("")[0]):
        if shutil.which(program) is None:
            raise SettingsError(
                f"[executor]: scheduler = {scheduler!r} needs the program {program}, which is not "
                "found; run the campaign where jobs can be submitted, or load the module that "
                "brings it"
            )
