"""How many structures of a file were kept and how many dropped, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["INCOMPLETE", "UNCONVERGED", "UNREADABLE", "ReadReport"]

UNCONVERGED = "electronic steps not converged"
INCOMPLETE = "no energy or no forces"
UNREADABLE = "numbers that cannot be read"


@dataclass(frozen=True, slots=True)
class ReadReport:
    """How many structures a file holds and how many of them were dropped, and why.

    Parameters
    ----------
    path
        The file.
    format
        The format it was read as.
    kept
        Number of structures that can be used.
    dropped
        Number of structures left out, by reason.
    species
        The elements in the order of the file, which is that of the types in files of MLIP; None
        where the format has no such order.
    """

    path: Path
    format: str
    kept: int
    dropped: Mapping[str, int] = field(default_factory=dict)
    species: tuple[str, ...] | None = None

    def __str__(self) -> str:
        """Return the report as one line."""
        text = f"{self.path}: {self.kept} structure{'' if self.kept == 1 else 's'}"
        for reason, count in self.dropped.items():
            text += f"; {count} dropped: {reason}"
        return text
