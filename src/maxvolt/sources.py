"""Where the bytes of an input come from: a file, a compressed one, a pipe, standard input.

What is compressed is expanded piece by piece and under a limit, for a kilobyte can hold gigabytes.
A pipe gives its bytes only once, so that they are kept in a file while they are needed.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import shutil
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

from maxvolt.appending import SafeLength, unfinished
from maxvolt.errors import FileFormatError

__all__ = [
    "COMPRESSED",
    "ExpansionLimits",
    "holding",
    "plain_file",
    "reading",
]

_OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_BEGINNINGS = {b"\x1f\x8b": ".gz", b"BZh": ".bz2", b"\xfd7zXZ\x00": ".xz"}

COMPRESSED = tuple(_OPENERS)
"""Endings of compressed files, which are read as what they contain."""


@dataclass(frozen=True, slots=True)
class ExpansionLimits:
    """Bytes that may come out of a compressed file or a pipe.

    Parameters
    ----------
    small
        To which any compressed file may expand.
    ratio
        How many times its own size a compressed file may expand to; text of structures has 3 to 20.
    largest
        That no compressed file and no pipe may exceed.
    """

    small: int = 4 * 2**20
    ratio: int = 200
    largest: int = 16 * 2**30

    def of_file(self, size: int) -> int:
        """To how many bytes a file of this size may expand."""
        return min(max(self.small, self.ratio * size), self.largest)


_LIMITS = ExpansionLimits()

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_held: ContextVar[Mapping[Path, Path]] = ContextVar("held", default={})  # noqa: B039 (read only)
"""Files that keep what came through pipes, by the path under which it is read."""


@contextmanager
def reading(path: str | Path, limits: ExpansionLimits = _LIMITS) -> Iterator[BinaryIO]:
    """Open an input for reading; a byte-order mark is skipped.

    What is compressed, as its name or, in a pipe, its beginning says, is expanded.

    Parameters
    ----------
    path
        A file, a pipe, or "-" for standard input.
    limits
        For what is compressed and for pipes.

    Raises
    ------
    FileFormatError
        When it is not there, cannot be read, expands beyond the limits, or what is inside ends too
        early.
    """
    path = Path(path)
    with holding(path, limits), _explaining(path), _opened(path, limits) as stream:
        if stream.read(len(_BYTE_ORDER_MARK)) != _BYTE_ORDER_MARK:
            stream.seek(0)
        yield stream


@contextmanager
def holding(path: str | Path, limits: ExpansionLimits = _LIMITS) -> Iterator[None]:
    """Keep what a pipe gives for everybody who reads it inside the block, many times if need be."""
    path = Path(path)
    if path in _held.get() or not _gives_once(path):
        yield
        return
    with TemporaryDirectory(prefix="maxvolt-") as folder:
        kept = Path(folder) / "input"
        with _explaining(path):
            _keep(path, kept, limits)
        token = _held.set({**_held.get(), path: kept})
        try:
            yield
        finally:
            _held.reset(token)


@contextmanager
def plain_file(path: str | Path) -> Iterator[Path]:
    """Give a file of the disk that holds an input as it is, for libraries that open files.

    A file that is neither compressed nor otherwise to be changed is that file itself.
    """
    path = Path(path)
    with holding(path):
        if path not in _held.get() and not _ending(path) and unfinished(path) is None:
            with reading(path) as stream:
                has_mark = stream.tell() > 0
            if not has_mark:
                yield path
                return
        with TemporaryDirectory(prefix="maxvolt-") as folder:
            copy = Path(folder) / (path.name[: -len(_ending(path))] if _ending(path) else path.name)
            with reading(path) as stream, copy.open("xb") as output:
                shutil.copyfileobj(stream, output, 2**20)
            yield copy


def _gives_once(path: Path) -> bool:
    return str(path) == "-" or (path.exists() and not path.is_file() and not path.is_dir())


def _keep(path: Path, kept: Path, limits: ExpansionLimits) -> None:
    """Copy a pipe into a file."""
    if str(path) == "-" and sys.stdin is None:
        raise FileFormatError(path, "there is no standard input; give the name of a file")
    with (
        nullcontext(sys.stdin.buffer) if str(path) == "-" else path.open("rb") as source,
        kept.open("xb") as output,
    ):
        left = limits.largest
        while data := source.read(2**20):
            left -= len(data)
            if left < 0:
                raise FileFormatError(
                    path,
                    f"more than {_size(limits.largest)} came through the pipe; write them to "
                    "a file and read that",
                )
            output.write(data)


@contextmanager
def _explaining(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise FileFormatError(path, "no such file; check the path") from error
    except OSError as error:
        raise FileFormatError(path, f"cannot be read: {error.strerror or error}") from error
    except (EOFError, zlib.error, lzma.LZMAError) as error:
        raise FileFormatError(path, f"the compressed data are damaged: {error}") from error


def _size(count: int) -> str:
    """Write a number of bytes in the largest unit that leaves a whole number of them or more."""
    shift, unit = next((s, u) for s, u in ((30, "GiB"), (20, "MiB"), (0, "bytes")) if count >> s)
    return f"{count >> shift} {unit}"


def _ending(path: Path) -> str:
    """Return the ending of a compressed file, "" for others."""
    return path.suffix if path.suffix.lower() in COMPRESSED else ""


def _opened(path: Path, limits: ExpansionLimits) -> BinaryIO:
    kept = _held.get().get(path)
    file = path if kept is None else kept
    ending = _ending(path).lower() if kept is None else _ending_by_content(kept)
    if ending:
        expanded = _OPENERS[ending](file, "rb")
        return io.BufferedReader(_Expanding(expanded, path, file.stat().st_size, limits), 2**18)
    stream = file.open("rb")
    safe = unfinished(file) if kept is None else None
    return stream if safe is None else io.BufferedReader(_Beginning(stream, safe))


def _ending_by_content(kept: Path) -> str:
    with kept.open("rb") as stream:
        start = stream.read(8)
    return next((end for magic, end in _BEGINNINGS.items() if start.startswith(magic)), "")


class _Layer(io.RawIOBase):
    """Reads another stream, seekable as that is."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Expanding(_Layer):
    """Compressed data, which may expand to so much and no more."""

    def __init__(self, stream: BinaryIO, path: Path, size: int, limits: ExpansionLimits) -> None:
        super().__init__(stream)
        self._path = path
        self._limits = limits
        self._most = limits.of_file(size)

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        if self._stream.tell() > self._most:
            raise FileFormatError(
                self._path,
                f"expands to more than {_size(self._most)}, the most that is read from a "
                f"compressed file of this size ({self._limits.ratio} times its size, at least "
                f"{_size(self._limits.small)}, at most {_size(self._limits.largest)}); if the file "
                "is right, decompress it yourself and read what comes out",
            )
        buffer[: len(data)] = data
        return len(data)


class _Beginning(_Layer):
    """The part of a file that counts while something is being added to its end."""

    def __init__(self, stream: BinaryIO, safe: SafeLength) -> None:
        super().__init__(stream)
        self._safe = safe

    def readinto(self, buffer: Any) -> int:
        start = self._stream.tell()
        data = self._stream.read(max(min(len(buffer), self._safe.length - start), 0))
        first = self._safe.first_bytes
        if start < len(first):
            data = first[start : start + len(data)] + data[len(first) - start :]
        buffer[: len(data)] = data
        return len(data)
