"""How long a step takes, also one that is killed on the way."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from maxvolt.files import replacing

__all__ = ["Clock"]

EVERY = 5.0
"""Seconds between two notes: so much is not counted where a step is killed."""


class Clock:
    """Seconds of each try of each step, in a file that is written again and again."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._tries: dict[str, list[float]] = {}
        if file.exists():
            self._tries = json.loads(file.read_text())

    def tries(self, name: str) -> list[float]:
        """Seconds of the tries of a step."""
        return self._tries.get(name, [])

    @contextmanager
    def running(self, name: str) -> Iterator[None]:
        """Count the time of the block as another try."""
        tries = self._tries.setdefault(name, [])
        tries.append(0.0)
        began = time.perf_counter()
        done = threading.Event()

        def note() -> None:
            tries[-1] = time.perf_counter() - began
            with replacing(self._file) as file:
                file.write(json.dumps(self._tries).encode())

        def notes() -> None:
            while not done.wait(EVERY):
                note()

        thread = threading.Thread(target=notes, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            note()
