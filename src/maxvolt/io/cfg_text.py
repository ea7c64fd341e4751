"""Read MLIP text configurations (``BEGIN_CFG`` ... ``END_CFG``) of MLIP-2 and MLIP-3."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from maxvolt.cells import cell_volume
from maxvolt.errors import FileFormatError
from maxvolt.io.cfg_record import ATOM_FIELDS, CfgConfiguration

__all__ = ["parse_text", "unescape"]

_ESCAPES = {b"_": b" ", b"t": b"\t", b"n": b"\n", b"r": b"\r"}
_STRESS_LABELS = (b"xx", b"yy", b"zz", b"yz", b"xz", b"xy")
_CARTESIAN = ("cartes_x", "cartes_y", "cartes_z")
_DIRECT = ("direct_x", "direct_y", "direct_z")
_COLUMN_GROUPS = (_CARTESIAN, _DIRECT, *(f.columns for f in ATOM_FIELDS if len(f.columns) == 3))
_KNOWN_COLUMNS = frozenset(
    ("id", "type", *_CARTESIAN, *_DIRECT, *(c for f in ATOM_FIELDS for c in f.columns))
)
_LARGEST_TYPE = np.iinfo(np.int32).max

_Value = TypeVar("_Value")


def parse_text(
    lines: Iterable[bytes], path: str | Path, *, first_line: int = 1
) -> Iterator[CfgConfiguration]:
    """Yield the configurations of a text file.

    Parameters
    ----------
    lines
        Lines with or without their ends; both Unix and Windows ends are fine.
    path
        Name of the file for error messages.
    first_line
        Number of the first of the lines in that file.

    Raises
    ------
    FileFormatError
        At the first line that is not understood.
    """
    begin: int | None = None
    block: list[bytes] = []
    number = first_line - 1
    for number, line in enumerate(lines, first_line):
        word = line.strip()
        if begin is None:
            if word == b"BEGIN_CFG":
                begin, block, windows = number, [], line.endswith((b"\r", b"\r\n"))
            elif word:
                raise FileFormatError(path, _outside(word), line=number)
        elif word == b"END_CFG":
            yield _Block(block, begin + 1, path, windows).parse()
            begin = None
        elif word == b"BEGIN_CFG":
            raise FileFormatError(
                path, f"BEGIN_CFG before the END_CFG of line {begin}", line=number
            )
        else:
            block.append(line)
    if begin is not None:
        raise FileFormatError(
            path, f"the file ends before the END_CFG of line {begin}; is it cut off?", line=number
        )


def unescape(name: bytes) -> bytes:
    r"""Undo the escapes ``\_``, ``\t``, ``\n`` and ``\r`` in the name of a feature."""
    return re.sub(rb"\\([_tnr])", lambda match: _ESCAPES[match[1]], name)


def _outside(word: bytes) -> str:
    if word.startswith(b"BEGIN"):
        return "configurations of the very old BEGIN/END form are not read; expected BEGIN_CFG"
    return f"expected BEGIN_CFG, found {_shown(word)}"


def _shown(word: bytes) -> str:
    text = word.decode("utf-8", "backslashreplace")
    return repr(text if len(text) <= 40 else text[:37] + "...")


class _Block:
    """The lines between BEGIN_CFG and END_CFG, and how far they have been read."""

    def __init__(self, lines: list[bytes], first: int, path: str | Path, windows: bool) -> None:
        self._lines = lines
        self._first = first
        self._path = path
        self._windows = windows
        self._at = 0
        self._seen: set[str] = set()
        self._size: int | None = None
        self._cell: NDArray[np.float64] | None = None
        self._virial: NDArray[np.float64] | None = None
        self._features: dict[str, list[str]] = {}
        self._found: dict[str, Any] = {}

    def parse(self) -> CfgConfiguration:
        """Return what the block says."""
        while self._at < len(self._lines):
            words = self._lines[self._at].split(maxsplit=1)
            if not words:
                self._at += 1
                continue
            read = _FIELDS.get(words[0])
            if read is None:
                self._fail(f"unknown field {_shown(words[0])}")
            read(self, words[1] if len(words) > 1 else b"")
        with np.errstate(all="ignore"):  # what overflows is refused below, with a message
            return self._record()

    def _record(self) -> CfgConfiguration:
        self._at = len(self._lines)
        if self._size is None:
            self._fail("the configuration has no Size")
        cell = np.zeros((3, 3)) if self._cell is None else self._cell
        found = self._found
        direct = found.pop("direct", None)
        if direct is not None:
            if not cell_volume(cell) > 0:
                self._fail("direct_x, direct_y, direct_z need a Supercell of three vectors")
            found["positions"] = self._finite(direct @ cell, "positions")
        if "positions" not in found:
            if self._size:
                self._fail("the configuration has no AtomData:")
            found["types"], found["positions"] = np.zeros(0, np.int32), np.zeros((0, 3))
        if self._virial is not None:
            volume = cell_volume(cell)
            if not volume > 0:
                self._fail("Virial: needs a Supercell of three vectors; write PlusStress: instead")
            found["plus_stress"] = self._finite(self._virial / volume, "Virial:")
        features = {name: "\n".join(lines) for name, lines in self._features.items()}
        return CfgConfiguration(cell=cell, features=features, **found)

    # ------------------------------------------------------------ the fields

    def read_size(self, rest: bytes) -> None:
        """Read ``Size``."""
        line = self._at
        words = self._value_words(rest)
        if len(words) != 1 or not words[0].isdigit() or len(words[0]) > 12:
            self._fail("expected one whole number after Size, the number of atoms", line)
        size = int(words[0])
        if self._size not in (None, size):
            self._fail(f"Size {size} contradicts the earlier Size {self._size}", line)
        self._size = size

    def read_cell(self, rest: bytes) -> None:
        """Read ``Supercell``: one, two or three lattice vectors."""
        line = self._at
        self._once("Supercell")
        numbers = self._numbers(self._value_words(rest), line)
        if len(numbers) not in (3, 6, 9):
            self._fail(f"expected 3, 6 or 9 numbers after Supercell, found {len(numbers)}", line)
        self._cell = np.zeros((3, 3))
        self._cell.flat[: len(numbers)] = self._finite(numbers, "Supercell", line)

    def read_energy(self, rest: bytes) -> None:
        """Read ``Energy`` (eV)."""
        line = self._at
        self._once("Energy")
        numbers = self._numbers(self._value_words(rest), line)
        if len(numbers) != 1:
            self._fail(f"expected one number after Energy, found {len(numbers)}", line)
        self._found["energy"] = float(self._finite(numbers, "Energy", line)[0])

    def read_plus_stress(self, rest: bytes) -> None:
        """Read ``PlusStress:`` (eV) with its components in any order."""
        self._once("the stress")
        self._found["plus_stress"] = self._stress(rest, "PlusStress:")

    def read_virial(self, rest: bytes) -> None:
        """Read ``Virial:``, which MLIP divides by the volume to get PlusStress."""
        self._once("the stress")
        self._virial = self._stress(rest, "Virial:")

    def refuse_stress(self, rest: bytes) -> NoReturn:
        """Refuse ``Stress:``, whose sign was the opposite one."""
        self._fail(
            "Stress: has the opposite sign of today's PlusStress: and is read neither here nor by "
            "MLIP; change the sign of its numbers and name it PlusStress:"
        )

    def read_feature(self, rest: bytes) -> None:
        """Read one line of a ``Feature``; lines with the same name continue its text."""
        line = self._lines[self._at].rstrip(b"\n")
        if self._windows:
            line = line.removesuffix(b"\r")
        words = line.split(maxsplit=1)
        if len(words) < 2:
            self._fail("expected a name after Feature")
        match = re.match(rb"\s*Feature\s+(\S+)(\t|\s*)(.*)", line, re.DOTALL)
        assert match is not None  # a name is there
        self._features.setdefault(_decoded(unescape(match[1])), []).append(_decoded(match[3]))
        self._at += 1

    def read_features(self, rest: bytes) -> None:
        """Read the old ``Features:``: a line of names, then as many words."""
        names = rest.split()
        line = self._at
        self._at += 1
        values: list[bytes] = []
        while len(values) < len(names) and self._at < len(self._lines):
            values += self._lines[self._at].split()
            self._at += 1
        if len(values) != len(names):
            self._fail(f"Features: names {len(names)} values, {len(values)} follow", line)
        for name, value in zip(names, values, strict=True):
            self._features[_decoded(name)] = [_decoded(value)]

    def read_atoms(self, rest: bytes) -> None:
        """Read ``AtomData:`` with its columns in any order."""
        if self._size is None:
            self._fail("AtomData: must come after Size")
        self._once("AtomData:")
        names = self._column_names(rest)
        header, begin = self._at, self._at + 1
        rows = [line.split() for line in self._lines[begin : begin + self._size]]
        for row, words in enumerate(rows):
            if len(words) != len(names):
                self._fail(
                    f"expected {len(names)} columns as in AtomData:, found {len(words)}; "
                    f"does Size {self._size} count the atoms?",
                    begin + row,
                )
        if len(rows) != self._size:
            self._fail(f"Size is {self._size}, but only {len(rows)} lines follow", header)
        self._at = begin + self._size
        by_column: Iterable[Sequence[bytes]] = (
            zip(*rows, strict=True) if rows else [()] * len(names)
        )
        columns = dict(zip(names, by_column, strict=True))
        self._check_ids(columns, begin)
        self._store_columns(columns, begin)

    # ------------------------------------------------------------ the columns of AtomData

    def _column_names(self, rest: bytes) -> list[str]:
        names = [word.decode("ascii", "backslashreplace") for word in rest.split()]
        for name in names:
            if name not in _KNOWN_COLUMNS:
                self._fail(f"unknown column {_shown(name.encode())} of AtomData:")
            if names.count(name) > 1:
                self._fail(f"column {name} occurs twice in AtomData:")
        for group in _COLUMN_GROUPS:
            present = [name for name in group if name in names]
            if present and len(present) != 3:
                self._fail(f"columns {', '.join(group)} must come together")
        if ("cartes_x" in names) == ("direct_x" in names):
            self._fail("AtomData: needs either cartes_x, cartes_y, cartes_z or direct_x, ...")
        return names

    def _check_ids(self, columns: dict[str, Sequence[bytes]], begin: int) -> None:
        for row, word in enumerate(columns.get("id", ())):
            if word != b"%d" % (row + 1):
                self._fail(f"atom id {_shown(word)}; ids must be 1, 2, 3 ... in order", begin + row)

    def _store_columns(self, columns: dict[str, Sequence[bytes]], begin: int) -> None:
        size = len(next(iter(columns.values())))
        types = columns.get("type")
        self._found["types"] = (
            np.zeros(size, np.int32)
            if types is None
            else np.array(self._column(types, _whole, "type", begin), np.int32)
        )
        position_names = _CARTESIAN if "cartes_x" in columns else _DIRECT
        positions = self._float_columns(columns, position_names, begin)
        self._found["positions" if position_names is _CARTESIAN else "direct"] = positions
        for field in ATOM_FIELDS:
            if field.columns[0] not in columns:
                continue
            if field.attribute == "ghost":
                values = self._column(columns["ghost"], _truth, "ghost", begin)
                self._found["ghost"] = np.array(values, np.bool_)
            else:
                self._found[field.attribute] = self._float_columns(columns, field.columns, begin)
        for name, array in (("positions", positions), ("forces", self._found.get("forces"))):
            if array is not None and not np.isfinite(array).all():
                row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
                self._fail(f"{name} of this atom are not finite numbers", begin + row)

    def _float_columns(
        self, columns: dict[str, Sequence[bytes]], names: tuple[str, ...], begin: int
    ) -> NDArray[np.float64]:
        values = np.array([self._column(columns[name], _real, name, begin) for name in names])
        return np.ascontiguousarray(values.T) if len(names) == 3 else values[0]

    def _column(
        self, words: Sequence[bytes], convert: Callable[[bytes], _Value], name: str, begin: int
    ) -> list[_Value]:
        try:
            return list(map(convert, words))
        except ValueError:
            for row, word in enumerate(words):
                try:
                    convert(word)
                except ValueError as error:
                    self._fail(f"{name} is {_shown(word)}; {error}", begin + row)
            raise

    # ------------------------------------------------------------ values

    def _stress(self, rest: bytes, name: str) -> NDArray[np.float64]:
        labels = rest.split()
        line = self._at
        if sorted(labels) != sorted(_STRESS_LABELS):
            self._fail(f"expected xx yy zz yz xz xy in any order after {name}")
        numbers = self._numbers(self._value_words(b""), line)
        if len(numbers) != 6:
            self._fail(f"expected six numbers after {name}, found {len(numbers)}", line)
        by_label = dict(zip(labels, self._finite(numbers, name, line), strict=True))
        return np.array([by_label[label] for label in _STRESS_LABELS])

    def _value_words(self, rest: bytes) -> list[bytes]:
        """Return the words after a field's name, up to the next field."""
        words = rest.split()
        self._at += 1
        while self._at < len(self._lines):
            more = self._lines[self._at].split()
            if more and more[0] in _FIELDS:
                break
            words += more
            self._at += 1
        return words

    def _numbers(self, words: list[bytes], line: int) -> NDArray[np.float64]:
        try:
            return np.array([_real(word) for word in words], np.float64)
        except ValueError as error:
            bad = next(word for word in words if not _is_real(word))
            self._fail(f"found {_shown(bad)}; {error}", line)

    def _finite(
        self, numbers: NDArray[np.float64], name: str, line: int | None = None
    ) -> NDArray[np.float64]:
        if not np.isfinite(numbers).all():
            self._fail(f"{name} has numbers that are not finite", line)
        return numbers

    def _once(self, name: str) -> None:
        if name in self._seen:
            self._fail(f"{name} is given twice")
        self._seen.add(name)

    def _fail(self, message: str, line: int | None = None) -> NoReturn:
        """Refuse the block at one of its lines, by default the one being read."""
        at = self._at if line is None else line
        raise FileFormatError(self._path, message, line=self._first + at)


