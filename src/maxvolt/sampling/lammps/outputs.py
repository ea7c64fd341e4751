"""What a run in LAMMPS leaves behind: trace, frames, last structure, complaints."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.lammps import Prism
from ase.io import iread, read
from ase.io.lammpsdata import write_lammps_data
from numpy.typing import NDArray

from maxvolt.errors import DataError, MaxvoltError
from maxvolt.sampling.rule import Stop, StopReason

__all__ = ["Frame", "Turned", "last_step", "read_trace", "said", "why"]

_TAIL = 600
"""Characters of a log that a message cites."""

_CAUSES: Mapping[str, StopReason] = {
    r"lost atoms|out of range atoms": StopReason.LOST_ATOM,
    r"non-numeric|not finite|\bnan\b": StopReason.NOT_FINITE,
    r"coincides with another atom": StopReason.TOO_CLOSE,
}
"""What LAMMPS or the pair style says where the simulation is at fault, not the input."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A structure above a threshold.

    Attributes
    ----------
    atoms
        In the orientation and order of the structure that the run started from.
    step
        Of the simulation.
    grade
        Of the structure.
    is_break
        Whether it ended the simulation.
    """

    atoms: Atoms
    step: int
    grade: float
    is_break: bool


class Turned:
    """A structure in the frame of LAMMPS, where cells are triangular, and the way back.

    Parameters
    ----------
    atoms
        The structure, with three cell vectors.
    elements
        Elements of the atom types 1, 2, ...
    """

    def __init__(self, atoms: Atoms, elements: tuple[str, ...]) -> None:
        self._atoms = atoms
        self._elements = elements
        self._prism = Prism(atoms.cell.array, pbc=atoms.pbc)

    def write(self, path: Path) -> None:
        """Write a data file, which LAMMPS reads."""
        bare = Atoms(
            numbers=self._atoms.numbers,
            positions=self._atoms.positions,
            cell=self._atoms.cell,
            pbc=self._atoms.pbc,
        )
        bare.wrap()
        write_lammps_data(
            str(path), bare, specorder=list(self._elements), prismobj=self._prism, masses=True
        )

    def back(self, found: Atoms) -> Atoms:
        """Give what LAMMPS wrote, in the order of identifiers, as the structure was given.

        Raises
        ------
        DataError
            It has other atoms.
        """
        if list(found.symbols) != list(self._atoms.symbols):
            raise DataError(
                "LAMMPS wrote atoms of other elements or in another order than it was given; the "
                "template must neither add nor remove atoms, nor renumber them"
            )
        turned = Atoms(
            numbers=self._atoms.numbers,
            positions=self._prism.vector_to_ase(found.positions),
            cell=found.cell.array @ self._prism.rot_mat.T,
            pbc=self._atoms.pbc,
        )
        if found.has("momenta"):
            turned.set_velocities(self._prism.vector_to_ase(found.get_velocities()))
        return turned

    def frames(self, path: Path) -> Iterator[Frame]:
        """Yield the frames that the pair style wrote; one that a kill has cut short ends them."""
        if not path.exists() or not path.stat().st_size:
            return
        frames = iread(str(path), index=":", format="extxyz")
        while True:
            try:
                found = next(frames, None)
            except (ValueError, OSError, KeyError, IndexError, AssertionError):
                return
            if found is None:
                return
            info = found.info
            yield Frame(
                self.back(found),
                int(info["step"]),
                float(info["MV_grade"]),
                info.get("reason") == "break",
            )

    def last(self, path: Path) -> Atoms:
        """Read the structure at the end, with its velocities, from a data file.

        Raises
        ------
        MaxvoltError
            There is none.
        """
        if not path.exists():
            raise MaxvoltError("LAMMPS did not come to the end of its input")
        types = {k: symbol for k, symbol in enumerate(self._elements, 1)}
        found = read(str(path), format="lammps-data", units="metal", atom_style="atomic")
        assert isinstance(found, Atoms)
        found.symbols = [types[int(k)] for k in found.arrays["type"]]
        order = np.argsort(found.arrays["id"], kind="stable")
        return self.back(found[order])


def read_trace(path: Path) -> NDArray[np.float64]:
    """Read the table that ``fix ave/time`` writes, shape (k, 6); without an incomplete last line.

    The columns are step, temperature (K), potential and kinetic energy (eV), volume (Angstrom^3)
    and grade; NaN for the last where there is none.
    """
    rows = [row for line in _lines(path) if (row := _numbers(line)) is not None]
    table = np.full((len(rows), 6), np.nan)
    for k, row in enumerate(rows):
        table[k, : len(row)] = row
    return table


def last_step(path: Path) -> int:
    """Step of the last whole line of a trace; 0 while there is none."""
    steps = [row[0] for line in _lines(path)[-3:] if (row := _numbers(line)) is not None]
    return int(steps[-1]) if steps else 0


def said(path: Path) -> str:
    """Give the error that LAMMPS printed, without the place in its source, else the end of it."""
    text = path.read_text(errors="replace") if path.exists() else ""
    errors = [line for line in text.splitlines() if "ERROR" in line]
    tail = " ".join(text[-_TAIL:].split()) or "it printed nothing"
    if not errors:
        return f"the last lines of its log: {tail}"
    first = re.sub(r"^.*?ERROR[^:]*:\s*|\s*\([^()]*\.(?:cpp|h):\d+\)\s*$", "", errors[0])
    return f"{first} (the last lines of its log: {tail})"


def why(message: str) -> StopReason:
    """Tell the reason of an end from what LAMMPS said."""
    first = message.partition("(the last lines")[0]
    for pattern, reason in _CAUSES.items():
        if re.search(pattern, first, re.IGNORECASE):
            return reason
    return StopReason.FAILED


def _lines(path: Path) -> list[str]:
    if not path.exists():
        return []
    whole, _, _ = path.read_text(errors="replace").rpartition("\n")
    return whole.splitlines()


def _numbers(line: str) -> list[float] | None:
    if line.startswith("#"):
        return None
    try:
        found = [float(word) for word in line.split()]
    except ValueError:
        return None
    return found if len(found) in (5, 6) else None


def stop_of(message: str) -> Stop:
    """Make the end of a run that failed."""
    return Stop(why(message), message)
