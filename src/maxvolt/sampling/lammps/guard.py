"""Run a program so that it ends with who started it, whatever becomes of that one.

A program of its own, ``python guard.py COMMAND...``, that needs nothing but Python. Its standard
input is a pipe whose other end its parent holds. When a byte comes, or the pipe is closed because
the parent was killed, everything that works in the current folder ends: launchers of MPI leave
their processes behind when they are killed. Without a parent the folder is removed as well.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

_ATTEMPTS = 50
"""To find and end processes, which may start others meanwhile; 0.1 s apart."""


def main(command: list[str]) -> int:
    """Run a command and return its exit code; that of signal n is -n, as of `subprocess`."""
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return 127
    told = threading.Event()
    ending = threading.Thread(target=_end_when_told, args=(process.pid, told), daemon=True)
    ending.start()
    code = process.wait()
    if told.is_set():
        ending.join()
    return code


def _end_when_told(leader: int, told: threading.Event) -> None:
    has_parent = bool(os.read(0, 1))
    told.set()
    folder = os.getcwd()  # noqa: PTH109 (pathlib would take longer to import than all the rest)
    for _ in range(_ATTEMPTS):
        if not _kill_all(leader, folder):
            break
        time.sleep(0.1)
    if not has_parent:
        shutil.rmtree(folder, ignore_errors=True)


def _kill_all(leader: int, folder: str) -> bool:
    """Kill the program and all processes that work in the folder; return whether there were any."""
    found = [number for number in _working_in(folder) if number != os.getpid()]
    with contextlib.suppress(OSError):
        os.killpg(leader, signal.SIGKILL)
    for number in found:
        with contextlib.suppress(OSError):
            os.kill(number, signal.SIGKILL)
    return bool(found)


def _working_in(folder: str) -> list[int]:
    """Processes whose current folder it is, as far as the system tells (Linux)."""
    found = []
    for name in os.listdir("/proc") if os.path.isdir("/proc") else []:  # noqa: PTH208, PTH112
        if name.isdigit():
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{name}/cwd") == folder:  # noqa: PTH115
                    found.append(int(name))
    return found


if __name__ == "__main__":
    code = main(sys.argv[1:])
    os._exit(code if code >= 0 else 128 - code)
