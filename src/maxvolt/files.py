"""Read and write whole files safely."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import secrets
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from maxvolt.errors import DataError, FileFormatError

__all__ = [
    "COMPRESSED",
    "make_folder",
    "reading",
    "replacing",
    "replacing_path",
    "synchronize_folder",
]

_OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}

COMPRESSED = tuple(_OPENERS)
"""Endings of compressed files, which are read as what they contain."""


@contextmanager
def reading(path: str | Path) -> Iterator[BinaryIO]:
    """Open a file for reading, decompressing it if its name says so.

    Raises
    ------
    FileFormatError
        When it is not there, cannot be read, or what is inside ends too early.
    """
    try:
        with _opened(Path(path)) as stream:
            yield stream
    except FileNotFoundError as error:
        raise FileFormatError(path, "no such file; check the path") from error
    except OSError as error:
        raise FileFormatError(path, f"cannot be read: {error.strerror or error}") from error
    except (EOFError, zlib.error, lzma.LZMAError) as error:
        raise FileFormatError(path, f"the compressed data are damaged: {error}") from error


def _opened(path: Path) -> BinaryIO:
    opener = _OPENERS.get(path.suffix, open)
    return cast(BinaryIO, opener(path, "rb"))


@contextmanager
def replacing(path: str | Path) -> Iterator[BinaryIO]:
    """Open a file for writing that takes its name only when it is complete.

    The bytes go to a temporary name in the same folder, so that a crash leaves an older file of
    that name as it was; see `replacing_path`.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file() and not target.is_dir():
        with target.open("wb") as stream:  # a pipe or a terminal cannot be replaced
            yield stream
        return
    with replacing_path(path) as temporary, temporary.open("xb") as stream:
        yield stream


@contextmanager
def replacing_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary name whose file takes the name of `path` when all went well.

    The file is on the disk before it takes the name, and the name before this returns: after a
    power cut the old file stands there or the new one, whole.

    Raises
    ------
    DataError
        When the folder is not there or must not be written to.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise DataError(f"{path}: is a folder; give the name of a file")
    temporary = target.with_name(f".{target.stem}.{secrets.token_hex(4)}.tmp{target.suffix}")
    try:
        yield temporary
        _synchronize(temporary)
        temporary.replace(target)
        synchronize_folder(target.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise DataError(f"{path}: cannot be written: {error.strerror or error}") from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _synchronize(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def make_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing; their names are then on the disk.

    Raises
    ------
    FileExistsError, NotADirectoryError
        There is a file where a folder is needed.
    """
    missing = [path, *path.parents]
    missing = missing[: next(n for n, folder in enumerate(missing) if folder.exists())]
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        synchronize_folder(folder.parent)


def synchronize_folder(folder: Path) -> None:
    """Have the names in a folder on the disk: a file that was made, renamed or removed."""
    if os.name != "posix":
        return  # other systems do not open folders
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
