"""Processes that can be ended with everything they started.

A calculation runs in a session of its own. Whatever it starts stays in that session, also programs
such as ``mpirun`` that put their children into process groups of their own; ending the session
ends them all.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

__all__ = ["GRACE", "end_session", "how_it_ended", "kill_session", "session_members"]

GRACE = 1.0
"""Seconds between the request to end and the order: mpirun and srun tell their other nodes."""

_POLL = 0.01

_LAST_WORDS = 4096
"""Bytes of what a process printed that are read for its last line."""

_ROUNDS = 10
"""How often to look again for processes that were born while the others were killed."""


def session_members(session: int) -> list[int]:
    """Return the processes of a session, as far as the system lets us see them (Linux)."""
    members = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # processes end while we look
            # The name in parentheses may hold anything; after it: state ppid pgrp session ...
            fields = entry.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] not in "ZX":
                members.append(int(entry.parent.name))
    return members


def end_session(leader: int, grace: float = GRACE) -> None:
    """Ask the process `leader`, which leads a session, and all in it to end; then kill them.

    Parameters
    ----------
    leader
        The process; it must have been started as the leader of a new session.
    grace
        Seconds that the processes get to end by themselves.
    """
    _signal_all(leader, signal.SIGTERM)
    give_up = time.monotonic() + grace
    while session_members(leader) and time.monotonic() < give_up:
        time.sleep(_POLL)
    kill_session(leader)


def kill_session(leader: int) -> None:
    """Kill all processes of a session, the caller last where it is one of them."""
    own = os.getpid()
    for _ in range(_ROUNDS):
        others = [process for process in session_members(leader) if process != own]
        if not others:
            break
        for process in others:
            _signal(process, signal.SIGKILL)
    _signal_group(leader, signal.SIGKILL)


def how_it_ended(process: subprocess.Popen[bytes], errors: IO[bytes]) -> str:
    """Say how the process of a calculation ended, with its last line in the file of its errors."""
    try:
        code = process.wait(timeout=5.0)
    except subprocess.TimeoutExpired:
        return "the calculation closed its connection"
    errors.seek(max(0, errors.seek(0, os.SEEK_END) - _LAST_WORDS))
    said = errors.read().decode(errors="replace").strip().splitlines()
    how = f"killed by {_signal_name(-code)}" if code < 0 else f"ended with code {code}"
    return f"the process of the calculation was {how}" + (f": {said[-1]}" if said else "")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # of real time
        return f"signal {number}"


def _signal_all(leader: int, what: signal.Signals) -> None:
    for process in session_members(leader):
        _signal(process, what)
    _signal_group(leader, what)


def _signal(process: int, what: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(process, what)


def _signal_group(leader: int, what: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, what)
