"""Read LAMMPS dump and data files, whose atoms have types (from 1) and often no element names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import atomic_numbers, chemical_symbols

from maxvolt.errors import FileFormatError, SpeciesError
from maxvolt.files import reading
from maxvolt.io.ase_files import read_ase
from maxvolt.io.lammps_data import DATA, read_data
from maxvolt.io.lammps_types import (
    check_agreement,
    check_symbols,
    element_of_mass,
    is_whole_number,
    known_units,
    need_species,
)

__all__ = ["DATA", "DUMP", "read_data", "read_dump", "read_dump_types"]

# ASE does not annotate it.
_single_point: Callable[..., Any] = SinglePointCalculator

DUMP = "lammps-dump-text"

_ITEM = b"ITEM:"

_COORDINATES = (("x", "y", "z"), ("xs", "ys", "zs"), ("xu", "yu", "zu"), ("xsu", "ysu", "zsu"))


def read_dump(path: Path, species: Sequence[str] | None) -> list[Atoms]:
    """Read a text dump; forces (fx, fy, fz) are labels, energies are not in such files.

    Parameters
    ----------
    path
        The file, in the units that it names (``ITEM: UNITS``), else in LAMMPS's metal units.
    species
        Symbol of the element of type 1, of type 2 and so on; needed unless the dump has a column
        ``element`` or ``mass``.

    Raises
    ------
    FileFormatError
        A line is not what belongs there, or the units cannot be converted.
    SpeciesError
        Elements are not known, or those given contradict those of the file.
    """
    check_symbols(species)
    content = _Content(path)
    content.scan()
    if species is not None:
        content.check_species(species)
    elif not content.has_elements:
        raise need_species(path, "a column element")
    structures = _frames(path, content, species)
    for atoms in structures:
        atoms.arrays.pop("type", None)  # the element says it
    return structures


def read_dump_types(path: Path) -> list[Atoms]:
    """Read a text dump for its types, which become the atomic numbers 1, 2 and so on.

    Raises
    ------
    FileFormatError
        A line is not what belongs there, the units cannot be converted, or a frame has no types.
    """
    content = _Content(path)
    content.scan()
    structures = _frames(path, content, None if content.has_elements else chemical_symbols[1:])
    for number, atoms in enumerate(structures):
        types = atoms.arrays.pop("type", None)
        if types is None and content.has_elements:
            raise FileFormatError(
                path, f"frame {number} has no column type; dump it: dump custom id type x y z"
            )
        if types is not None:
            atoms.numbers[:] = types
    return structures


def _frames(path: Path, content: _Content, species: Sequence[str] | None) -> list[Atoms]:
    """Read what has been checked, with what a dump has of labels: forces."""
    options: dict[str, Any] = {"units": content.units}
    if species is not None:
        options["specorder"] = list(species)
    structures = read_ase(path, DUMP, **options)
    for atoms in structures:
        if atoms.calc is not None:
            # ASE puts an energy of zero beside the forces; a dump has none.
            forces = atoms.calc.results["forces"]
            atoms.calc = _single_point(atoms, forces=forces)
    return structures


@dataclass
class _Content:
    """Goes through a dump once, before ASE reads it, and refuses what ASE would trip over.

    Parameters
    ----------
    path
        The file.
    units
        The units it is in.
    has_elements
        Whether every frame tells the elements.
    elements
        Pairs of a type, 0 where there is none, and its element.
    types
        The largest type.
    """

    path: Path
    units: str = "metal"
    has_elements: bool = True
    elements: set[tuple[int, str]] = field(default_factory=set)
    types: int = 0
    source: str = "column element"

    def scan(self) -> None:
        """Read the file."""
        atoms, frames = 0, 0
        with reading(self.path) as stream:
            lines = enumerate(stream, 1)
            for number, line in lines:
                if line.startswith(b"ITEM: UNITS"):
                    name = next(lines, (number, b""))[1].decode("ascii", "replace").strip()
                    self._take_units(name, number + 1, frames)
                elif line.startswith(b"ITEM: NUMBER OF ATOMS"):
                    atoms = self._count(next(lines, (number, b""))[1], number + 1)
                elif line.startswith(b"ITEM: BOX BOUNDS"):
                    self._check_box(line, number)
                elif line.startswith(b"ITEM: ATOMS"):
                    self._check_columns(columns := line.split()[2:], number)
                    self._take_rows(lines, columns, atoms, number)
                    frames += 1
                elif _ITEM in line and not line.startswith(_ITEM):
                    # ASE would take it for the beginning of a section, which this has not checked.
                    raise FileFormatError(
                        self.path,
                        "expected ITEM: at the beginning of a line; remove what is before it",
                        line=number,
                    )

    def check_species(self, species: Sequence[str]) -> None:
        """Compare with the elements that were asked for."""
        of_type = {number: element for number, element in self.elements if number}
        check_agreement(self.path, species, of_type, self.types, self.source)
        foreign = sorted({element for _, element in self.elements} - set(species))
        if foreign:
            raise SpeciesError(
                f"{self.path}: holds {', '.join(foreign)} by its {self.source}, which --species "
                f"{','.join(species)} does not name; leave out --species, or correct it"
            )

    def _take_units(self, name: str, line: int, frames: int) -> None:
        known = known_units(self.path, name, line)
        if frames and known != self.units:
            raise FileFormatError(
                self.path, f"units {known} after a frame in units {self.units}", line=line
            )
        self.units = known

    def _count(self, text: bytes, line: int) -> int:
        if not is_whole_number(text.strip()):
            raise FileFormatError(self.path, "expected the number of atoms", line=line)
        return int(text)

    def _check_box(self, line: bytes, number: int) -> None:
        if len(line.split()) < 6:
            raise FileFormatError(
                self.path,
                "BOX BOUNDS without boundaries; expected such as ITEM: BOX BOUNDS pp pp pp",
                line=number,
            )

    def _check_columns(self, columns: list[bytes], line: int) -> None:
        names = [column.decode("ascii", "replace") for column in columns]
        if not any(set(triple) <= set(names) for triple in _COORDINATES):
            raise FileFormatError(
                self.path,
                f"columns {' '.join(names)}; expected coordinates: x y z, xs ys zs, xu yu zu or "
                "xsu ysu zsu",
                line=line,
            )
        if not {"element", "mass", "type"} & set(names):
            raise FileFormatError(
                self.path,
                f"columns {' '.join(names)}; expected type, element or mass, which tell the "
                "elements",
                line=line,
            )
        if not {"element", "mass"} & set(names):
            self.has_elements = False
        elif "element" not in names:
            self.source = "column mass"

    def _take_rows(
        self, lines: Iterator[tuple[int, bytes]], columns: list[bytes], atoms: int, line: int
    ) -> None:
        """Go through the atoms of a frame; note types and elements."""
        of_type = columns.index(b"type") if b"type" in columns else None
        named = next((name for name in (b"element", b"mass") if name in columns), None)
        of_name = None if named is None else columns.index(named)
        seen: set[tuple[bytes, bytes]] = set()
        for _ in range(atoms):
            line, text = next(lines, (line, b""))
            words = text.split()
            if len(words) < len(columns) or _ITEM in text:
                raise FileFormatError(
                    self.path,
                    f"expected {len(columns)} columns for each of {atoms} atoms, not "
                    f"{text.decode('ascii', 'replace').strip()[:60]!r}; remove a frame that was "
                    "not written to its end",
                    line=line,
                )
            pair = (
                b"" if of_type is None else words[of_type],
                b"" if of_name is None else words[of_name],
            )
            if pair not in seen:
                seen.add(pair)
                self._take_pair(*pair, mass=named == b"mass", line=line)

    def _take_pair(self, number: bytes, name: bytes, *, mass: bool, line: int) -> None:
        kind = 0
        if number:
            if not is_whole_number(number) or int(number) < 1:
                raise FileFormatError(
                    self.path,
                    f"type {number.decode('ascii', 'replace')!r}; expected 1 or more",
                    line=line,
                )
            kind = int(number)
            self.types = max(self.types, kind)
        if name:
            text = name.decode("utf-8", "replace")
            element = self._element_of_mass(text, line) if mass else text
            if element is None or atomic_numbers.get(element, 0) < 1:
                raise SpeciesError(
                    f"{self.path}, line {line}: {text!r} in the column "
                    f"{'mass' if mass else 'element'} is not an element; write symbols such as Cu "
                    "(dump_modify element), or leave that column out and give --species"
                )
            self.elements.add((kind, element))

    def _element_of_mass(self, text: str, line: int) -> str | None:
        try:
            return element_of_mass(float(text))
        except ValueError as error:
            raise FileFormatError(self.path, f"mass {text!r} is not a number", line=line) from error
