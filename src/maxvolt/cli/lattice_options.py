"""Options that name a parent lattice and the species of its sites."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from ase import Atoms

    from maxvolt.potentials.lattice import ParentLattice

__all__ = ["add_lattice", "parent_lattice", "parent_of", "site_species"]

_NAMED = re.compile(r"(sc|fcc|bcc|diamond|hcp):([0-9.]+)")


def add_lattice(parser: argparse._ActionsContainer) -> None:
    """Add ``--lattice`` and ``--sites``."""
    parser.add_argument(
        "--lattice",
        required=True,
        metavar="LATTICE",
        help="primitive cell: a file with one structure, or sc, fcc, bcc, diamond or hcp with its "
        "lattice constant in Angstrom, as fcc:4.09",
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
    atoms: Atoms = read_structures(path, None).select([0]).to_atoms()[0]
    return atoms
