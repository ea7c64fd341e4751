"""Archives that hold arrays, a document and whole files of potentials."""

from __future__ import annotations

import json
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.archives import read_arrays
from maxvolt.errors import DataError, FileFormatError, MaxvoltError
from maxvolt.files import replacing
from maxvolt.potentials import Potential, load
from maxvolt.potentials.families import family_of
from maxvolt.selection import ActiveSet, read_active_set

__all__ = [
    "Archive",
    "active_set_of",
    "bytes_of",
    "damage_named",
    "potential_of",
    "read_archive",
    "write_archive",
]

_DAMAGE = (
    *(EOFError, zipfile.BadZipFile, zlib.error, RuntimeError),  # of the archive
    *(ValueError, KeyError, TypeError, AttributeError, IndexError),  # of what it holds
)


@dataclass(frozen=True, slots=True, eq=False)
class Archive:
    """What a file holds.

    Attributes
    ----------
    kind, version
        Of the file.
    document
        What goes into JSON.
    arrays
        By name.
    """

    kind: str
    version: int
    document: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]


def write_archive(path: str | Path, archive: Archive) -> None:
    """Write an archive; it appears whole or not at all."""
    document = {"kind": archive.kind, "version": archive.version, **archive.document}
    arrays: dict[str, Any] = {"document": np.array(json.dumps(document)), **archive.arrays}
    with replacing(path) as file:
        np.savez(file, **arrays)


def read_archive(path: str | Path, kind: str, version: int, remedy: str) -> Archive:
    """Read an archive of this kind and version.

    Raises
    ------
    FileFormatError
        The file is missing, no archive, of another kind or version.
    """
    try:
        arrays = read_arrays(Path(path))
        document = json.loads(str(arrays["document"]))
        found = (document["kind"], document["version"])
    except OSError as error:
        raise FileFormatError(path, f"cannot be read: {error.strerror or error}") from error
    except _DAMAGE as error:
        raise FileFormatError(path, f"is no {kind}, or a damaged one; {remedy}") from error
    if found[0] != kind:
        raise FileFormatError(path, f"holds {found[0]!r:.40}, not a {kind}; {remedy}")
    if found[1] != version:
        raise FileFormatError(
            path, f"is of version {found[1]!r:.20}; expected {version}: {remedy} again"
        )
    return Archive(kind, version, document, arrays)


@contextmanager
def damage_named(path: str | Path) -> Iterator[None]:
    """Name the file of which something inside cannot be used.

    Raises
    ------
    FileFormatError
    """
    try:
        yield
    except (*_DAMAGE, MaxvoltError) as error:
        raise FileFormatError(path, f"is damaged ({error}); write it again") from error


def bytes_of(what: Potential | ActiveSet) -> NDArray[np.uint8]:
    """The file of a potential, or of one with its active set, as bytes.

    Raises
    ------
    DataError
        The potential is of no family that has files.
    """
    family = None if isinstance(what, ActiveSet) else family_of(what)
    suffixes = (".almtp",) if family is None else family.suffixes
    if family is None and not isinstance(what, ActiveSet):
        raise DataError(f"{type(what).__name__}: this potential has no file that could be kept")
    with tempfile.TemporaryDirectory() as folder:
        for suffix in suffixes:
            path = Path(folder) / f"written{suffix}"
            try:
                what.write(path)
            except DataError:
                if suffix == suffixes[-1]:
                    raise
                continue  # a family with several formats takes that of the potential
            return np.frombuffer(path.read_bytes(), np.uint8)
    raise AssertionError("a family has at least one ending")


def potential_of(data: NDArray[Any], species: Sequence[str]) -> Potential:
    """The reverse of `bytes_of` for a potential."""
    with _unpacked(data) as path:
        return load(path, species)


def active_set_of(data: NDArray[Any], species: Sequence[str]) -> ActiveSet:
    """The reverse of `bytes_of` for an active set."""
    with _unpacked(data) as path:
        return read_active_set(path, species)


@contextmanager
def _unpacked(data: NDArray[Any]) -> Iterator[Path]:
    if data.dtype != np.uint8:
        raise ValueError("a file is not kept as bytes")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "potential"
        path.write_bytes(data.tobytes())
        yield path
