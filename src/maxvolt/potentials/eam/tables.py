"""Files of LAMMPS with tabulated embedded-atom potentials: ``.eam.alloy`` and ``.eam.fs``.

ASE reads the numbers; what is checked here is that the file holds as many as it says, and that they
are numbers that a potential can have.
"""

from __future__ import annotations

import hashlib
import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import FileFormatError, MaxvoltError
from maxvolt.limits import CUTOFF
from maxvolt.species import check_species

__all__ = ["Form", "Tables", "looks_like_tables", "read_tables"]

Form = Literal["alloy", "fs"]

_COMMENTS = 3
"""Lines of comments that the file begins with."""

_LARGEST_FILE = 200_000_000
"""Bytes; a dozen elements with tables of 10,000 points take a quarter of it."""

_EXPECTED = (
    "expected three lines of comments, then the number of elements and their symbols, then "
    "Nrho drho Nr dr cutoff, as LAMMPS defines it for eam/alloy and eam/fs"
)


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """What a file holds: c elements, tables of n_rho and n_r points that begin at zero.

    Attributes
    ----------
    form
        "alloy", where an atom contributes the same density at whichever neighbour; or "fs".
    species
        Symbols of the elements.
    cutoff : float, Angstrom
    density_spacing, distance_spacing : float
        Between the points; of distances in Angstrom.
    embedding : shape (c, n_rho), eV
    densities : shape (c, n_r) or, for "fs", (c, c, n_r)
        Density that the first element contributes at an atom (of the second).
    pairs : shape (c, c, n_r), eV Angstrom
        Distance times pair energy; the upper triangle counts.
    comment
        The lines that the file begins with.
    """

    form: Form
    species: tuple[str, ...]
    cutoff: float
    density_spacing: float
    distance_spacing: float
    embedding: NDArray[np.float64]
    densities: NDArray[np.float64]
    pairs: NDArray[np.float64]
    comment: str

    @property
    def digest(self) -> str:
        """Name of the numbers and elements."""
        digest = hashlib.sha256(f"{self.form} {' '.join(self.species)}".encode())
        digest.update(
            np.array([self.cutoff, self.density_spacing, self.distance_spacing]).tobytes()
        )
        for table in (self.embedding, self.densities, self.pairs):
            digest.update(np.array(table.shape).tobytes() + table.tobytes())
        return digest.hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class _Header:
    """Lines 4 and 5."""

    elements: tuple[str, ...]
    n_rho: int
    d_rho: float
    n_r: int
    d_r: float
    cutoff: float


def looks_like_tables(beginning: bytes) -> bool:
    """Whether a file begins so, also as the older ``.eam`` files of one element."""
    lines = beginning.decode("utf-8", "replace").split("\n")
    return _header(lines) is not None or _is_of_one_element(lines)


def read_tables(path: Path) -> tuple[bytes, Tables]:
    """Read a file: its content and what it says.

    Raises
    ------
    FileFormatError
        It is no such file, or holds other numbers than it says.
    """
    from ase.calculators.eam import EAM  # takes longer than telling what a file is

    content = _content(path)
    text = content.decode("utf-8", "replace")
    lines = text.split("\n")
    header = _header(lines)
    if header is None:
        if _is_of_one_element(lines):
            raise FileFormatError(
                path,
                "is an .eam file of one element (funcfl); programs do not agree on the units of "
                "its pair term: convert it to .eam.alloy (setfl)",
            )
        raise FileFormatError(path, _EXPECTED)
    _check(path, header)
    form = _form(path, text, header)
    try:
        read = EAM(potential=io.StringIO(text), form=form)
    except (ValueError, IndexError, OverflowError) as error:
        raise FileFormatError(path, f"a table holds what is not a number: {error}") from error
    tables = Tables(
        form=form,
        species=header.elements,
        cutoff=header.cutoff,
        density_spacing=header.d_rho,
        distance_spacing=header.d_r,
        embedding=read.embedded_data,
        densities=read.density_data,
        pairs=read.rphi_data,
        comment=" ".join(" ".join(lines[:_COMMENTS]).split()),
    )
    for table in (tables.embedding, tables.densities, tables.pairs):
        if not np.isfinite(table).all():
            raise FileFormatError(path, "a table holds a number that is not finite")
        table.setflags(write=False)
    return content, tables


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise FileFormatError(
                path, f"has more than {_LARGEST_FILE:,} bytes, above any embedded-atom potential"
            )
        return path.read_bytes()
    except OSError as error:
        raise FileFormatError(path, f"cannot be read: {error.strerror}") from error


