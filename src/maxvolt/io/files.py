"""Read and write whole files safely."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from maxvolt.errors import DataError, FileFormatError

__all__ = ["read_bytes", "replacing"]


def read_bytes(path: str | Path) -> bytes:
    """Return the content of a file.

    Raises
    ------
    FileFormatError
        When it cannot be read at all.
    """
    try:
        return Path(path).read_bytes()
    except FileNotFoundError as error:
        raise FileFormatError(path, "no such file; check the path") from error
    except OSError as error:
        raise FileFormatError(path, f"cannot be read: {error.strerror or error}") from error


@contextmanager
def replacing(path: str | Path) -> Iterator[BinaryIO]:
    """Open a file for writing that takes its name only when it is complete.

    The bytes go to a temporary name in the same folder, so that a crash leaves an older file of
    that name as it was.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        if target.is_dir():
            raise DataError(f"{path}: is a folder; give the name of a file")
        with target.open("wb") as stream:  # a pipe or a terminal cannot be replaced
            yield stream
        return
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        stream = temporary.open("xb")
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror or error}") from error
    try:
        with stream:
            yield stream
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
