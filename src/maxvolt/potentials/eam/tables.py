"""Files of LAMMPS with tabulated embedded-atom potentials: ``.eam.alloy`` and ``.eam.fs``.

ASE reads the numbers and makes cubic splines of them; what is checked here is that the file holds
as many as it says.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from ase.calculators.eam import EAM

from maxvolt.errors import DataError, FileFormatError
from maxvolt.limits import CUTOFF
from maxvolt.species import check_species

__all__ = ["looks_like_tables", "read_tables"]

_COMMENTS = 3
"""Lines of comments that the file begins with."""

_MOST_POINTS = 1_000_000
"""Points of one table, far above any real potential."""


def looks_like_tables(beginning: bytes) -> bool:
    """Whether a file begins so: three comments, the elements with their number, the grid."""
    lines = beginning.decode("utf-8", "replace").splitlines()[_COMMENTS : _COMMENTS + 2]
    if len(lines) < 2:
        return False
    try:
        count, *symbols = lines[0].split()
        n_rho, d_rho, n_r, d_r, cutoff = lines[1].split()
        sizes = int(n_rho), int(n_r)
        lengths = float(d_rho), float(d_r), float(cutoff)
        return int(count) == len(symbols) > 0 and min(*sizes, *lengths) > 0
    except ValueError:
        return False


def read_tables(path: Path) -> tuple[bytes, str, EAM]:
    """Read a file: its content, which form it has, and ASE's calculator that holds its splines.

    Raises
    ------
    FileFormatError
        It is no such file, or holds other numbers than it says.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FileFormatError(path, f"cannot be read: {error.strerror}") from error
    text = content.decode("utf-8", "replace")
    if not looks_like_tables(content):
        raise FileFormatError(
            path,
            "expected three lines of comments, then the number of elements and their symbols, then "
            "Nrho drho Nr dr cutoff, as LAMMPS has it for eam/alloy and eam/fs",
        )
    lines = text.splitlines()
    elements = lines[_COMMENTS].split()[1:]
    n_rho, _, n_r, _, cutoff = lines[_COMMENTS + 1].split()
    form = _form(path, text, len(elements), int(n_rho), int(n_r))
    try:
        check_species(elements)
        CUTOFF.check("the cutoff", float(cutoff))
        tables = EAM(potential=io.StringIO(text), form=form)
    except (ValueError, IndexError, DataError) as error:
        raise FileFormatError(path, f"not a table of numbers: {error}") from error
    numbers = (tables.embedded_data, tables.density_data, tables.rphi_data)
    if not all(np.isfinite(table).all() for table in numbers):
        raise FileFormatError(path, "a table holds a number that is not finite")
    return content, form, tables


def _form(path: Path, text: str, elements: int, n_rho: int, n_r: int) -> str:
    """Tell alloy from fs, which has a density for each pair, by how many numbers there are."""
    if not (4 <= n_rho <= _MOST_POINTS and 4 <= n_r <= _MOST_POINTS):
        raise FileFormatError(
            path, f"has tables of {n_rho} and {n_r} points; expected 4 to {_MOST_POINTS}"
        )
    found = len(text.split("\n", _COMMENTS + 2)[-1].split())
    pairs = elements * (elements + 1) // 2
    sizes = {
        "alloy": elements * (4 + n_rho + n_r) + pairs * n_r,
        "fs": elements * (4 + n_rho + elements * n_r) + pairs * n_r,
    }
    forms = [form for form, size in sizes.items() if size == found]
    if not forms:
        raise FileFormatError(
            path,
            f"holds {found} numbers in its tables; expected {sizes['alloy']} (eam/alloy) or "
            f"{sizes['fs']} (eam/fs) for {elements} elements, {n_rho} and {n_r} points",
        )
    # One element alone has as many numbers in both forms, which then mean the same.
    named = "fs" if path.name.endswith(".fs") else "alloy"
    return named if named in forms else forms[0]