_FIELDS: dict[bytes, Callable[[_Block, bytes], None]] = {
    b"Size": _Block.read_size,
    b"Supercell": _Block.read_cell,
    b"SuperCell": _Block.read_cell,
    b"AtomData:": _Block.read_atoms,
    b"Atomic_data:": _Block.read_atoms,
    b"Energy": _Block.read_energy,
    b"PlusStress:": _Block.read_plus_stress,
    b"Virial:": _Block.read_virial,
    b"Stress:": _Block.refuse_stress,
    b"Feature": _Block.read_feature,
    b"Features:": _Block.read_features,
}


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def _real(word: bytes) -> float:
    try:
        value = float(word)
    except ValueError:
        raise ValueError("expected a number") from None
    if b"_" in word:  # Python allows 1_000; the format does not
        raise ValueError("expected a number")
    return value


def _is_real(word: bytes) -> bool:
    try:
        _real(word)
    except ValueError:
        return False
    return True


def _whole(word: bytes) -> int:
    if not word.isdigit() or len(word) > 12 or int(word) > _LARGEST_TYPE:
        raise ValueError("expected a whole number from 0")
    return int(word)


def _truth(word: bytes) -> bool:
    if word not in (b"true", b"false"):
        raise ValueError("expected true or false")
    return word == b"true"
