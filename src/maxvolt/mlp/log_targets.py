"""Where text goes for which MLIP has an option: ``stdout``, ``stderr``, ``none`` or a file."""

from __future__ import annotations

import sys
from pathlib import Path

from maxvolt.appending import append_lines
from maxvolt.files import replacing

__all__ = ["STREAMS", "give", "is_file"]

STREAMS = ("stdout", "stderr")
"""Names that are no files."""

_NOWHERE = ("none", "")


def is_file(target: str) -> bool:
    """Whether a target is the name of a file."""
    return target not in (*STREAMS, *_NOWHERE)


def give(text: str, target: str, *, append: bool = False) -> None:
    """Print text, or write it to a file.

    Parameters
    ----------
    text
        Whole lines.
    target
        A stream, a file, or nowhere.
    append
        Whether a file keeps what it holds.
    """
    if target in STREAMS:
        print(text, end="", file=sys.stdout if target == "stdout" else sys.stderr)
    elif append and is_file(target):
        append_lines(Path(target), text.encode())
    elif is_file(target):
        with replacing(Path(target)) as stream:
            stream.write(text.encode())
