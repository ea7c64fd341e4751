"""How far a scenario has come, in a small file that every process sees, on every machine."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["PROGRESS_SUFFIX", "Heartbeat", "read_heartbeats"]

_SECONDS = 0.5
PROGRESS_SUFFIX = ".progress"


class Heartbeat:
    """Counts steps and writes them down now and then.

    Parameters
    ----------
    path
        Of the result that is being made; the file stands beside it.
    total
        Steps to be done.
    """

    def __init__(self, path: Path, total: int) -> None:
        self._path = path.with_suffix(PROGRESS_SUFFIX)
        self._total = total
        self._done = 0
        self._last = 0.0

    def __call__(self, steps: int) -> None:
        """Count steps."""
        self.note(self._done + steps, self._total)

    def note(self, done: int, total: int) -> None:
        """Say how many steps are done, and how many there are."""
        self._done, self._total = done, total
        now = time.monotonic()
        if now - self._last >= _SECONDS:
            self._last = now
            # Progress is decoration: a full disk must not end the simulation that it tells of. What
            # the campaign needs is written elsewhere, and fails there with a message.
            with suppress(OSError):
                self._write()

    def remove(self) -> None:
        """Remove the file: the result is there."""
        with suppress(OSError):  # as above
            self._path.unlink(missing_ok=True)
            self._temporary.unlink(missing_ok=True)

    @property
    def _temporary(self) -> Path:
        return self._path.with_name(f".{self._path.name}.tmp")

    def _write(self) -> None:
        self._temporary.write_text(json.dumps({"done": self._done, "total": self._total}))
        self._temporary.replace(self._path)


def read_heartbeats(folder: Path) -> dict[str, tuple[int, int]]:
    """Steps done and to be done of what runs in a folder, by the name of its result."""
    found = {}
    for path in sorted(folder.glob(f"[!.]*{PROGRESS_SUFFIX}")):
        try:
            content = json.loads(path.read_text())
            steps = int(content["done"]), int(content["total"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # just replaced or removed, or damaged: it is news, not a result
        found[path.stem] = steps
    return found
