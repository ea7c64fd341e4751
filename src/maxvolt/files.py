"""Read and write whole files safely."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from maxvolt.durability import synchronize, synchronize_folder
from maxvolt.errors import DataError
from maxvolt.sources import COMPRESSED, reading

__all__ = [
    "COMPRESSED",
    "make_folder",
    "reading",
    "replacing",
    "replacing_path",
    "synchronize_folder",
]


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
    power cut either the old file or the new one is there, whole.

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
        synchronize(temporary)
        temporary.replace(target)
        synchronize_folder(target.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise DataError(f"{path}: cannot be written: {error.strerror or error}") from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


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
