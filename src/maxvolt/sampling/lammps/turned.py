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
from numpy.typing import NDArray

from maxvolt.errors import DataError, MaxvoltError
from maxvolt.selection.grades import GRADE

__all__ = ["Frame", "Turned"]

_ERROR = "expected_force_error"
"""Under which the pair style notes an expected error, where it compares such."""

_HEAD = 1000
"""Characters of a data file that hold its first lines."""

_STEP = re.compile(r"timestep = (\d+)")
_COUNT = re.compile(r"^(\d+) atoms$", re.MULTILINE)


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
            raise self._other_atoms()
        turned = Atoms(
            numbers=self._atoms.numbers,
            positions=self._prism.vector_to_ase(found.positions),
            cell=found.cell.array @ self._prism.rot_mat.T,
            pbc=self._atoms.pbc,
        )
        if found.has("momenta"):
            turned.set_velocities(self._prism.vector_to_ase(found.get_velocities()))
        return turned

    def vectors_back(self, found: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give vectors of LAMMPS, shape (n, 3), in the orientation of the structure."""
        return np.asarray(self._prism.vector_to_ase(found))

    def frames(self, path: Path) -> Iterator[Frame]:
        """Yield the frames that the pair style wrote.

        One that is cut short, or lacks atoms that are lost, ends them: LAMMPS has something to say.
        """
        if not path.exists() or not path.stat().st_size:
            return
        frames = iread(str(path), index=":", format="extxyz")
        while True:
            try:
                found = next(frames, None)
            except (ValueError, OSError, KeyError, IndexError, AssertionError):
                return
            if found is None or len(found) != len(self._atoms):
                return
            info = found.info
            yield Frame(
                self.back(found),
                int(info["step"]),
                float(info[_ERROR if _ERROR in info else GRADE]),
                info.get("reason") == "break",
            )

    def last(self, path: Path) -> tuple[int, Atoms]:
        """Read the step and the structure at the end, with its velocities, from a data file.

        Raises
        ------
        MaxvoltError
            There is none, or it has other atoms.
        """
        head = ""
        if path.exists():
            with path.open() as file:
                head = file.read(_HEAD)
        step, count = _STEP.search(head), _COUNT.search(head)
        if step is None or count is None:
            raise MaxvoltError("LAMMPS did not come to the end of its input")
        if int(count[1]) != len(self._atoms):
            raise self._other_atoms()
        found = read(str(path), format="lammps-data", units="metal", atom_style="atomic")
        assert isinstance(found, Atoms)
        found = found[np.argsort(found.arrays["id"], kind="stable")]
        found.symbols = [self._elements[k - 1] for k in found.arrays["type"].tolist()]
        return int(step[1]), self.back(found)

    def _other_atoms(self) -> DataError:
        return DataError(
            f"LAMMPS wrote other atoms than the {len(self._atoms)} it was given, or in another "
            "order; the template must neither add nor remove atoms, nor renumber them"
        )
