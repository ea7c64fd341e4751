"""MLIP configuration files (``.cfg``), text and binary, of MLIP-2 and MLIP-3.

The format has no element names: an atom has a *type*, a number from 0. `read_cfg` and `write_cfg`
keep files as they are; `dataset_from_cfg` and `cfg_from_dataset` translate types to elements and
PlusStress to stress. The writer adds a feature ``species`` that names the element of each type, so
that its files can be read without being told.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Literal

from maxvolt.appending import append_lines, appending
from maxvolt.errors import DataError
from maxvolt.files import reading, replacing
from maxvolt.io.cfg_binary import binary_bytes, parse_binary
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.io.cfg_text import parse_text
from maxvolt.io.cfg_write import text_bytes

__all__ = ["CfgConfiguration", "Encoding", "iterate_cfg", "parse_cfg", "read_cfg", "write_cfg"]

Encoding = Literal["full", "ordinary", "binary"]
"""Text with all digits, text with MLIP's ordinary precision (positions to 1e-6 A), or binary."""

_logger = logging.getLogger(__name__)


def iterate_cfg(path: str | Path) -> Iterator[CfgConfiguration]:
    """Yield the configurations of a file, text or binary as its first letter says.

    Raises
    ------
    FileFormatError
        Where the file is not understood, with the line or, in a binary file, the byte.
    """
    with reading(path) as stream:
        yield from _parsed(stream, path, 1)


def parse_cfg(data: bytes, path: str | Path, *, first_line: int = 1) -> list[CfgConfiguration]:
    """Return the configurations of a part of a file that has been read already.

    Parameters
    ----------
    data
        Text or binary configurations.
    path, first_line
        Where they come from, for error messages.
    """
    return list(_parsed(BytesIO(data), path, first_line))


def _parsed(stream: BinaryIO, path: str | Path, first_line: int) -> Iterator[CfgConfiguration]:
    origin = stream.tell()
    start = stream.read(64)
    stream.seek(origin)
    if _is_binary(start):
        return parse_binary(stream.read(), path)
    return parse_text(stream, path, first_line=first_line)


def read_cfg(path: str | Path) -> list[CfgConfiguration]:
    """Return the configurations of a file; see `iterate_cfg`."""
    return list(iterate_cfg(path))


def write_cfg(
    path: str | Path,
    configurations: Iterable[CfgConfiguration],
    *,
    encoding: Encoding = "full",
    direct: bool = False,
    append: bool = False,
) -> None:
    """Write configurations to a file.

    Parameters
    ----------
    path
        The file; a new one takes this name only when it is complete.
    configurations
        What to write.
    encoding
        ``"full"``: text from which reading returns the same numbers; ``"ordinary"``: text as MLIP
        writes it without being asked; ``"binary"``: also exact, but it has no place for
        ``nbh_grades``.
    direct
        Write fractional positions (text only).
    append
        Add to the end of an existing file of the same kind.
    """
    if encoding == "binary" and direct:
        raise DataError("a binary .cfg has Cartesian positions only; leave out direct")
    pieces = []
    for index, configuration in enumerate(configurations):
        try:
            pieces.append(_encoded(configuration, encoding, direct))
        except DataError as error:
            raise DataError(f"configuration {index}: {error}") from error
    data = b"".join(pieces)
    if append and Path(path).exists():
        _append(Path(path), data, binary=encoding == "binary")
        return
    with replacing(path) as stream:
        stream.write(data)


def _encoded(configuration: CfgConfiguration, encoding: Encoding, direct: bool) -> bytes:
    if encoding != "binary":
        return text_bytes(configuration, full_precision=encoding == "full", direct=direct)
    if configuration.nbh_grades is not None:
        _logger.warning("a binary .cfg cannot hold nbh_grades; they are not written")
    return binary_bytes(configuration)


def _append(path: Path, data: bytes, *, binary: bool) -> None:
    """Add to the end of a file, after making sure that it is of the same kind."""
    with reading(path) as stream:
        start = stream.read(64)
    if start.strip() and _is_binary(start) != binary:
        kind = "binary" if binary else "text"
        raise DataError(f"{path}: cannot append {kind} configurations to a file of another kind")
    if binary:
        with appending(path) as target, target.open("ab") as stream:
            stream.write(data)
    else:
        append_lines(path, data)


def _is_binary(start: bytes) -> bool:
    return start.lstrip().startswith(b"n")
