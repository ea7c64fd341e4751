"""Errors a user can act on.

Each message names the file, line or argument at fault, what was expected and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

__all__ = [
    "CampaignError",
    "DataError",
    "EvaluationError",
    "FileFormatError",
    "FitError",
    "LabellingError",
    "MaxvoltError",
    "SettingsError",
    "SpeciesError",
    "nearest_name",
]


def nearest_name(name: str, known: Sequence[str]) -> str | None:
    """Find the known name that somebody may have meant by an unknown one; None: there is none."""
    from difflib import get_close_matches  # takes as long as a fifth of the start of a command

    return next(iter(get_close_matches(name, known, n=1, cutoff=0.5)), None)


class MaxvoltError(Exception):
    """Base class of every error that maxvolt raises on purpose."""


class FileFormatError(MaxvoltError):
    """A file does not follow its format.

    Parameters
    ----------
    path
        The file at fault.
    message
        What is wrong, what was expected and what to do.
    line
        Line number, counted from 1; None where the file is binary.
    offset
        Byte offset, counted from 0; for binary files or binary parts of a file.
    """

    def __init__(
        self, path: str | Path, message: str, *, line: int | None = None, offset: int | None = None
    ) -> None:
        where = str(path)
        if line is not None:
            where += f", line {line}"
        if offset is not None:
            where += f", byte {offset}"
        super().__init__(f"{where}: {message}")
        self.path = Path(path)
        self.line = line
        self.offset = offset


class DataError(MaxvoltError):
    """Structures or labels that cannot be used: NaN, empty, contradictory, of wrong shape."""


class EvaluationError(MaxvoltError):
    """A potential has no finite energy, forces or gradients for a structure; names the atom."""


class SpeciesError(MaxvoltError):
    """A chemical species is missing, unknown to the potential or named twice."""


class FitError(MaxvoltError):
    """A fit cannot go on; the message says why and what to do."""


class LabellingError(MaxvoltError):
    """Reference calculations cannot be made; the message says what to do."""


class SettingsError(MaxvoltError):
    """A file of settings cannot be used; the message names the keys, what is expected, a remedy."""


class CampaignError(MaxvoltError):
    """A campaign cannot go on; the message says why and what to do."""
