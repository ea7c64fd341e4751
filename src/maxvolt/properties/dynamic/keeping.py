"""Where simulations keep what they have, so that the same call goes on after a kill."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["Keeping", "Progress"]

Progress = Callable[[str, int, int], None]
"""Is told what runs, the steps done of it and the steps of all of it."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """What a simulation does beside its work.

    Attributes
    ----------
    folder
        Where segments are kept, one file each, named after what they depend on; it is made. None:
        nothing is kept.
    progress
        Is told how far a simulation is.
    seconds
        Least time from one kept segment to the next: what a kill loses at most, and the time of
        some hundred steps.
    """

    folder: Path | None = None
    progress: Progress | None = None
    seconds: float = 20.0

    @contextmanager
    def somewhere(self) -> Iterator[Path]:
        """Give the folder, or one that is gone when the context ends."""
        if self.folder is not None:
            yield self.folder
            return
        with TemporaryDirectory(prefix="maxvolt-segments-") as name:
            yield Path(name)
