"""Claims: who is computing what, between processes that know nothing of each other.

A claim is a lock on one byte of a file, at a place that the key of the calculation decides. The
system drops it when its process ends, however it ends, so that no claim is ever left behind.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from maxvolt.labelling.codes.protocol import MisconfiguredError

__all__ = ["Claims"]

_DIGITS = 15
"""Hexadecimal digits of a key that make a place in the file: below 2^63, the largest one."""


class Claims:
    """The claims that this process holds in one file.

    A process must open the file once only: the system drops all its locks when it closes any
    descriptor of the file.

    Parameters
    ----------
    path
        The file; made where it does not exist, and never written to.

    Raises
    ------
    MisconfiguredError
        It cannot be made; or, of `claimed`, its file system has no locks.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise MisconfiguredError(f"{path}: cannot be opened: {error.strerror}") from error

    @contextmanager
    def claimed(self, key: str) -> Iterator[bool]:
        """Claim a calculation while the block runs; gives False where another process has it."""
        place = int(key[:_DIGITS], 16)
        try:
            fcntl.lockf(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except (BlockingIOError, PermissionError):
            yield False
            return
        except OSError as error:
            raise MisconfiguredError(
                f"{self._path}: cannot be locked ({error.strerror}); keep the store on a file "
                "system with locks, such as a local disk, or enable locks there"
            ) from error
        try:
            yield True
        finally:
            fcntl.lockf(self.descriptor, fcntl.LOCK_UN, 1, place)
