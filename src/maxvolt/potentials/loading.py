"""Potentials of any family from their files, single or as an ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from os import PathLike
from pathlib import Path

from maxvolt.errors import FileFormatError
from maxvolt.potentials.ensemble import Ensemble
from maxvolt.potentials.families import FAMILIES, family_of_file, member_paths
from maxvolt.potentials.lattice.files import is_lattice_potential
from maxvolt.potentials.protocol import Potential

__all__ = ["MOST_MEMBERS", "load", "potential_files"]

MOST_MEMBERS = 1000
"""Members that are looked for at most."""


def load(
    path: str | PathLike[str] | Sequence[str | PathLike[str]], species: Sequence[str] | None = None
) -> Potential:
    """Read a potential or an ensemble of any family; the content of the file says which.

    Parameters
    ----------
    path
        A file of a potential, or a folder of NeuroChem; the name an ensemble was saved under
        (``pot.mtp`` for ``pot.0.mtp``, ``pot.1.mtp``, ...); or the files of an ensemble's members.
    species
        Elements of type 0, 1, ..., for a file that names none.

    Returns
    -------
    Potential
        A `maxvolt.Ensemble` where there are several files.

    Raises
    ------
    FileFormatError
        A file is no potential, or no valid one.
    SpeciesError
        Species are needed, or differ from those in the file.
    """
    if isinstance(path, str | PathLike):
        files = potential_files(Path(path))
    else:
        files = [Path(one) for one in path]
    members = tuple(member for file in files for member in _read(file, species))
    return members[0] if len(members) == 1 else Ensemble(members)


def potential_files(path: Path) -> list[Path]:
    """Return the files of the potential or ensemble of this name; the name where there is none."""
    if path.exists():
        return [path]
    return list(takewhile(Path.exists, member_paths(path, MOST_MEMBERS))) or [path]


def _read(path: Path, species: Sequence[str] | None) -> tuple[Potential, ...]:
    family = family_of_file(path)
    if family is not None:
        return family.read_members(path, species)
    if not path.exists():
        raise FileFormatError(path, "cannot be read: No such file or directory")
    if is_lattice_potential(path):
        raise FileFormatError(
            path,
            "is a potential on a lattice, which has energies of arrangements and no forces: "
            "'maxvolt evaluate' and 'maxvolt errors' give energies of structures, 'maxvolt mc' "
            "simulates with it, 'maxvolt info' describes it",
        )
    known = "; ".join(f"{one.title} ({', '.join(one.suffixes)})" for one in FAMILIES)
    raise FileFormatError(path, f"is not a potential that maxvolt knows; expected {known}")
