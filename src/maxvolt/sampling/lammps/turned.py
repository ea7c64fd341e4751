"""Structures on their way to LAMMPS, whose cells are triangular, and back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.lammps import Prism
from ase.io import iread, read
from ase.io.lammpsdata import write_lammps_data

from maxvolt.errors import DataError, MaxvoltError

__all__ = ["Frame", "Turned"]

_STEP = re.compile(r"timestep = (\d+)")


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

    def last(self, path: Path) -> tuple[int, Atoms]:
        """Read the step and the structure at the end, with its velocities, from a data file.

        Raises
        ------
        MaxvoltError
            There is none.
        """
        step = _STEP.search(path.open().readline()) if path.exists() else None
        if step is None:
            raise MaxvoltError("LAMMPS did not come to the end of its input")
        found = read(str(path), format="lammps-data", units="metal", atom_style="atomic")
        assert isinstance(found, Atoms)
        found = found[np.argsort(found.arrays["id"], kind="stable")]
        found.symbols = [self._elements[k - 1] for k in found.arrays["type"].tolist()]
        return int(step[1]), self.back(found)
