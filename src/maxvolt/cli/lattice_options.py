"""What commands for alloys on a lattice are given: lattice, supercell, shares, structures."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.options import numbers_by_name
from maxvolt.errors import DataError, MaxvoltError

if TYPE_CHECKING:
    from ase import Atoms

    from maxvolt.potentials.lattice import Mapped, ParentLattice

__all__ = [
    "add_lattice",
    "mapped_structures",
    "parent_lattice",
    "parent_of",
    "repeats_of",
    "shares_of",
    "site_species",
]

_NAMED = re.compile(r"(sc|fcc|bcc|diamond|hcp):(\d+\.?\d*|\.\d+)")
_REPEATS = re.compile(r"([1-9]\d*)x([1-9]\d*)x([1-9]\d*)")


def add_lattice(parser: argparse._ActionsContainer) -> None:
    """Add ``--lattice`` and ``--sites``."""
    parser.add_argument(
        "--lattice",
        required=True,
        metavar="LATTICE",
        help="primitive cell: a file with one structure, or sc, fcc, bcc, diamond or hcp (ideal "
        "c/a) with its lattice constant in Angstrom, as fcc:4.09",
    )
    parser.add_argument(
        "--sites",
        type=site_species,
        action="append",
        metavar="A,B or A=B,C",
        help="elements that all sites may have, or those that the sites of A in LATTICE may have, "
        "the others being spectators; may be given several times; X is a vacancy",
    )


def site_species(text: str) -> tuple[str | None, tuple[str, ...]]:
    """Read ``Ag,Pd``, or ``Mg=Mg,Ca`` for the sites of one element."""
    site, equals, rest = text.rpartition("=")
    symbols = tuple(part.strip() for part in rest.split(","))
    if not all(symbols) or bool(equals) != bool(site):
        raise argparse.ArgumentTypeError(f"{text!r}: expected Ag,Pd or Mg=Mg,Ca")
    return site.strip() or None, symbols


def parent_of(options: argparse.Namespace, elements: Sequence[str] = ()) -> ParentLattice:
    """Make the parent lattice that the options describe.

    Parameters
    ----------
    options
        Of the command line.
    elements
        What all sites may have where nothing is said.

    Raises
    ------
    MaxvoltError
        An option cannot be understood, or nothing says which elements sites may have.
    """
    given = options.sites or []
    named = {site: symbols for site, symbols in given if site is not None}
    for_all = [symbols for site, symbols in given if site is None]
    if (for_all and named) or len(for_all) > 1 or len(named) + len(for_all) < len(given):
        raise MaxvoltError("--sites: give A,B once for all sites, or A=B,C once for each element")
    if not given and not elements:
        raise MaxvoltError("--sites is needed: which elements may the sites of the lattice have?")
    return parent_lattice(options.lattice, named or (for_all[0] if for_all else tuple(elements)))


def parent_lattice(
    lattice: str, species: Sequence[str] | dict[str, tuple[str, ...]]
) -> ParentLattice:
    """Make a parent lattice of a name with a lattice constant, or of a file."""
    from maxvolt.potentials.lattice import ParentLattice

    try:
        return ParentLattice.of(_primitive(lattice), species)
    except MaxvoltError as error:
        raise MaxvoltError(f"lattice {lattice}: {error}") from error


def _primitive(lattice: str) -> Atoms:
    from ase.build import bulk

    from maxvolt.cli.inputs import read_structures

    if found := _NAMED.fullmatch(lattice):
        name, constant = found[1], float(found[2])
        if not constant > 0:
            raise MaxvoltError("expected a lattice constant above 0")
        return bulk("X", name, a=constant, **({"covera": (8 / 3) ** 0.5} if name == "hcp" else {}))
    path = Path(lattice)
    if not path.is_file():
        raise MaxvoltError(
            "there is no such file; expected one, or a name with a lattice constant as fcc:4.09"
        )
    structures = read_structures(path, None)
    if len(structures) != 1:
        raise MaxvoltError(f"holds {len(structures)} structures; expected the primitive cell alone")
    atoms: Atoms = structures.to_atoms()[0]
    return atoms


def repeats_of(text: str) -> tuple[int, int, int] | None:
    """Read how often the primitive cell is repeated, as ``12x12x12``; None: it is not that."""
    found = _REPEATS.fullmatch(text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def shares_of(text: str, option: str) -> dict[str, float]:
    """Read numbers of species, as ``Ag=1,Pd=3``.

    Raises
    ------
    MaxvoltError
        They are something else; it names the option.
    """
    try:
        found = numbers_by_name(text)
    except ValueError:
        found = {}
    if not found or not all(map(isfinite, found.values())):
        raise MaxvoltError(f"{option}: expected A=X,B=Y with numbers, got {text!r}")
    return found


def mapped_structures(path: Path, parent: ParentLattice, *, first: bool = False) -> list[Mapped]:
    """Map the structures of a file, or the first of them, to the sites of a lattice.

    Raises
    ------
    DataError
        One is not on the lattice; it names file and structure, counted from 0.
    """
    from maxvolt.cli.inputs import read_structures
    from maxvolt.potentials.lattice import on_lattice

    dataset = read_structures(path, None)
    found = []
    for number, atoms in enumerate((dataset.select([0]) if first else dataset).to_atoms()):
        try:
            found.append(on_lattice(atoms, parent))
        except DataError as error:
            raise DataError(f"{path}, structure {number}: {error}") from error
    return found
