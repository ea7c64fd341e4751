"""What commands for alloys on a lattice are given: lattice, supercell, shares, structures."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.console import counted, note
from maxvolt.cli.options import numbers_by_name, positive_float
from maxvolt.errors import DataError, MaxvoltError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from maxvolt.dataset import Dataset
    from maxvolt.fitting.lattice import OnSites
    from maxvolt.potentials.lattice import Mapped, ParentLattice

__all__ = [
    "add_energy_per_atom",
    "add_lattice",
    "add_mapping",
    "add_sites",
    "energies_named",
    "mapped_structures",
    "mapping_limits",
    "parent_of",
    "refuse_mapping",
    "repeats_of",
    "shares_of",
    "site_species",
    "tell_places",
    "tell_refused",
]

_LARGEST_DISPLACEMENT, _LARGEST_STRAIN = 0.8, 0.15
"""Angstrom, and of a cell: as of `maxvolt.potentials.lattice.on_lattice`."""

_TOLD = 20
"""Structures that are left out and named one by one."""

_REPEATS = re.compile(r"([1-9]\d*)x([1-9]\d*)x([1-9]\d*)")


def add_lattice(parser: argparse._ActionsContainer) -> None:
    """Add ``--lattice`` and ``--sites``."""
    parser.add_argument(
        "--lattice",
        required=True,
        metavar="LATTICE",
        help="primitive cell: a file with one structure, or sc, fcc, bcc, diamond or hcp with its "
        "lattice constant in Angstrom, as fcc:4.09 or, for another c/a than the ideal one, "
        "hcp:3.2:5.1",
    )
    add_sites(parser)


def add_sites(parser: argparse._ActionsContainer) -> None:
    """Add ``--sites``."""
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


def parent_of(
    options: argparse.Namespace, elements: Sequence[str] = (), lattice: str | None = None
) -> ParentLattice:
    """Make the parent lattice that the options describe.

    Parameters
    ----------
    options
        Of the command line.
    elements
        What all sites may have where nothing is said.
    lattice
        Name of the lattice; that of the options by default.

    Raises
    ------
    MaxvoltError
        An option cannot be understood, or nothing says which elements sites may have.
    """
    from maxvolt.potentials.lattice import named_lattice

    given = options.sites or []
    named = {site: symbols for site, symbols in given if site is not None}
    for_all = [symbols for site, symbols in given if site is None]
    if (for_all and named) or len(for_all) > 1 or len(named) + len(for_all) < len(given):
        raise MaxvoltError("--sites: give A,B once for all sites, or A=B,C once for each element")
    if not given and not elements:
        raise MaxvoltError("--sites is needed: which elements may the sites of the lattice have?")
    species = named or (for_all[0] if for_all else tuple(elements))
    return named_lattice(options.lattice if lattice is None else lattice, species)


def add_mapping(group: argparse._ActionsContainer) -> None:
    """Add what decides whether a structure is on a lattice."""
    group.add_argument(
        "--largest-displacement", type=positive_float, metavar="A",
        help=f"of an atom from its site, Angstrom; beyond it a structure is left out "
        f"({_LARGEST_DISPLACEMENT:g})",
    )  # fmt: skip
    group.add_argument(
        "--largest-strain", type=positive_float, metavar="X",
        help=f"of a cell, without the change of volume ({_LARGEST_STRAIN:g})",
    )  # fmt: skip
    group.add_argument(
        "--all", action="store_true", help="fail where a structure would be left out"
    )


def add_energy_per_atom(group: argparse._ActionsContainer) -> None:
    """Add where energies are found that are no labels."""
    group.add_argument(
        "--energy-per-atom",
        metavar="KEY",
        help="use this number in the info of each structure, eV/atom, in place of its energy",
    )


def mapping_limits(options: argparse.Namespace) -> dict[str, float]:
    """Largest displacement and strain, as functions take them."""
    displacement, strain = options.largest_displacement, options.largest_strain
    return {
        "largest": _LARGEST_DISPLACEMENT if displacement is None else displacement,
        "largest_strain": _LARGEST_STRAIN if strain is None else strain,
    }


def refuse_mapping(options: argparse.Namespace) -> None:
    """Say so where options for lattices are given with another potential."""
    for name in ("largest_displacement", "largest_strain", "all", "energy_per_atom"):
        if getattr(options, name, None):
            raise MaxvoltError(
                f"--{name.replace('_', '-')} is for potentials on a lattice, and "
                f"{options.potential} is none"
            )


def energies_named(options: argparse.Namespace, dataset: Dataset) -> NDArray[np.float64] | None:
    """Energies that ``--energy-per-atom`` names, eV; None: the labels count."""
    from maxvolt.fitting.lattice.labelled import energies_per_atom

    if options.energy_per_atom is None:
        return None
    try:
        return energies_per_atom(dataset, options.energy_per_atom)
    except DataError as error:
        raise DataError(f"--energy-per-atom: {error}") from error


def tell_refused(
    options: argparse.Namespace, names: Sequence[str], refused: Sequence[tuple[int, str]]
) -> None:
    """Name the structures that are left out; fail where none is left or ``--all`` is given.

    Parameters
    ----------
    options
        Of the command line.
    names
        Of all structures.
    refused
        Number of each structure that is left out, and why.
    """
    left_out = [f"{names[number]}: {reason}" for number, reason in refused]
    if left_out and (options.all or len(left_out) == len(names)):
        raise DataError(
            f"{left_out[0]} ({len(left_out)} of {len(names)} structures cannot be used, counted "
            "from 0)"
        )
    for line in left_out[:_TOLD]:
        note(f"left out: {line}")
    if len(left_out) > _TOLD:
        note(f"left out: {len(left_out) - _TOLD} more")


def tell_places(sites: OnSites, number: int) -> None:
    """Say how many of so many structures are on the lattice, and how far from it."""
    note(
        f"{len(sites.mapped)} of {counted(number, 'structure')} on the lattice; atoms up to "
        f"{sites.displacements.max():.2f} A from their sites, strains up to "
        f"{sites.strains.max():.3f}"
    )


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
