"""Lattices as files and commands name them: by a lattice constant, or by a file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ase import Atoms
from ase.build import bulk

from maxvolt.errors import MaxvoltError, SettingsError
from maxvolt.io import read
from maxvolt.potentials.lattice.parent import ParentLattice

__all__ = ["LATTICE_NAMES", "named_lattice"]

LATTICE_NAMES = ("sc", "fcc", "bcc", "diamond", "hcp")
"""Of lattices that are known."""

_NUMBER = r"(\d+\.?\d*|\.\d+)"
_NAMED = re.compile(rf"({'|'.join(LATTICE_NAMES)}):{_NUMBER}(?::{_NUMBER})?")

_IDEAL = (8 / 3) ** 0.5
"""c/a of hcp where nothing is said: that of spheres that touch."""


def named_lattice(
    name: str, species: Sequence[str] | Mapping[str, Sequence[str]], folder: Path = Path()
) -> ParentLattice:
    """Make the parent lattice that a name stands for.

    Parameters
    ----------
    name
        One of `LATTICE_NAMES` with its lattice constant in Angstrom, ``fcc:4.09``, for hcp with a
        second one where c/a is not ideal, ``hcp:3.2:5.1``; or a file with the primitive cell.
    species
        As of `ParentLattice.of`.
    folder
        Names of files are relative to it.

    Raises
    ------
    MaxvoltError
        There is no such file, it cannot be used, or the species cannot be.
    """
    try:
        return ParentLattice.of(_primitive(name, folder), species)
    except MaxvoltError as error:
        raise SettingsError(f"lattice {name}: {error}") from error


def _primitive(name: str, folder: Path) -> Atoms:
    if found := _NAMED.fullmatch(name):
        kind, a, c = found[1], float(found[2]), found[3]
        if not (a > 0 and (c is None or float(c) > 0)):
            raise SettingsError("expected a lattice constant above 0")
        if kind != "hcp":
            if c is not None:
                raise SettingsError(f"{kind} has one lattice constant, as {kind}:{found[2]}")
            return bulk("X", kind, a=a)
        return bulk("X", kind, a=a, c=_IDEAL * a if c is None else float(c))
    path = folder / name
    if not path.is_file():
        raise SettingsError(
            "there is no such file; expected one, or a name with a lattice constant as fcc:4.09"
        )
    structures = read(path)
    if len(structures) != 1:
        raise SettingsError(
            f"holds {len(structures)} structures; expected the primitive cell alone"
        )
    atoms: Atoms = structures.to_atoms()[0]
    return atoms
