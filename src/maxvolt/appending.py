"""Add to the end of a file without ever losing what it holds, and without copying it.

Before a file grows, a note beside it (``.NAME.append``) records on the disk how long the file is
and how it begins. When adding fails (a full disk, an error of the writer), the file is cut back to
that length before the error is raised. When the process is killed or the power fails, the note
stays: until the next addition, which removes the incomplete rest, `unfinished` tells readers how
much of the file counts. So maxvolt reads either the old content or all of the new one and never
half a structure. Other programs see an incomplete end after a kill, until the next addition.
"""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Self

from maxvolt.durability import synchronize, synchronize_folder
from maxvolt.errors import DataError

__all__ = [
    "SafeLength",
    "append_lines",
    "append_whole",
    "appending",
    "remove_torn_line",
    "unfinished",
]

_logger = logging.getLogger(__name__)

_HEAD = 64
"""Bytes at the beginning that are kept: trajectories count their structures there."""

_LONGEST_WAIT = 60.0
"""Seconds to wait for another process that adds to the same file."""


@dataclass(frozen=True, slots=True)
class SafeLength:
    """What of a file counts while, or after, something was being added to it.

    Parameters
    ----------
    inode : number of the file, so that a new file of the same name is not taken for it
    length : bytes from the beginning
    head : the first of these bytes, in hexadecimal
    """

    inode: int
    length: int
    head: str

    @classmethod
    def of(cls, target: Path) -> Self:
        """Measure a file as it is."""
        with target.open("rb") as stream:
            status = os.fstat(stream.fileno())
            return cls(status.st_ino, status.st_size, stream.read(_HEAD).hex())

    @property
    def first_bytes(self) -> bytes:
        """The beginning of the file."""
        return bytes.fromhex(self.head)

    def is_of(self, target: Path) -> bool:
        """Whether this is about that file, which has not become shorter since."""
        try:
            status = target.stat()
        except FileNotFoundError:
            return False
        return status.st_ino == self.inode and status.st_size >= self.length

    def restore(self, target: Path) -> None:
        """Cut the file back."""
        with target.open("r+b") as stream:
            stream.truncate(self.length)
            stream.write(self.first_bytes)
            stream.flush()
            os.fsync(stream.fileno())

    def to_bytes(self) -> bytes:
        """Return what the note holds; a note that was cut off is told by its sum."""
        text = json.dumps(asdict(self)).encode()
        return b"%08x %b\n" % (zlib.crc32(text), text)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self | None:
        """Read a note; None for one that was not finished, before which nothing was added."""
        digest, _, text = data.removesuffix(b"\n").partition(b" ")
        if digest != b"%08x" % zlib.crc32(text):
            return None
        return cls(**json.loads(text))


@contextmanager
def appending(path: str | Path) -> Iterator[Path]:
    """Let a file grow: what the block does to its end is kept whole or undone.

    The block may write after the end and into the first 64 bytes, and elsewhere only where nothing
    counts (trajectories have room for the places of structures to come). It gets the path without
    links.

    Raises
    ------
    DataError
        When the file cannot be written, or another process has been adding to it for a minute.
    """
    target = Path(os.path.realpath(path))
    note = _note_of(target)
    try:
        with _locked(note, path) as stream:
            _undo(target, SafeLength.from_bytes(stream.read()))
            before = SafeLength.of(target)
            _take_down(before, stream, note)
            try:
                yield target
                synchronize(target)
            except BaseException:
                before.restore(target)  # where this fails, the note stays
                note.unlink()
                raise
            note.unlink()
            synchronize_folder(target.parent)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror or error}") from error


def append_lines(path: Path, data: bytes) -> None:
    """Add lines to the end of a file, after the end of its last line; see `appending`."""
    if not path.is_file():
        with path.open("wb") as stream:  # a pipe or a terminal just gets them
            stream.write(data)
        return
    with appending(path) as target, target.open("r+b") as stream:
        size = stream.seek(0, os.SEEK_END)
        if size:
            stream.seek(size - 1)
            if stream.read(1) != b"\n":
                data = b"\n" + data
        stream.write(data)


def append_whole(path: Path, text: bytes) -> None:
    """Append all of a text to a journal, or nothing: a full disk takes what fits and says so later.

    It is on the disk when this returns. A kill can leave a line without an end, which
    `remove_torn_line` removes.

    Raises
    ------
    OSError
        It cannot be written; the file is as it was before.
    """
    with path.open("ab", buffering=0) as file:
        before, left = file.seek(0, os.SEEK_END), text
        try:
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        except OSError:
            file.truncate(before)
            raise


def remove_torn_line(path: Path) -> bytes:
    """Cut a journal after its last line that has an end; return what it holds then.

    Raises
    ------
    OSError
        It cannot be read or changed.
    """
    if not path.exists():
        return b""
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
    return content[:whole]


def unfinished(path: Path) -> SafeLength | None:
    """Say how much of a file counts; None where all of it does.

    Logs a warning where the process that was adding to it has ended.
    """
    target = Path(os.path.realpath(path))
    note = _note_of(target)
    try:
        with note.open("rb") as stream:
            safe = SafeLength.from_bytes(stream.read())
            if safe is None or not safe.is_of(target) or safe == SafeLength.of(target):
                return None
            if _lock(stream):
                _logger.warning(
                    "%s: adding to it was interrupted; what stands after byte %d is left out, and "
                    "the next addition removes it (delete %s to have it read)",
                    path,
                    safe.length,
                    note,
                )
    except (FileNotFoundError, NotADirectoryError):
        return None
    return safe


def _note_of(target: Path) -> Path:
    shortened = os.fsdecode(os.fsencode(target.name)[:200])  # a name has at most 255 bytes
    return target.with_name(f".{shortened}.append")


def _undo(target: Path, safe: SafeLength | None) -> None:
    """Remove what an earlier, interrupted addition left behind the end."""
    if safe is None or not safe.is_of(target) or safe == SafeLength.of(target):
        return
    _logger.warning(
        "%s: an addition that was interrupted is removed, from byte %d on", target, safe.length
    )
    safe.restore(target)


def _take_down(before: SafeLength, stream: BinaryIO, note: Path) -> None:
    """Have the note on the disk before anything is added."""
    try:
        stream.seek(0)
        stream.truncate()
        stream.write(before.to_bytes())
        stream.flush()
        os.fsync(stream.fileno())
        synchronize_folder(note.parent)
    except BaseException:
        note.unlink()
        raise


@contextmanager
def _locked(note: Path, path: str | Path) -> Iterator[BinaryIO]:
    """Open the note for one process alone; the system lets go when that process ends."""
    end = time.monotonic() + _LONGEST_WAIT
    while True:
        with os.fdopen(os.open(note, os.O_RDWR | os.O_CREAT, 0o666), "r+b") as stream:
            # Its last owner may have removed the note since it was opened here.
            if _lock(stream) and os.fstat(stream.fileno()).st_nlink:
                yield stream
                return
        if time.monotonic() > end:
            raise DataError(
                f"{path}: another process is adding to this file; wait until it has ended"
            )
        time.sleep(0.01)


def _lock(stream: BinaryIO) -> bool:
    """Try to lock a file; True also where the file system has no locks."""
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EBADF):
            raise
    return True
