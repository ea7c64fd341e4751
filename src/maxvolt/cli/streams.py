"""Standard streams that take whatever is printed, and that may be closed, full or left."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO, cast

__all__ = ["discard", "prepare_streams", "settle_streams"]


def prepare_streams() -> None:
    """Have three standard streams, and none that fails at a character it cannot show.

    A stream that the caller has closed leads to nowhere: otherwise the next file that is opened
    would take its number, and what is printed would end in that file.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    sys.stdin = sys.stdin or _to_nowhere("r")
    sys.stdout = sys.stdout or _to_nowhere("w")
    sys.stderr = sys.stderr or _to_nowhere("w")
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # of a real stream
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def settle_streams() -> None:
    """Write out what is left, so that Python's own attempt at its end cannot fail."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            discard(stream)


def discard(stream: TextIO) -> None:
    """Let what is printed to a stream go nowhere: nobody reads it, or its disk is full."""
    with suppress(OSError, ValueError):  # a stream without a descriptor has nothing to be replaced
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _to_nowhere(mode: str) -> TextIO:
    return cast(TextIO, Path(os.devnull).open(mode, encoding="utf-8"))
