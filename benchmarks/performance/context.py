"""What every section of the benchmarks is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Context", "NotMeasuredError"]


class NotMeasuredError(Exception):
    """Something cannot be measured here; the message says what and why."""


@dataclass(frozen=True, slots=True)
class Context:
    """How to measure.

    Attributes
    ----------
    quick : bool
        Fewer cases, shorter repetitions.
    shared : Path or None
        Folder with reference data that is not part of the repository.
    scratch : Path
        Folder for files that nobody keeps.
    say : callable
        Told what is being measured.
    """

    quick: bool
    shared: Path | None
    scratch: Path
    say: Callable[[str], None]

    @property
    def seconds(self) -> float:
        """How long one group of timings is repeated."""
        return 1.0 if self.quick else 4.0

    def reference(self, path: str) -> Path:
        """A file or folder of the reference data.

        Raises
        ------
        NotMeasuredError
            It is not there.
        """
        if self.shared is None:
            raise NotMeasuredError(
                f"needs {path} of the reference data: no folder 'shared' beside the repository "
                "(set MAXVOLT_SHARED)"
            )
        found = self.shared / path
        if not found.exists():
            raise NotMeasuredError(f"needs {found}, which is not there")
        return found
