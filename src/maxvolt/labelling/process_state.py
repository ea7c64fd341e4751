"""Whether a calculation has left its process as it found it.

A worker that has not, for instance with another mask of permissions, a limit of memory, a thread or
a child that goes on, must not calculate the next structure: what goes wrong there would be blamed
on that one.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

__all__ = ["ProcessState"]

_LIMITS = sorted(value for name, value in vars(resource).items() if name.startswith("RLIMIT_"))


@dataclass(frozen=True, slots=True)
class ProcessState:
    """What calculations of one process share; equal states are the same for the next one.

    Parameters
    ----------
    folder
        The current folder; "" where it has been removed.
    mask
        Permissions that new files do not get.
    handlers
        What happens on each signal.
    limits
        Limits of the system.
    interpreter
        Limits of recursion, NumPy's reaction to errors, standard streams.
    descriptors
        What the descriptors of the worker stand for.
    running
        Its threads and its children.
    """

    folder: str
    mask: int
    handlers: tuple[Any, ...]
    limits: tuple[tuple[int, int], ...]
    interpreter: tuple[Any, ...]
    descriptors: tuple[tuple[int, int] | None, ...]
    running: tuple[frozenset[Any], frozenset[int]]

    @classmethod
    def now(cls, descriptors: Sequence[int]) -> Self:
        """Return the state of this process, with the descriptors it cannot do without."""
        mask = os.umask(0)
        os.umask(mask)
        return cls(
            folder=_current_folder(),
            mask=mask,
            handlers=tuple(signal.getsignal(number) for number in sorted(signal.valid_signals())),
            limits=tuple(resource.getrlimit(limit) for limit in _LIMITS),
            interpreter=(
                sys.getrecursionlimit(),
                tuple(sorted(np.geterr().items())),
                *(_stream(stream) for stream in (sys.stdin, sys.stdout, sys.stderr)),
            ),
            descriptors=tuple(_file(descriptor) for descriptor in descriptors),
            running=(frozenset(threading.enumerate()), _children()),
        )


def _current_folder() -> str:
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return ""


def _stream(stream: Any) -> tuple[int, bool]:
    return id(stream), bool(getattr(stream, "closed", True))


def _file(descriptor: int) -> tuple[int, int] | None:
    try:
        found = os.fstat(descriptor)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _children() -> frozenset[int]:
    """Return the children of this process, as far as the system tells (Linux)."""
    found: set[int] = set()
    for path in Path("/proc/self/task").glob("*/children"):
        try:
            found.update(int(number) for number in path.read_text().split())
        except OSError:
            continue  # a thread that has just ended
    return frozenset(found)
