"""Potential files: .mtp of MLIP-2, .almtp of MLIP-3, .mtp of motep.

The format is a list of keys with their values. An active set may follow the potential. Element
symbols, which MLIP's format has no place for, are kept at the end of the line ``potential_tag =``,
whose text MLIP ignores, as in ``potential_tag = species: Ti Al``.
"""

from __future__ import annotations

import os
from pathlib import Path

from maxvolt.files import reading, replacing
from maxvolt.potentials.mtp.files.parser import looks_like_potential, parse_potential
from maxvolt.potentials.mtp.files.record import PotentialFile
from maxvolt.potentials.mtp.files.writer import format_potential

__all__ = ["PotentialFile", "read_potential_file", "write_potential_file"]

_BEGINNING = 64 * 2**10
"""Bytes in which a file must say that it is a potential, before the rest of it is read."""


def read_potential_file(path: str | os.PathLike[str]) -> PotentialFile:
    """Read a .mtp or .almtp file.

    Parameters
    ----------
    path
        File of MLIP-2, MLIP-3 or motep.

    Raises
    ------
    FileFormatError
        Naming file and line, if the file cannot be read as a potential.
    """
    path = Path(path)
    with reading(path) as stream:
        data = stream.read(_BEGINNING)
        if looks_like_potential(data):
            data += stream.read()
    return parse_potential(data, path)


def write_potential_file(path: str | Path, potential: PotentialFile) -> None:
    """Write a potential in the layout of MLIP; numbers are read back without any change.

    The file appears whole or not at all. MLIP-2 reads only one-digit `species_labels`.

    Parameters
    ----------
    path
        File to create or replace.
    potential
        What to write.

    Raises
    ------
    DataError
        It cannot be written; a file of that name stays as it was.
    """
    content = format_potential(potential)
    with replacing(path) as stream:
        stream.write(content)
