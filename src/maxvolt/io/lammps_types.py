"""What the readers of LAMMPS files share: units, and the element of each type of atom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from ase.calculators.lammps.unitconvert import UNITSETS
from ase.data import atomic_masses, atomic_numbers, chemical_symbols

from maxvolt.errors import FileFormatError, SpeciesError

__all__ = [
    "check_agreement",
    "check_symbols",
    "element_of_mass",
    "is_whole_number",
    "known_units",
    "need_species",
]

_MASS_DIGITS = 0.05
"""How far a mass printed with one decimal may be from that of its element (g/mol)."""

_ROUNDED_MASS = 0.006
"""Relative error of a mass rounded further."""

_UNITS = sorted(set(UNITSETS) - {"ASE"})


def is_whole_number(word: str | bytes) -> bool:
    """Say whether a word is a number of atoms or a type: plain digits, not thousands of them."""
    return word.isascii() and word.isdigit() and len(word) < 10


def known_units(path: Path, name: str, line: int) -> str:
    """Return the name of LAMMPS's units, if they can be converted.

    Raises
    ------
    FileFormatError
        The units are unknown, or ``lj``, which have no physical scale.
    """
    if name not in _UNITS:
        raise FileFormatError(
            path,
            f"units {name!r}; expected one of {', '.join(_UNITS)}"
            + (" (lj has no scale: convert the file first)" if name == "lj" else ""),
            line=line,
        )
    return name


def check_symbols(species: Sequence[str] | None) -> None:
    """Refuse species that are not elements."""
    for symbol in species or ():
        if atomic_numbers.get(symbol, 0) < 1:
            raise SpeciesError(f"{symbol!r} is not the symbol of an element")


def need_species(path: Path, what: str) -> SpeciesError:
    """Return the error for a file that does not tell its elements."""
    return SpeciesError(
        f"{path}: the file has types, not elements; say which elements they are, type 1 "
        f"first: species=('Ti', 'Al') or --species Ti,Al (or write the file with {what})"
    )


def check_agreement(
    path: Path, species: Sequence[str], elements: Mapping[int, str], types: int, source: str
) -> None:
    """Refuse species that leave a type out, or contradict what the file says.

    Parameters
    ----------
    path
        The file.
    species
        Symbols of the elements by type, type 1 first.
    elements
        The element of each type, as far as the file says it.
    types
        The largest type.
    source
        Where in the file it stands, for the message.

    Raises
    ------
    SpeciesError
        Names the type.
    """
    for number, element in sorted(elements.items()):
        if number <= len(species) and species[number - 1] != element:
            raise SpeciesError(
                f"{path}: type {number} is {element} by its {source}, and {species[number - 1]} by "
                f"--species {','.join(species)}; leave out --species, or correct it or the file"
            )
    if types > len(species):
        raise SpeciesError(
            f"{path}: has atoms of type {types}, and --species names {len(species)} "
            f"({' '.join(species)}); name one element for each type, type 1 first"
        )


def element_of_mass(mass: float) -> str | None:
    """Return the element of an atomic mass; None when it fits none, or two.

    It may be rounded, as 27 for aluminium and 56 for iron, but not where another element is near,
    as 59, cobalt or nickel; and not an isotope, or a mass in other units. A mass of 1 stands for
    whatever a model leaves open.
    """
    if mass == 1.0:
        return None
    away = np.abs(atomic_masses[1:] - mass)
    nearest = int(np.argmin(away))
    fits = away[nearest] <= _MASS_DIGITS
    only = away[nearest] <= _ROUNDED_MASS * mass and (away <= _ROUNDED_MASS * mass).sum() == 1
    return str(chemical_symbols[nearest + 1]) if fits or only else None
