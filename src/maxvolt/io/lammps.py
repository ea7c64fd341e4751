"""Read LAMMPS dump and data files, whose atoms have types (from 1) and often no element names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import atomic_numbers

from maxvolt.errors import SpeciesError
from maxvolt.files import reading
from maxvolt.io.ase_files import read_ase

__all__ = ["read_data", "read_dump"]

# ASE does not annotate it.
_single_point: Callable[..., Any] = SinglePointCalculator

DUMP = "lammps-dump-text"
DATA = "lammps-data"


def read_dump(path: Path, species: Sequence[str] | None) -> list[Atoms]:
    """Read a text dump; forces (fx, fy, fz) are labels, energies are not in such files.

    Parameters
    ----------
    path
        The file, in LAMMPS's metal units.
    species
        Symbol of the element of type 1, of type 2 and so on; needed unless the dump has a column
        ``element`` or ``mass``.
    """
    columns = _words_of(path, b"ITEM: ATOMS")
    known = columns is None or b"element" in columns or b"mass" in columns
    _need_species(path, species, known, "a column element")
    structures = read_ase(path, DUMP, **({} if species is None else {"specorder": list(species)}))
    for atoms in structures:
        atoms.arrays.pop("type", None)  # the element says it
        if atoms.calc is not None:
            # ASE puts an energy of zero beside the forces; a dump has none.
            forces = atoms.calc.results["forces"]
            atoms.calc = _single_point(atoms, forces=forces)
    return structures


def read_data(path: Path, species: Sequence[str] | None) -> list[Atoms]:
    """Read a data file (one structure, no labels).

    Parameters
    ----------
    path
        The file, in LAMMPS's metal units.
    species
        Symbol of the element of type 1, of type 2 and so on; needed unless the file has a section
        ``Masses`` or ``Atom Type Labels``.
    """
    known = any(_words_of(path, name) is not None for name in (b"Masses", b"Atom Type Labels"))
    _need_species(path, species, known, "a section Masses or Atom Type Labels")
    if species is None:
        return read_ase(path, DATA)
    numbers = {index: atomic_numbers[symbol] for index, symbol in enumerate(species, 1)}
    return read_ase(path, DATA, Z_of_type=numbers)


def _need_species(path: Path, species: Sequence[str] | None, known: bool, what: str) -> None:
    if species is None and not known:
        raise SpeciesError(
            f"{path}: the file has types, not elements; say which elements they are, type 1 "
            f"first: species=('Ti', 'Al') or --species Ti,Al (or write the file with {what})"
        )
    for symbol in species or ():
        if atomic_numbers.get(symbol, 0) < 1:
            raise SpeciesError(f"{symbol!r} is not the symbol of an element")


def _words_of(path: Path, start: bytes) -> list[bytes] | None:
    """Return the words of the first line that begins so; None when there is none."""
    with reading(path) as stream:
        for line in stream:
            if line.lstrip().startswith(start):
                return line.split()
    return None
