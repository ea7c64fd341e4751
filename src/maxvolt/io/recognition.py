"""Which format a file has: as its name says or, where that says nothing certain, its content."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

from maxvolt.files import COMPRESSED, reading
from maxvolt.io import lammps

__all__ = ["format_of_content", "guess_format", "recognized_format"]

_PEEKED = 4096

# The first ending that fits the name, without the ending of a compressed file, decides.
_ENDINGS = (
    ("*.bin.cfg", "cfg-binary"),
    ("*.cfg", "cfg"),
    ("*.xyz", "extxyz"),
    ("*.extxyz", "extxyz"),
    ("*.db", "db"),
    ("*.json", "json"),
    ("*.traj", "traj"),
    ("*.vasp", "vasp"),
    ("*.dump", lammps.DUMP),
    ("*.lammpstrj", lammps.DUMP),
    ("*.lmp", lammps.DATA),
    ("*.data", lammps.DATA),
    ("*.lammps-data", lammps.DATA),
    ("*.cif", "cif"),
    ("*.pdb", "proteindatabank"),
    ("*.xsf", "xsf"),
    ("*.gen", "gen"),
    ("*.cube", "cube"),
    ("*.gro", "gromacs"),
    ("*.mol", "mol"),
    ("*.sdf", "sdf"),
    # As the processes of MLIP under MPI write them; last, for x.cfg.0.xyz is what it ends with.
    ("*.cfg[._][0-9]*", "cfg"),
)

# Names that are customs, not endings: they count where the content is none that is recognised.
_CUSTOMS = (
    ("*outcar*", "vasp-out"),
    ("*vasprun*.xml*", "vasp-xml"),
    ("*poscar*", "vasp"),
    ("*contcar*", "vasp"),
    ("*xdatcar*", "vasp-xdatcar"),
    ("dump.*", lammps.DUMP),
    ("data.*", lammps.DATA),
)


def guess_format(path: str | Path) -> str | None:
    """Return the format that a file's name stands for; None when the name says nothing."""
    return _first_fit(path, _ENDINGS) or _first_fit(path, _CUSTOMS)


def recognized_format(path: str | Path) -> str | None:
    """Return the format of a file that is to be read; None when it must be left to ASE.

    An ending such as .xyz decides; then the content, where it begins as only one format does; then
    what the name is by custom, as OUTCAR.

    Raises
    ------
    FileFormatError
        When the file is not there or cannot be read.
    """
    return _first_fit(path, _ENDINGS) or format_of_content(path) or _first_fit(path, _CUSTOMS)


def format_of_content(path: str | Path) -> str | None:
    """Return the format that the beginning of a file shows beyond doubt, else None."""
    with reading(path) as stream:
        start = stream.read(_PEEKED)
    return next((kind for kind, shows in _CONTENTS if shows(start)), None)


def _first_fit(path: str | Path, patterns: tuple[tuple[str, str], ...]) -> str | None:
    name = Path(path).name.lower()
    for ending in COMPRESSED:
        name = name.removesuffix(ending)
    return next((kind for pattern, kind in patterns if fnmatchcase(name, pattern)), None)


def _is_binary_cfg(start: bytes) -> bool:
    """Whether it begins with a number of atoms and one of the blocks that may follow it."""
    data = start.lstrip(b" \t\n\v\f\r")
    if len(data) < 6 or not data.startswith(b"n"):
        return False
    (size,) = struct.unpack("<i", data[1:5])
    return size >= 0 and data[5:6] in b"lptfmdvcgseF#"


def _is_xyz(start: bytes) -> bool:
    """Whether a number of atoms is followed by a header or, after any line, by an atom."""
    lines = start.splitlines()
    if len(lines) < 3 or not lines[0].strip().isdigit():
        return False
    if re.search(rb"\b(Properties|Lattice)\s*=", lines[1], re.IGNORECASE):
        return True
    words = lines[2].split()
    return len(words) >= 4 and words[0].isalpha() and all(map(_is_number, words[1:4]))


def _is_number(word: bytes) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _matching(pattern: bytes) -> Callable[[bytes], bool]:
    return lambda start: re.search(pattern, start) is not None


_CONTENTS: tuple[tuple[str, Callable[[bytes], bool]], ...] = (
    ("cfg", _matching(rb"\A\s*BEGIN_CFG\s")),
    ("cfg", _is_binary_cfg),
    ("db", _matching(rb"\ASQLite format 3\0")),
    ("traj", _matching(rb"\A- of UlmASE-Trajectory")),
    ("vasp-xml", _matching(rb"\A\s*<\?xml[^>]*>\s*<modeling>")),
    ("vasp-out", _matching(rb"\A\s*vasp\.\d")),
    (lammps.DUMP, _matching(rb"\A\s*ITEM: (TIMESTEP|UNITS|TIME)\s")),
    (lammps.DATA, _matching(rb"(?m)\A.*\n(?=[\s\S]*^\s*\d+\s+atoms\s*$)[\s\S]*\bxlo\s+xhi\b")),
    ("json", _matching(rb'\A\{"\d+": \{\s*"')),
    ("extxyz", _is_xyz),
)
