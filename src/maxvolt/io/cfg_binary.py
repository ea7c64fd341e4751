"""Read and write MLIP binary configurations.

A configuration is a sequence of blocks, each a letter and its numbers (little-endian): ``n`` size,
``l`` lattice, ``p`` positions, ``t`` types, ``f`` forces, ``m`` magnetic moments, ``d`` derivatives
with respect to them, ``v`` site energies, ``c`` charges, ``g`` ghost flags, ``s`` PlusStress,
``e`` energy, ``F`` a feature, ``#`` end.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import DTypeLike, NDArray

from maxvolt.errors import FileFormatError
from maxvolt.io.cfg_record import ATOM_FIELDS, CfgConfiguration

__all__ = ["binary_bytes", "parse_binary"]

_SPACE = b" \t\n\v\f\r"

# PlusStress stands as xx yy zz xy yz xz in the file and as xx yy zz yz xz xy in the record.
_FROM_FILE = [0, 1, 2, 4, 5, 3]
_TO_FILE = [0, 1, 2, 5, 3, 4]


def parse_binary(data: bytes, path: str | Path) -> Iterator[CfgConfiguration]:
    """Yield the configurations of a binary file.

    Raises
    ------
    FileFormatError
        At the first byte that is not understood.
    """
    reader = _Reader(data, path)
    while reader.next_tag() is not None:
        yield reader.configuration()


def binary_bytes(configuration: CfgConfiguration) -> bytes:
    """Return one configuration in binary form.

    Neighbourhood grades have no place in this format.
    """
    parts = [b"n", struct.pack("<i", len(configuration))]
    parts += [b"l", _packed(configuration.cell, "<f8")]
    parts += [b"p", _packed(configuration.positions, "<f8")]
    parts += [b"t", _packed(configuration.types, "<i4")]
    for field in ATOM_FIELDS:
        values = getattr(configuration, field.attribute)
        if values is None or field.tag is None:
            continue
        packed = (
            np.where(values, b"1", b"0").tobytes() if field.tag == "g" else _packed(values, "<f8")
        )
        parts += [field.tag.encode(), packed]
    if configuration.plus_stress is not None:
        parts += [b"s", _packed(configuration.plus_stress[_TO_FILE], "<f8")]
    if configuration.energy is not None:
        parts += [b"e", struct.pack("<d", configuration.energy)]
    for name, value in configuration.features.items():
        parts.append(b"F")
        for text in (name, value):
            encoded = text.encode("utf-8", "surrogateescape")
            parts += [struct.pack("<i", len(encoded)), encoded]
    return b"".join([*parts, b"#"])


def _packed(array: NDArray[Any], dtype: DTypeLike) -> bytes:
    return np.ascontiguousarray(array, dtype).tobytes()


class _Reader:
    """The bytes of a file, and how far they have been read."""

    __slots__ = ("_at", "_data", "_path")

    def __init__(self, data: bytes, path: str | Path) -> None:
        self._data = data
        self._path = path
        self._at = 0

    def next_tag(self) -> bytes | None:
        """Return the next letter without taking it; None at the end of the file."""
        while self._data[self._at : self._at + 1] in _SPACE and self._at < len(self._data):
            self._at += 1
        return self._data[self._at : self._at + 1] or None

    def configuration(self) -> CfgConfiguration:
        """Read one configuration."""
        if self._take_tag() != b"n":
            self._fail("expected the letter n, which begins a configuration", self._at - 1)
        size = self._whole("the number of atoms")
        found: dict[str, Any] = {}
        features: dict[str, str] = {}
        while (tag := self._take_tag()) != b"#":
            if tag == b"F":
                name = self._text("name")
                features[name] = self._text("text")
                continue
            start = self._at - 1
            name, value = self._block(tag, size)
            if name in found:
                self._fail(f"{name} is given twice", start)
            found[name] = value
        if "positions" not in found:
            self._fail("the configuration has no positions (block p)")
        found.setdefault("types", np.zeros(size, np.int32))
        found.setdefault("cell", np.zeros((3, 3)))
        return CfgConfiguration(features=features, **found)

    def _block(self, tag: bytes, size: int) -> tuple[str, Any]:
        if tag == b"l":
            return "cell", self._finite(self._array("<f8", 9), "the lattice").reshape(3, 3)
        if tag == b"p":
            positions = self._finite(self._array("<f8", 3 * size), "positions")
            return "positions", positions.reshape(size, 3)
        if tag == b"t":
            types = self._array("<i4", size).astype(np.int32)
            if (types < 0).any():
                self._fail("a type is negative; expected whole numbers from 0")
            return "types", types
        if tag == b"s":
            stress = self._finite(self._array("<f8", 6), "PlusStress")
            return "plus_stress", stress[_FROM_FILE]
        if tag == b"e":
            return "energy", float(self._finite(self._array("<f8", 1), "the energy")[0])
        for field in ATOM_FIELDS:
            if field.tag == tag.decode("latin-1"):
                return field.attribute, self._atom_values(field.attribute, len(field.columns), size)
        self._fail(f"unknown block {tag!r}", self._at - 1)

    def _atom_values(self, name: str, columns: int, size: int) -> NDArray[Any]:
        if name == "ghost":
            flags = self._array("u1", size)
            if not np.isin(flags, (ord("0"), ord("1"))).all():
                self._fail("ghost flags must be the characters 0 or 1")
            return np.asarray(flags == ord("1"))
        values = self._array("<f8", columns * size)
        if name == "forces":
            self._finite(values, "forces")
        return values.reshape(size, columns) if columns == 3 else values

    def _take_tag(self) -> bytes:
        tag = self.next_tag()
        if tag is None:
            self._fail("the file ends inside a configuration; is it cut off?")
        self._at += 1
        return tag

    def _array(self, dtype: str, count: int) -> NDArray[Any]:
        """Read numbers, after making sure that the file has that many."""
        kind = np.dtype(dtype)
        left = len(self._data) - self._at
        if count * kind.itemsize > left:
            self._fail(
                f"expected {count} numbers ({count * kind.itemsize} bytes), but only {left} bytes "
                "are left; is the file cut off?"
            )
        values = np.frombuffer(self._data, kind, count, self._at)
        self._at += count * kind.itemsize
        return values.astype(kind.newbyteorder("="))

    def _whole(self, what: str) -> int:
        start = self._at
        value = int(self._array("<i4", 1)[0])
        if value < 0:
            self._fail(f"{what} is {value}; expected a whole number from 0", start)
        return value

    def _text(self, what: str) -> str:
        length = self._whole(f"the length of the {what} of a feature")
        return self._array("u1", length).tobytes().decode("utf-8", "surrogateescape")

    def _finite(self, numbers: NDArray[Any], what: str) -> NDArray[Any]:
        if not np.isfinite(numbers).all():
            self._fail(f"{what} has numbers that are not finite", self._at - numbers.nbytes)
        return numbers

    def _fail(self, message: str, offset: int | None = None) -> NoReturn:
        raise FileFormatError(self._path, message, offset=self._at if offset is None else offset)
