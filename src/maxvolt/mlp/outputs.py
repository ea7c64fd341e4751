"""Where `mlp` writes: text to a stream or a file, and files under the names that MPI gives them."""

from __future__ import annotations

import sys
from pathlib import Path

from maxvolt.appending import append_lines
from maxvolt.files import replacing
from maxvolt.mlp.command import Call

__all__ = ["STREAMS", "give", "is_file", "output_of_ranks"]

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


def output_of_ranks(call: Call, name: str) -> Path:
    """Where to write what each process of MLIP would write to a file of its own.

    MLIP built for MPI appends ``_0`` (MLIP-2) or ``.0`` (MLIP-3) and so on to these names, and
    scripts join the files with ``cat relaxed.cfg_* > relaxed.cfg``. So one file is written: under
    the name itself, and with several processes under that of the first of them.
    """
    if call.ranks.size == 1:
        return Path(name)
    return Path(f"{name}{'_0' if call.version == 2 else '.0'}")
