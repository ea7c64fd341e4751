"""Who works on a campaign: a small file with signs of life, for processes of other machines.

The lock of the campaign (`maxvolt.campaign.record.locking`) is the system's own, and dropped with
the process that holds it. But file systems of clusters may keep it when a machine dies, or hold it
on one machine only. So whoever has the lock also writes down who it is, every few seconds, and
whoever gets the lock looks whether another machine still does so.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from maxvolt.errors import CampaignError, DataError
from maxvolt.files import replacing

__all__ = ["Owner", "Ownership", "is_owned", "owned", "read_owner"]

BEAT = 10.0
"""Seconds between signs of life."""

_SILENCE = 4
"""After so many beats without a sign of life nobody is there: file systems are late."""

_KERNEL = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Owner:
    """A process that works on a campaign.

    Attributes
    ----------
    token
        No two runs have the same.
    host
        Name of its machine.
    kernel
        Says whether two processes run under the same system, also where containers have names of
        their own; "" where that is unknown.
    process
        Its number.
    since
        When it began.
    beat
        Number of its last sign of life.
    """

    token: str
    host: str
    kernel: str
    process: int
    since: str
    beat: int = 0

    @classmethod
    def this(cls) -> Owner:
        """Describe this process."""
        since = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(secrets.token_hex(8), socket.gethostname(), _kernel(), os.getpid(), since)

    @property
    def is_elsewhere(self) -> bool:
        """Whether it runs under another system, whose locks may not be seen here."""
        if self.kernel and _kernel():
            return self.kernel != _kernel()
        return self.host != socket.gethostname()

    def __str__(self) -> str:
        return f"process {self.process} on {self.host}, which began at {self.since}"


class Ownership:
    """Writes signs of life while a block runs, and notices where another process takes over."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._owner = Owner.this()
        self._leave = threading.Event()
        self._successor: Owner | None = None
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def check(self) -> None:
        """Make sure that this process still works on the campaign alone.

        Raises
        ------
        CampaignError
            Another one has taken it over.
        """
        if self._successor is not None:
            raise CampaignError(
                f"{self._path.parent}: another process has taken this campaign over "
                f"({self._successor}), so that this one ends; what it finished is kept"
            )

    def begin(self) -> None:
        """Write the first sign of life, and go on with it."""
        self._write()
        self._thread.start()

    def end(self) -> None:
        """Leave the campaign to others."""
        self._leave.set()
        self._thread.join()
        if self._successor is None:
            self._path.unlink(missing_ok=True)

    def _beat(self) -> None:
        while not self._leave.wait(BEAT):
            there = read_owner(self._path)
            if there is not None and there.token != self._owner.token:
                self._successor = there
                return
            self._owner = replace(self._owner, beat=self._owner.beat + 1)
            # A full disk must not end the campaign here; where it matters it does, with a message.
            with suppress(DataError):
                self._write()

    def _write(self) -> None:
        with replacing(self._path) as stream:
            stream.write(json.dumps(asdict(self._owner)).encode())


@contextmanager
def owned(path: Path, tell: Callable[[Owner, float], None]) -> Iterator[Ownership]:
    """Say who works on a campaign while the block runs, for whoever holds its lock.

    Parameters
    ----------
    path
        Of the file.
    tell
        Called before a while of looking whether another machine still works on it, with what was
        there last and the seconds it takes.

    Raises
    ------
    CampaignError
        Another machine does.
    """
    before = read_owner(path)
    if before is not None and before.is_elsewhere:
        _watch(path, before, tell)
    ownership = Ownership(path)
    ownership.begin()
    try:
        yield ownership
    finally:
        ownership.end()


def is_owned(path: Path) -> bool:
    """Whether a process of another machine has given a sign of life lately."""
    owner = read_owner(path)
    if owner is None or not owner.is_elsewhere:
        return False
    try:
        return abs(time.time() - path.stat().st_mtime) < _SILENCE * BEAT
    except OSError:
        return False


def read_owner(path: Path) -> Owner | None:
    """Read who works on a campaign; None where nobody has said so, readably."""
    try:
        return Owner(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _watch(path: Path, before: Owner, tell: Callable[[Owner, float], None]) -> None:
    """Make sure that another machine gives no signs of life, by the clock of this one."""
    seconds = _SILENCE * BEAT
    tell(before, seconds)
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        time.sleep(min(1.0, BEAT / 2))
        there = read_owner(path)
        if there is None:
            return  # it has ended
        if (there.token, there.beat) != (before.token, before.beat):
            raise CampaignError(
                f"{path.parent}: another machine works on this campaign ({there}); wait until it "
                "ends, or stop it there"
            )


def _kernel() -> str:
    try:
        return _KERNEL.read_text().strip()
    except OSError:  # no Linux
        return ""
