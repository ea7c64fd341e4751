"""The active set after a potential in a file: ``.almtp`` of MLIP-3 and ``.als`` of MLIP-2.

Both hold a square matrix of rows, its inverse, which row came from which structure, and these
structures. Numbers are binary, the rest is text. MLIP-3 names its weights and the equation of each
row; MLIP-2 writes four weights without names, knows no equations, and gives rows that were never
replaced an empty structure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import DataError, FileFormatError
from maxvolt.io.cfg import parse_cfg
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.io.cfg_write import text_bytes

__all__ = ["INITIAL", "ActiveSetRecord", "Dialect", "format_active_set", "parse_active_set"]

Dialect = Literal["MLIP-3", "MLIP-2"]

INITIAL = -1
"""Number of the structure and of the equation of a row that was never replaced."""

_UNKNOWN = 0
_START_3 = re.compile(rb"[ \t\r]*\n\s*#MVS_v1\.1[ \t\r]*\n")
_START_2 = re.compile(rb"[ \t\r]*\n\s*\^")
_WEIGHT = re.compile(rb"\s*(\w{1,40})[ \t]+([^\s#]{1,40})")
_PAIR = re.compile(rb"\s*(-?\d{1,9})[ \t]+(-?\d{1,9})(?=\s)")
_NAMES = ("energy_weight", "force_weight", "stress_weight", "site_en_weight", "weight_scaling")


@dataclass(frozen=True, slots=True, eq=False)
class ActiveSetRecord:
    """What stands after a potential, and nothing more; n is the number of its parameters.

    Parameters
    ----------
    energy_weight, force_weight, stress_weight, site_energy_weight
        Weights of the equations of a structure.
    weight_scaling
        Weights of energy and stress are divided by N^(weight_scaling/2); MLIP-2 does not write it.
    matrix, inverse : shape (n, n)
        The rows, and their inverse.
    origins : shape (n, 2), int64
        Structure and equation of each row; `INITIAL` twice for a row that was never replaced. In a
        file of MLIP-2 such a row has a structure without atoms, and the equation is 0 everywhere.
    structures : bytes
        The structures, text as in a .cfg file; `configurations` parses it.
    dialect
        Which program's layout it has.

    Raises
    ------
    DataError
        When shapes disagree.
    """

    energy_weight: float
    force_weight: float
    stress_weight: float
    site_energy_weight: float
    weight_scaling: int
    matrix: NDArray[np.float64]
    inverse: NDArray[np.float64]
    origins: NDArray[np.int64]
    structures: bytes
    dialect: Dialect = "MLIP-3"

    def __post_init__(self) -> None:
        n = len(self.matrix)
        for name, shape in (("matrix", (n, n)), ("inverse", (n, n)), ("origins", (n, 2))):
            found = np.shape(getattr(self, name))
            if found != shape:
                raise DataError(f"{name} of the active set has shape {found}; expected {shape}")

    def configurations(self, path: str | Path = "active set") -> list[CfgConfiguration]:
        """Parse the structures, of which one without atoms may stand in a file of MLIP-2.

        Parameters
        ----------
        path
            Name of the file for error messages, whose lines are counted from the first structure.
        """
        return parse_cfg(self.structures, path)


def parse_active_set(
    data: bytes, n: int, path: str | Path = "active set", *, offset: int = 0
) -> ActiveSetRecord:
    """Read an active set from what follows a potential.

    Parameters
    ----------
    data
        The rest of the file, from the end of the potential on.
    n
        Number of parameters of the potential.
    path, offset
        Name of the file, and where in it the data begin, for error messages.

    Raises
    ------
    FileFormatError
        Names the byte of the file where something else was expected.
    """
    reader = _Reader(data, n, path, offset)
    if (start := _START_3.match(data)) is not None:
        return reader.mlip_3(start.end())
    if (start := _START_2.match(data)) is not None:
        return reader.mlip_2(start.end())
    reader.fail(
        "expected a new line with '#MVS_v1.1' (MLIP-3) or '^' (MLIP-2) after the potential", 0
    )


def format_active_set(record: ActiveSetRecord) -> bytes:
    """Write an active set as the bytes that follow a potential, in the layout of its dialect."""
    numbers = b"".join(
        np.ascontiguousarray(table, dtype="<f8").tobytes()
        for table in (record.matrix, record.inverse.T)
    )
    if record.dialect == "MLIP-3":
        names = zip(_NAMES, _weights(record), strict=False)
        head = "\n#MVS_v1.1\n" + "".join(f"{name} {value:.16e}\n" for name, value in names)
        head += f"{_NAMES[-1]} {record.weight_scaling}\n#"
        lines = "".join(f"{s} {e}\n" for s, e in record.origins.tolist())
        return head.encode() + numbers + b"\n#\n" + lines.encode() + b"#\n" + record.structures
    energy, force, stress, site = _weights(record)
    weights = np.array([site, energy, force, stress], dtype="<f8").tobytes()
    chosen, structures = _with_empty_structure(record)
    lines = "".join(f"{row} {s}\n" for row, s in enumerate(chosen))
    return b"\n^" + weights + b"\n#" + numbers + b"\n" + lines.encode() + structures


def _weights(record: ActiveSetRecord) -> tuple[float, float, float, float]:
    return (
        record.energy_weight,
        record.force_weight,
        record.stress_weight,
        record.site_energy_weight,
    )


def _with_empty_structure(record: ActiveSetRecord) -> tuple[list[int], bytes]:
    """Let rows without a structure point to an empty one, which is added after the others."""
    chosen: list[int] = record.origins[:, 0].tolist()
    if INITIAL not in chosen:
        return chosen, record.structures
    empty = CfgConfiguration(np.zeros(0, np.int32), np.zeros((0, 3)), np.zeros((3, 3)))
    last = len(record.configurations())
    return [last if s == INITIAL else s for s in chosen], record.structures + text_bytes(empty)


class _Reader:
    """Reads the parts of an active set at given places of the data."""

    def __init__(self, data: bytes, n: int, path: str | Path, offset: int) -> None:
        self.data = data
        self.n = n
        self.path = path
        self.offset = offset

    def fail(self, message: str, at: int) -> NoReturn:
        raise FileFormatError(self.path, f"active set: {message}", offset=self.offset + at)

    def mlip_3(self, at: int) -> ActiveSetRecord:
        found: dict[str, float] = {}
        while (match := _WEIGHT.match(self.data, at)) is not None:
            name = match[1].decode("ascii", "replace")
            if name not in _NAMES or name in found:
                self.fail(f"'{name}' is unknown, or occurs twice", at)
            found[name] = self._real(match[2], at)
            at = match.end()
        if missing := [name for name in _NAMES if name not in found]:
            self.fail(f"'{missing[0]}' is missing", at)
        scaling = found.pop("weight_scaling")
        if scaling not in (0.0, 1.0, 2.0):
            self.fail(f"weight_scaling is {scaling:g}; expected 0, 1 or 2", at)
        at = self._expect(rb"\s*#", at)
        matrix, inverse, at = self._matrices(at)
        at = self._expect(rb"\r?\n#\r?\n", at)
        origins, at = self._pairs(at)
        at = self._expect(rb"\s*#[ \t\r]*\n", at)
        self._check_origins(origins, at)
        energy, force, stress, site = (found[name] for name in _NAMES[:-1])
        return ActiveSetRecord(
            energy_weight=energy,
            force_weight=force,
            stress_weight=stress,
            site_energy_weight=site,
            weight_scaling=int(scaling),
            matrix=matrix,
            inverse=inverse,
            origins=origins,
            structures=self.data[at:],
        )

    def mlip_2(self, at: int) -> ActiveSetRecord:
        weights, at = self._doubles(4, at)
        at = self._expect(rb"\r?\n#", at)
        matrix, inverse, at = self._matrices(at)
        at = self._expect(rb"\r?\n", at)
        lines, at = self._pairs(at)
        rows = lines[:, 0]
        if not np.array_equal(np.sort(rows), np.arange(self.n)):
            self.fail(f"expected each row from 0 to {self.n - 1} once before the structures", at)
        if (lines < 0).any():
            self.fail("a row names a structure with a negative number", at)
        at = self._expect(rb"\s*", at)
        origins = np.full((self.n, 2), _UNKNOWN, np.int64)
        origins[rows, 0] = lines[:, 1]
        site, energy, force, stress = weights.tolist()
        return ActiveSetRecord(
            energy_weight=energy,
            force_weight=force,
            stress_weight=stress,
            site_energy_weight=site,
            weight_scaling=2,
            matrix=matrix,
            inverse=inverse,
            origins=origins,
            structures=self.data[at:],
            dialect="MLIP-2",
        )

    def _matrices(self, at: int) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
        numbers, end = self._doubles(2 * self.n**2, at)
        matrix, transposed = numbers.reshape(2, self.n, self.n)
        return matrix, transposed.T, end

    def _doubles(self, count: int, at: int) -> tuple[NDArray[np.float64], int]:
        end = at + 8 * count
        if end > len(self.data):
            self.fail(
                f"{count} numbers for the {self.n} parameters of the potential are expected, the "
                "file ends before; is it cut off, or of another potential?",
                at,
            )
        numbers = np.frombuffer(self.data, "<f8", count, at).astype(np.float64)
        if not np.isfinite(numbers).all():
            self.fail("a number is not finite", at + 8 * int(np.argmin(np.isfinite(numbers))))
        numbers.flags.writeable = False
        return numbers, end

    def _pairs(self, at: int) -> tuple[NDArray[np.int64], int]:
        """Read n lines of two whole numbers."""
        pairs = np.empty((self.n, 2), np.int64)
        for row in range(self.n):
            match = _PAIR.match(self.data, at)
            if match is None:
                self.fail(f"expected {self.n} lines of two whole numbers, found {row}", at)
            pairs[row] = int(match[1]), int(match[2])
            at = match.end()
        return pairs, at

    def _check_origins(self, origins: NDArray[np.int64], at: int) -> None:
        initial = (origins == INITIAL).all(axis=1)
        if (origins[~initial] < 0).any():
            self.fail("a row has a negative number of a structure or equation", at)

    def _expect(self, pattern: bytes, at: int) -> int:
        match = re.compile(pattern).match(self.data, at)
        if match is None:
            shown = self.data[at : at + 20].decode("ascii", "backslashreplace")
            self.fail(f"expected {pattern.decode()!r}, found {shown!r}; is the file damaged?", at)
        return match.end()

    def _real(self, text: bytes, at: int) -> float:
        try:
            value = float(text)
        except ValueError:
            value = np.nan
        if not np.isfinite(value):
            self.fail(f"expected a number, found {text.decode('ascii', 'backslashreplace')!r}", at)
        return value
