"""A Python process in a session of its own, so that all it starts can be ended with it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from typing import IO

from maxvolt.labelling.sessions import GRACE, end_session, how_it_ended, kill_session

__all__ = ["SessionProcess"]


class SessionProcess:
    """A process that runs a module and is talked to through pipes.

    Parameters
    ----------
    module
        Name of the module.
    environment
        All its environment variables; None: those of this process.

    Raises
    ------
    OSError
        The system starts no more processes.
    """

    def __init__(self, module: str, environment: Mapping[str, str] | None = None) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
            start_new_session=True,
        )

    @property
    def input(self) -> IO[bytes]:
        """Where the process reads."""
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def output(self) -> int:
        """Descriptor of what the process writes."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def is_alive(self) -> bool:
        """Say whether the process still runs."""
        return self._process.poll() is None

    def how_it_ended(self) -> str:
        """Say how it ended, with the last line of its errors."""
        return how_it_ended(self._process, self._errors)

    def kill(self) -> None:
        """Kill the process and everything it started."""
        kill_session(self._process.pid)

    def end(self, grace: float = GRACE) -> None:
        """End the process and everything it started, and forget about it."""
        end_session(self._process.pid, grace)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                with suppress(OSError):  # what could not be sent to a dead process
                    stream.close()
