"""Arrays of a NumPy archive, in no more memory than the archive takes on disk.

NumPy unpacks what it is given: a compressed member of a few kilobytes may hold gigabytes, and an
array may claim any shape. Archives of this package hold plain arrays, not compressed.
"""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import FileFormatError

__all__ = ["kept_arrays", "read_arrays"]


def read_arrays(
    source: Path | bytes, only: Collection[str] | None = None
) -> dict[str, NDArray[Any]]:
    """Read arrays of an archive that `numpy.savez` wrote.

    Parameters
    ----------
    source
        A file, or its contents.
    only
        Names of the arrays to read; None: all.

    Returns
    -------
    arrays
        By name.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError, zipfile.BadZipFile
        The archive is damaged, or holds what `numpy.savez` does not write: compressed or
        overlapping members, arrays of Python objects, shapes that their data do not fill.
    """
    if isinstance(source, bytes):
        return _arrays(BytesIO(source), len(source), only)
    with source.open("rb") as stream:
        return _arrays(stream, source.stat().st_size, only)


@contextmanager
def kept_arrays(
    path: Path, what: str, then: str = "it is made again"
) -> Iterator[dict[str, NDArray[Any]]]:
    """Give the arrays of a file from which a simulation goes on, and judge what is made of them.

    Parameters
    ----------
    path
        The file.
    what
        Is in it, as "path that is done".
    then
        What happens where it is removed.

    Raises
    ------
    FileFormatError
        The archive is damaged, or what is made of its arrays inside the context fails.
    """
    try:
        yield read_arrays(path)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise FileFormatError(path, f"is no {what} ({error}); remove it, and {then}") from error


def _arrays(stream: BinaryIO, size: int, only: Collection[str] | None) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise ValueError("a member is compressed")
        if sum(member.file_size for member in members) > size:
            raise ValueError("its members are larger than the file")
        named = {member.filename.removesuffix(".npy"): member for member in members}
        return {
            name: _array(archive.read(member))
            for name, member in named.items()
            if only is None or name in only
        }


def _array(data: bytes) -> NDArray[Any]:
    """Read one array, after making sure that its data are as long as its header says."""
    stream = BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"an array has the format version {version}")
    read_header = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, fortran_order, dtype = read_header(stream)
    if dtype.hasobject or not dtype.itemsize:
        raise ValueError(f"an array holds {dtype}")
    count = 1
    for length in shape:
        count *= length
    if min(shape, default=0) < 0 or count * dtype.itemsize != len(data) - stream.tell():
        raise ValueError(f"an array of shape {shape} does not match its data")
    array = np.frombuffer(data, dtype, count, stream.tell()).copy()
    return array.reshape(shape, order="F" if fortran_order else "C")