def _header(lines: list[str]) -> _Header | None:
    """Lines 4 and 5, where they are as they should be."""
    if len(lines) < _COMMENTS + 2:
        return None
    try:
        count, *symbols = lines[_COMMENTS].split()
        n_rho, d_rho, n_r, d_r, cutoff = lines[_COMMENTS + 1].split()
        header = _Header(
            tuple(symbols), int(n_rho), float(d_rho), int(n_r), float(d_r), float(cutoff)
        )
        return header if int(count) == len(symbols) > 0 else None
    except ValueError:
        return None


def _is_of_one_element(lines: list[str]) -> bool:
    """Whether a comment, ``Z mass a lattice`` and the grid come first, as in funcfl files."""
    if len(lines) < 3:
        return False
    try:
        number, mass, constant, lattice = lines[1].split()
        n_rho, d_rho, n_r, d_r, cutoff = lines[2].split()
        values = float(mass), float(constant), float(d_rho), float(d_r), float(cutoff)
        return min(int(number), int(n_rho), int(n_r), *values) >= 0 and lattice.isalpha()
    except ValueError:
        return False


def _check(path: Path, header: _Header) -> None:
    """Refuse elements, sizes and lengths that no potential has, before any work."""
    try:
        check_species(header.elements)
    except MaxvoltError as error:
        raise FileFormatError(path, str(error), line=_COMMENTS + 1) from error
    grid = _COMMENTS + 2
    for name, points in (("Nrho", header.n_rho), ("Nr", header.n_r)):
        # A number and the space behind it take two bytes.
        if not 5 <= points <= _LARGEST_FILE // 2:
            raise FileFormatError(
                path,
                f"{name} is {points}; expected 5 to {_LARGEST_FILE // 2} points",
                line=grid,
            )
    for name, spacing in (("drho", header.d_rho), ("dr", header.d_r)):
        if not (spacing > 0 and math.isfinite(spacing * _LARGEST_FILE)):
            raise FileFormatError(
                path, f"{name} is {spacing:g}; expected a positive number", line=grid
            )
    if not CUTOFF.holds(header.cutoff):
        raise FileFormatError(
            path, f"the cutoff must lie between {CUTOFF}; got {header.cutoff:g}", line=grid
        )
    # Files count the end of their tables as (Nr - 1) dr or as Nr dr, rounded.
    reach = (header.n_r + 1) * header.d_r
    if header.cutoff > reach:
        raise FileFormatError(
            path,
            f"the cutoff of {header.cutoff:g} A lies beyond the tables, which end at "
            f"{(header.n_r - 1) * header.d_r:g} A",
            line=grid,
        )


def _form(path: Path, text: str, header: _Header) -> Form:
    """Tell alloy from fs, which has a density for each pair, by how many numbers there are."""
    elements, n_rho, n_r = len(header.elements), header.n_rho, header.n_r
    pairs = elements * (elements + 1) // 2
    sizes: dict[Form, int] = {
        "alloy": elements * (4 + n_rho + n_r) + pairs * n_r,
        "fs": elements * (4 + n_rho + elements * n_r) + pairs * n_r,
    }
    found = len(text.split("\n", _COMMENTS + 2)[-1].split())
    forms = [form for form, size in sizes.items() if size == found]
    if not forms:
        raise FileFormatError(
            path,
            f"holds {found} numbers in its tables; expected {sizes['alloy']} (eam/alloy) or "
            f"{sizes['fs']} (eam/fs) for {elements} elements, {n_rho} and {n_r} points",
        )
    # One element alone has as many numbers in both forms, which then mean the same.
    named: Form = "fs" if path.name.endswith(".fs") else "alloy"
    return named if named in forms else forms[0]
