"""Read VASP's POSCAR, CONTCAR and XDATCAR, with one structure or several one after the other.

Elements: from the line of symbols, also where it names pseudopotentials (``Ti_pv``, ``Fe/2d9cf3``)
or has VASP's old spellings; in files of VASP 4, which lack that line, from `species` or the
comment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
from ase import Atoms, units
from ase.data import atomic_numbers
from numpy.typing import NDArray

from maxvolt.constraints import (
    attach_constraints,
    constraint_records,
    records_from_selective_flags,
)
from maxvolt.errors import FileFormatError, SpeciesError
from maxvolt.files import reading
from maxvolt.io.vasp_elements import element_of_symbol, element_of_title

__all__ = ["constraints_beside", "read_poscar"]


def read_poscar(path: Path, species: Sequence[str] | None = None) -> list[Atoms]:
    """Read all structures of a POSCAR, CONTCAR or XDATCAR, periodic in all directions.

    Selective dynamics become constraints (FixAtoms, FixScaled). Velocities other than zero are
    kept; what else may follow the atoms (predictor and corrector of a dynamics) is not read.

    Parameters
    ----------
    path
        The file, also compressed.
    species
        Symbols of the elements of the counts, for files without a line of symbols.

    Raises
    ------
    FileFormatError
        When a line is not what belongs there; names it.
    SpeciesError
        When the file does not tell the elements.
    """
    with reading(path) as stream:
        lines = [line.decode("utf-8", "replace").rstrip("\r\n") for line in stream]
    return _Reader(path, lines, species).structures()


def constraints_beside(path: Path, numbers: NDArray[np.int32]) -> list[dict[str, object]]:
    """Return the constraints of a CONTCAR or POSCAR beside VASP's output, if it has the same atoms.

    A file that is not there or that is about other atoms says nothing.
    """
    if not len(numbers):
        return []
    for name in ("CONTCAR", "POSCAR"):
        found = path.parent / name
        if not found.is_file() or not found.stat().st_size:
            continue
        try:
            structures = read_poscar(found)
        except (FileFormatError, SpeciesError):
            continue  # it is not what was asked for
        if structures and np.array_equal(structures[0].numbers, numbers):
            return constraint_records(structures[0])
    return []


@dataclass(frozen=True, slots=True)
class _Header:
    """What stands before the atoms; `scale` multiplies Cartesian coordinates."""

    cell: NDArray[np.float64]
    scale: NDArray[np.float64]
    numbers: NDArray[np.int32]
    end: int


class _LineError(Exception):
    """A line, counted from 0, is not what belongs there."""

    def __init__(self, line: int, expected: str) -> None:
        super().__init__(expected)
        self.line = line


class _Reader:
    """Goes through the lines of a file."""

    def __init__(self, path: Path, lines: list[str], species: Sequence[str] | None) -> None:
        self._path = path
        self._lines = lines
        self._species = species

    def structures(self) -> list[Atoms]:
        """Return the structures."""
        try:
            header: _Header | None = self._header(0)
            structures, at = [], 0
            while header is not None:
                atoms, at = self._atoms(header, header.end)
                structures.append(atoms)
                while self._is_configuration(at):
                    atoms, at = self._atoms(header, at)
                    structures.append(atoms)
                header = self._next_header(at)
        except _LineError as error:
            self._fail(error)
        return structures

    def _fail(self, error: _LineError) -> NoReturn:
        if error.line >= len(self._lines):
            raise FileFormatError(self._path, f"ends too early: expected {error}") from error
        raise FileFormatError(
            self._path,
            f"expected {error}, not {self._lines[error.line].strip()[:60]!r}",
            line=error.line + 1,
        ) from error

    # ------------------------------------------------------------ before the atoms

    def _next_header(self, at: int) -> _Header | None:
        """Find the header of another structure after the last one; None when there is none."""
        for start in range(at, len(self._lines) - 6):
            try:
                return self._header(start)
            except _LineError:
                continue  # a velocity, or whatever else follows
        return None

    def _header(self, at: int) -> _Header:
        scale = self._scale(at + 1)
        cell = np.array(
            [self._numbers(line, 3, "a lattice vector") for line in range(at + 2, at + 5)]
        )
        volume = abs(float(np.linalg.det(cell)))
        if not volume > 0:
            raise _LineError(at + 4, "lattice vectors that are independent")
        if scale[0] < 0:  # the volume of the cell
            scale = np.full(3, np.cbrt(-scale[0] / volume))
        symbols, line = self._words(at + 5), at + 5
        if symbols and not symbols[0].isdigit():
            line = at + 6
        else:
            symbols = []
        counts = self._counts(line)
        elements = self._elements(symbols, len(counts), at)
        numbers = [atomic_numbers[element] for element in elements]
        return _Header(
            cell * scale, scale, np.repeat(np.array(numbers, np.int32), counts), line + 1
        )

    def _scale(self, line: int) -> NDArray[np.float64]:
        """Return the scale of each direction; one negative number is a volume."""
        words = self._words(line)
        for count in (3, 1):
            try:
                scale = np.array([_float(word) for word in words[:count]])
            except ValueError:
                continue
            if len(scale) == 3 and (scale > 0).all():
                return scale
            if len(scale) == 1 and scale[0] != 0 and np.isfinite(scale[0]):
                return np.full(3, scale[0])
        raise _LineError(line, "the scale of the cell: one number, or three above 0")

    def _counts(self, line: int) -> list[int]:
        counts = []
        for word in self._words(line):
            if not word.isdigit() or len(word) > 8:
                break  # a comment
            counts.append(int(word))
        if not any(counts):
            raise _LineError(line, "the number of atoms of each element")
        if sum(counts) > len(self._lines):
            raise _LineError(len(self._lines), f"a line for each of {sum(counts)} atoms")
        return counts

    def _elements(self, symbols: list[str], kinds: int, at: int) -> list[str]:
        """Return the element of each count."""
        named = [element_of_title(word) for word in symbols[:kinds]]
        if symbols:
            if len(named) < kinds or None in named:
                raise _LineError(at + 5, f"symbols of {kinds} elements")
            return [element for element in named if element is not None]
        if self._species is not None:
            if len(self._species) < kinds:
                raise SpeciesError(
                    f"{self._path}: counts atoms of {kinds} elements, and --species names "
                    f"{len(self._species)} ({' '.join(self._species)}); name one for each count"
                )
            given = [element_of_symbol(symbol) for symbol in self._species[:kinds]]
            if None in given:
                raise SpeciesError(f"{self._species[given.index(None)]!r} is not an element")
            return [element for element in given if element is not None]
        comment = [element_of_symbol(word) for word in self._words(at)[:kinds]]
        if len(comment) < kinds or None in comment:
            raise SpeciesError(
                f"{self._path}: has no line of symbols; say which elements the {kinds} counts are: "
                "species=('Ti', 'Al') or --species Ti,Al"
            )
        return [element for element in comment if element is not None]

    # ------------------------------------------------------------ the atoms

    def _is_configuration(self, line: int) -> bool:
        """Whether a line of an XDATCAR begins another configuration in the same cell."""
        return " ".join(self._words(line)).lower().startswith(("direct config", "cartesian config"))

    def _atoms(self, header: _Header, at: int) -> tuple[Atoms, int]:
        """Return a structure, and the number of the line after it."""
        selective = self._letter(at) == "s"
        line = at + 1 if selective else at
        cartesian = self._letter(line) in ("c", "k")
        count, first = len(header.numbers), line + 1
        rows = [
            self._numbers(k, 3, "the coordinates of an atom") for k in range(first, first + count)
        ]
        coordinates = np.array(rows)
        atoms = Atoms(
            numbers=header.numbers,
            positions=coordinates * header.scale if cartesian else coordinates @ header.cell,
            cell=header.cell,
            pbc=True,
        )
        if selective:
            free = np.array([self._flags(k) for k in range(first, first + count)])
            attach_constraints(atoms, records_from_selective_flags(free))
        velocities = self._velocities(first + count, count)
        if velocities is not None and velocities.any():
            atoms.set_velocities(velocities * units.Angstrom / units.fs)
        return atoms, first + count

    def _flags(self, line: int) -> list[bool]:
        """Return whether an atom may move, three times: T, F, .TRUE., .FALSE. and the like."""
        letters = [word.lstrip(".")[:1].upper() for word in self._words(line)[3:6]]
        if len(letters) != 3 or not set(letters) <= {"T", "F"}:
            raise _LineError(line, "T or F three times after the coordinates (selective dynamics)")
        return [letter == "T" for letter in letters]

    def _velocities(self, at: int, count: int) -> NDArray[np.float64] | None:
        """Return the velocities in Angstrom/fs after the atoms; None when there are none."""
        if self._letter(at) == "l":
            at += 8  # velocities of the lattice: state, three velocities, three vectors
        if at >= len(self._lines) or self._letter(at) not in ("", "c", "k"):
            return None
        try:
            rows = [self._numbers(k, 3, "a velocity") for k in range(at + 1, at + 1 + count)]
        except _LineError:
            return None
        return np.array(rows)

    # ------------------------------------------------------------ the lines

    def _words(self, line: int) -> list[str]:
        if line >= len(self._lines):
            return []
        return self._lines[line].partition("!")[0].partition("#")[0].split()

    def _letter(self, line: int) -> str:
        return "".join(self._words(line))[:1].lower()

    def _numbers(self, line: int, count: int, what: str) -> list[float]:
        try:
            numbers = [_float(word) for word in self._words(line)[:count]]
        except ValueError:
            numbers = []
        if len(numbers) != count or not np.isfinite(numbers).all():
            raise _LineError(line, f"{what} ({count} numbers)")
        return numbers


def _float(word: str) -> float:
    """Read a number, also as Fortran writes it."""
    return float(word.replace("d", "e").replace("D", "E"))
