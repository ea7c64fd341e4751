"""Read LAMMPS data files: one structure, whose atoms have types (from 1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers

from maxvolt.errors import FileFormatError, SpeciesError
from maxvolt.files import reading
from maxvolt.io.ase_files import read_ase
from maxvolt.io.lammps_types import (
    check_agreement,
    check_symbols,
    element_of_mass,
    is_whole_number,
    known_units,
    need_species,
)

__all__ = ["DATA", "read_data"]

DATA = "lammps-data"

# Numbers of columns of each style that ASE reads, without and with the three image flags.
_STYLES = {
    "atomic": (5, 8),
    "charge": (6, 9),
    "bond": (6, 9),
    "angle": (6, 9),
    "molecular": (6, 9),
    "full": (7, 10),
}
_UNITS = re.compile(r"units\s*=\s*(\S+)")
_ATOMS = re.compile(r"^\s*([0-9]{1,9})\s+atoms\b")


def read_data(path: Path, species: Sequence[str] | None) -> list[Atoms]:
    """Read a data file (one structure, no labels).

    Parameters
    ----------
    path
        The file, in the units that its first line names (``units = real``), else in LAMMPS's metal
        units.
    species
        Symbol of the element of type 1, of type 2 and so on; needed unless the file has a section
        ``Masses`` or ``Atom Type Labels`` that tells them.

    Raises
    ------
    FileFormatError
        The style of the atoms is not known, a line is not what belongs there, or the units cannot
        be converted.
    SpeciesError
        Elements are not known, or those given contradict those of the file.
    """
    check_symbols(species)
    content = _Content(path)
    content.scan()
    elements = content.elements(species)
    numbers = {number: atomic_numbers[symbol] for number, symbol in elements.items()}
    # ASE sorts the types of atoms by their identifiers, but not the names of types.
    structures = read_ase(
        path,
        DATA,
        Z_of_type=numbers,
        sort_by_id=False,
        units=content.units,
        atom_style=content.style,
    )
    return [_sorted(atoms) for atoms in structures]


def _sorted(atoms: Atoms) -> Atoms:
    atoms = atoms[np.argsort(atoms.arrays["id"], kind="stable")]
    atoms.arrays.pop("type", None)  # the element says it
    return atoms


@dataclass
class _Content:
    """Goes through a data file once, before ASE reads it, and refuses what ASE would trip over."""

    path: Path
    units: str = "metal"
    style: str | None = None
    masses: dict[int, float] = field(default_factory=dict)
    labels: dict[int, str] = field(default_factory=dict)
    types: set[str] = field(default_factory=set)

    def scan(self) -> None:
        """Read the file."""
        with reading(self.path) as stream:
            lines = [line.decode("utf-8", "replace").rstrip("\r\n") for line in stream]
        if lines and (match := _UNITS.search(lines[0])):
            self.units = known_units(self.path, match[1].strip(",;"), 1)
        atoms = next((int(m[1]) for line in lines if (m := _ATOMS.match(line))), 0)
        begin = next(
            (k for k, line in enumerate(lines) if line.split("#")[0].strip() == "Atoms"), -1
        )
        if not atoms or begin < 0:
            raise FileFormatError(
                self.path,
                "expected a LAMMPS data file: a line such as '8 atoms', and a section Atoms",
            )
        self._take_pairs(lines)
        self._take_atoms(lines, begin, atoms)

    def elements(self, species: Sequence[str] | None) -> dict[int, str]:
        """Return the element of each type."""
        number_of = {label: number for number, label in self.labels.items()}
        unknown = sorted(t for t in self.types if not is_whole_number(t) and t not in number_of)
        if unknown:
            raise FileFormatError(
                self.path,
                f"atoms of type {unknown[0]!r}; expected a number, or a name of the section Atom "
                "Type Labels",
            )
        used = {int(t) if is_whole_number(t) else number_of[t] for t in self.types}
        named = {k: label for k, label in self.labels.items() if atomic_numbers.get(label, 0) > 0}
        weighed = {k: e for k, m in self.masses.items() if (e := element_of_mass(m)) is not None}
        if species is not None:
            check_agreement(self.path, species, weighed, max(used), "section Masses")
            check_agreement(self.path, species, named, max(used), "section Atom Type Labels")
            return dict(enumerate(species, 1))
        found = {**weighed, **named}
        missing = sorted(used - set(found))
        if missing and missing[0] in self.masses:
            raise SpeciesError(
                f"{self.path}: the mass {self.masses[missing[0]]:g} of type {missing[0]} belongs "
                "to no element; name the elements, type 1 first: species=('Ti', 'Al') or "
                "--species Ti,Al"
            )
        if missing:
            raise need_species(self.path, "a section Masses or Atom Type Labels")
        return found

    def _take_pairs(self, lines: list[str]) -> None:
        """Take masses and names of types, each of which follows a number."""
        section = ""
        for number, line in enumerate(lines, 1):
            words = line.split("#")[0].split()
            if words and not is_whole_number(words[0]):
                section = " ".join(words)
            elif len(words) >= 2 and section == "Masses":
                try:
                    self.masses[int(words[0])] = float(words[1])
                except ValueError as error:
                    raise FileFormatError(
                        self.path,
                        f"expected a type and its mass, not {line.strip()!r}",
                        line=number,
                    ) from error
            elif len(words) >= 2 and section == "Atom Type Labels":
                self.labels[int(words[0])] = words[1]

    def _take_atoms(self, lines: list[str], begin: int, atoms: int) -> None:
        """Take the style and the types of the atoms."""
        hint = lines[begin].partition("#")[2].strip()
        rows = [line.split("#")[0].split() for line in lines[begin + 2 : begin + 2 + atoms]]
        if begin + 1 >= len(lines) or lines[begin + 1].strip():
            raise FileFormatError(self.path, "expected a blank line below Atoms", line=begin + 2)
        if len(rows) < atoms:
            raise FileFormatError(self.path, f"ends after {len(rows)} of {atoms} atoms")
        self.style = self._style(hint, len(rows[0]), begin + 1)
        column = 1 if self.style in ("atomic", "charge") else 2
        for number, row in enumerate(rows, begin + 3):
            if len(row) not in _STYLES[self.style]:
                expected = " or ".join(map(str, _STYLES[self.style]))
                raise FileFormatError(
                    self.path,
                    f"expected {expected} columns of an atom in the style {self.style}, not "
                    f"{' '.join(row)[:60]!r}",
                    line=number,
                )
            self.types.add(row[column])

    def _style(self, hint: str, columns: int, line: int) -> str:
        """Return the style of the atoms, from the comment after Atoms, or from the columns."""
        if hint in _STYLES:
            return hint
        fitting = [style for style, widths in _STYLES.items() if columns in widths]
        if hint or len(fitting) != 1:
            what = (
                f"the style of atoms {hint!r} is not known"
                if hint
                else (f"atoms with {columns} columns and no style after Atoms")
            )
            raise FileFormatError(
                self.path,
                f"{what}; expected such as 'Atoms # charge', with one of {', '.join(_STYLES)}",
                line=line,
            )
        return fitting[0]
