"""Read extended XYZ: frames are found here, each is read by ASE.

Beyond what ASE accepts: a stress or virial of six numbers (Voigt order), header keys that differ in
case from the format's own (``lattice``, ``PROPERTIES``), blank lines between frames.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from ase import Atoms
from ase.io.extxyz import key_val_str_to_dict, read_xyz

from maxvolt.errors import FileFormatError
from maxvolt.files import reading

__all__ = ["read_extxyz"]

# ASE does not annotate them.
_to_dict: Callable[[str], dict[str, Any]] = key_val_str_to_dict
_read_frames: Callable[..., Iterator[Atoms]] = read_xyz

_CLOSING = {"'": "'", '"': '"', "{": "}", "[": "]"}

# The format's own keys, and the values that tell them from others that differ in case only, as in
# lattice=fcc.
_OWN_KEYS = {key.lower(): key for key in ("Lattice", "Properties", "pbc")}
_OWN_VALUES = {
    "Lattice": re.compile(r"""\s*=\s*["'{\[]\s*([-+.\deE]+[\s,]+){8}"""),
    "Properties": re.compile(r"""\s*=\s*["'{\[]?[^\s:=]+:[SRIL]:\d"""),
    "pbc": re.compile(r"""\s*=\s*["'{\[]?\s*[TFtf01]"""),
}
_OWN_COLUMNS = {"species": "species", "pos": "pos", "z": "Z"}
_TENSORS = ("stress", "virial")
_SPECIAL = re.compile("|".join([*_OWN_KEYS, *_TENSORS]), re.IGNORECASE)
_ASIDE = "maxvolt_"
"""Put before the keys of tensors, of which ASE would accept nine numbers only."""


def read_extxyz(path: Path) -> list[Atoms]:
    """Read all structures of a file.

    Raises
    ------
    FileFormatError
        Names the line where the structure begins that cannot be read.
    """
    with reading(path) as stream:
        return [_structure(path, line, text) for line, text in _frames(path, stream)]


def _frames(path: Path, stream: BinaryIO) -> Iterator[tuple[int, str]]:
    """Yield the line number and the text of each frame."""
    number = 0
    line = stream.readline()
    while line:
        number += 1
        if not line.strip():
            line = stream.readline()
            continue
        count = _count(path, number, line)
        frame = [line]
        while (line := stream.readline()) and (
            len(frame) < count + 2 or line.lstrip().startswith(b"VEC")
        ):
            frame.append(line)
        if len(frame) < count + 2:
            raise FileFormatError(
                path,
                f"the structure that begins here has {max(len(frame) - 2, 0)} of its {count} "
                "atoms; is the file cut off?",
                line=number,
            )
        yield number, b"".join(frame).decode("utf-8", "surrogateescape")
        number += len(frame) - 1


def _count(path: Path, number: int, line: bytes) -> int:
    try:
        return int(line)
    except ValueError:
        shown = line.strip().decode("utf-8", "backslashreplace")
        raise FileFormatError(
            path, f"expected the number of atoms of a structure, found {shown[:60]!r}", line=number
        ) from None


def _structure(path: Path, line: int, text: str) -> Atoms:
    try:
        (atoms,) = _read_frames(io.StringIO(text), 0, properties_parser=_header)
    except Exception as error:  # ASE raises whatever went wrong inside
        shown = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise FileFormatError(
            path, f"ASE cannot read it as extxyz ({shown}) where a structure begins", line=line
        ) from error
    return atoms


def _header(text: str) -> dict[str, Any]:
    """Read a header as ASE does, more forgiving about tensors and case."""
    found = _to_dict(_with_renamed_keys(text))
    if "Properties" in found:
        found["Properties"] = _with_own_columns(found["Properties"])
    for key in _TENSORS:
        if _ASIDE + key in found:
            found[key] = _tensor(key, found.pop(_ASIDE + key))
    return found


def _with_renamed_keys(text: str) -> str:
    """Give keys the case of the format, and tensors a key that ASE does not know."""
    if set(_SPECIAL.findall(text)) <= set(_OWN_KEYS.values()):
        return text
    places = list(_keys(text))
    present = {text[begin:end] for begin, end in places}
    parts, last = [], 0
    for begin, end in places:
        key = text[begin:end]
        own = _OWN_KEYS.get(key.lower(), key)
        if key in _TENSORS:
            renamed = _ASIDE + key
        elif own not in present and _OWN_VALUES[own].match(text, end):
            renamed = own
        else:
            renamed = key
        parts += [text[last:begin], renamed]
        last = end
    return "".join([*parts, text[last:]])


def _keys(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each unquoted key of a header stands; blanks may surround the ``=``."""
    begin = end = 0
    closing, escaped = "", False
    for at, letter in enumerate(text):
        if escaped:
            escaped = False
        elif letter == "\\":
            escaped = True
        elif closing:
            closing = "" if letter == closing else closing
        elif letter in _CLOSING:
            closing = _CLOSING[letter]
        elif letter == "=" and end > begin:
            yield begin, end
            begin = end = len(text)  # what follows is a value
        elif letter != "=" and not letter.isspace():
            if at == 0 or text[at - 1].isspace():
                begin = at
            end = at + 1


_MOST_COLUMNS = 10_000
"""Columns of one quantity; ASE takes memory for as many as the header names."""


def _with_own_columns(properties: object) -> object:
    if not isinstance(properties, str):
        return properties
    fields = properties.split(":")
    for count in fields[2::3]:
        if not count.isascii() or not count.isdigit() or int(count[:9]) > _MOST_COLUMNS:
            raise ValueError(f"Properties names {count[:20]!r} columns of one quantity")
    fields[::3] = [_OWN_COLUMNS.get(name.lower(), name) for name in fields[::3]]
    return ":".join(fields)


def _tensor(key: str, value: object) -> object:
    """Return nine numbers as a matrix, whose columns they are; six in Voigt order as they are."""
    if isinstance(value, np.ndarray) and value.shape == (9,):
        return value.reshape((3, 3), order="F")
    if isinstance(value, np.ndarray) and value.shape == (6,):
        return value
    raise ValueError(f"{key} is {value!r}; expected 9 numbers, or 6 in the order xx yy zz yz xz xy")
