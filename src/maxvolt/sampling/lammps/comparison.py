"""LAMMPS against Python: the same structure by the pair style and by the potential itself."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.lammps import Prism
from numpy.typing import NDArray

from maxvolt.errors import DataError, MaxvoltError
from maxvolt.potentials import Potential
from maxvolt.sampling.lammps.outputs import said
from maxvolt.sampling.lammps.program import SCREEN, find_program, run_lammps
from maxvolt.sampling.lammps.turned import Turned
from maxvolt.selection import QueryStrategy

__all__ = ["Difference", "compare_with_lammps"]

_BAR = 1 / 1.6021765e6
"""In eV/Angstrom^3, with the digits that LAMMPS has."""

_ROOM = 2.0
"""Angstrom around atoms without a cell."""

_STRUCTURE, _TOTALS, _ATOMS = "structure.lammps", "totals.txt", "atoms.dump"

_INPUT = """\
units       metal
boundary    {boundary}
read_data   {structure}
pair_style  maxvolt{graded}
pair_coeff  * * "{potential}" {elements}
compute     site all pe/atom
compute     whole all pair maxvolt
{of_atoms}
thermo_style custom step pe pxx pyy pzz pyz pxz pxy c_whole[1]
dump        atoms all custom 1 {atoms} id fx fy fz c_site{column}
dump_modify atoms sort id format float %.17g
run         0
print "$(pe:%.17g) $(pxx:%.17g) $(pyy:%.17g) $(pzz:%.17g) $(pyz:%.17g) $(pxz:%.17g) $(pxy:%.17g) &
$(c_whole[1]:%.17g)" file {totals}
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """How far LAMMPS is from Python in one quantity of one structure.

    Attributes
    ----------
    quantity
        energy, energies of atoms, forces, stress, grade, or grades of atoms.
    unit
        Of the numbers; "" where they have none.
    size
        The largest magnitude that Python gives.
    largest
        The largest difference by number of ranks.
    """

    quantity: str
    unit: str
    size: float
    largest: Mapping[int, float]

    @property
    def relative(self) -> float:
        """The largest difference by the size, or as it is where the size is below 1."""
        return max(self.largest.values()) / max(1.0, self.size)


_UNITS = {"energy": "eV", "energies of atoms": "eV", "forces": "eV/A", "stress": "eV/A^3"}


def compare_with_lammps(
    path: Path,
    potential: Potential,
    query: QueryStrategy | None,
    atoms: Atoms,
    ranks: Sequence[int] = (1, 2),
) -> list[Difference]:
    """Evaluate and grade a structure in LAMMPS and in Python.

    Parameters
    ----------
    path
        File of the potential, which LAMMPS reads.
    potential
        The same potential.
    query
        The active set in the file; None where there is none.
    atoms
        The structure.
    ranks
        Numbers of MPI ranks to run on.

    Raises
    ------
    DataError
        The structure has no atoms, or elements that the potential does not have.
    MaxvoltError
        LAMMPS is not there, or fails; the message cites what it said.
    """
    if not len(atoms):
        raise DataError("the structure has no atoms; LAMMPS needs at least one")
    boxed = _with_box(atoms)
    expected = _in_python(potential, query, boxed)
    input_text = _input(path, potential.species, boxed, list(expected))
    by_ranks = {n: _in_lammps(input_text, potential.species, boxed, n) for n in ranks}
    differences = []
    for name, values in expected.items():
        largest = {n: float(abs(found[name] - values).max()) for n, found in by_ranks.items()}
        size = float(abs(values).max())
        differences.append(Difference(name, _UNITS.get(name, ""), size, largest))
    return differences


def _with_box(atoms: Atoms) -> Atoms:
    """Give atoms cell vectors where they have none; LAMMPS needs one in every direction."""
    boxed = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    missing = np.flatnonzero(~boxed.cell.any(axis=1))
    if len(missing):
        boxed.cell = boxed.cell.complete()  # unit vectors, at right angles to the others
        along = boxed.get_scaled_positions(wrap=False)[:, missing]
        boxed.positions += (_ROOM - along.min(axis=0)) @ boxed.cell[missing]
        boxed.cell[missing] *= (np.ptp(along, axis=0) + 2 * _ROOM)[:, None]
    return boxed


def _in_python(
    potential: Potential, query: QueryStrategy | None, atoms: Atoms
) -> dict[str, NDArray[np.float64]]:
    neighborhoods = potential.neighborhoods(atoms)
    energies = potential.evaluate_neighborhoods(neighborhoods)
    values = {
        "energy": np.array([energies.site_energies.sum()]),
        "energies of atoms": energies.site_energies,
        "forces": energies.forces,
    }
    if atoms.pbc.all():
        values["stress"] = energies.virials[0] / atoms.get_volume()
    if query is not None:
        grades = query.grade_neighborhoods(neighborhoods)
        values["grade"] = grades.structures
        if grades.sites is not None:
            values["grades of atoms"] = grades.sites
    return values


def _input(path: Path, species: Sequence[str], atoms: Atoms, quantities: Sequence[str]) -> str:
    of_atoms = "grades of atoms" in quantities
    return _INPUT.format(
        boundary=" ".join("p" if periodic else "m" for periodic in atoms.pbc),
        structure=_STRUCTURE,
        graded=" every 1" if "grade" in quantities else "",
        potential=path.resolve(),
        elements=" ".join(species),
        of_atoms="fix graded all pair 1 maxvolt grade 1" if of_atoms else "",
        column=" f_graded" if of_atoms else "",
        atoms=_ATOMS,
        totals=_TOTALS,
    )


def _in_lammps(
    input_text: str, species: Sequence[str], atoms: Atoms, ranks: int
) -> dict[str, NDArray[np.float64]]:
    with tempfile.TemporaryDirectory(prefix="maxvolt-lammps-") as name:
        folder = Path(name)
        Turned(atoms, tuple(species)).write(folder / _STRUCTURE)
        (folder / "in.lammps").write_text(input_text)
        command = [*find_program(ranks, None), "-in", "in.lammps", "-log", "none"]
        if run_lammps(command, folder) != 0:
            raise MaxvoltError(f"LAMMPS on {ranks} rank(s): {said(folder / SCREEN)}")
        totals = np.loadtxt(folder / _TOTALS)
        table = np.loadtxt(folder / _ATOMS, skiprows=9, ndmin=2)
    return dict(_quantities(totals, table, atoms))


def _quantities(
    totals: NDArray[np.float64], table: NDArray[np.float64], atoms: Atoms
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Turn what LAMMPS wrote into the orientation and units of the structure."""
    prism = Prism(atoms.cell.array, pbc=atoms.pbc)
    xx, yy, zz, yz, xz, xy = -totals[1:7] * _BAR
    turned = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
    stress = prism.tensor2_to_ase(turned)
    yield "energy", totals[:1]
    yield "energies of atoms", table[:, 4]
    yield "forces", prism.vector_to_ase(table[:, 1:4])
    yield "stress", stress[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]
    yield "grade", totals[7:8]
    if table.shape[1] > 5:
        yield "grades of atoms", table[:, 5]
