"""Runs of LAMMPS with the plugin, and what they print."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.lammps import Prism
from ase.io.lammpsdata import write_lammps_data
from numpy.typing import NDArray

__all__ = ["Found", "evaluate", "in_the_frame_of_lammps", "run"]

PROGRAMS = Path(sys.executable).parent

BAR = 1 / 1.6021765e6
"""In eV/Angstrom^3, as LAMMPS has it: off by 8e-8."""

INPUT = """\
units       {units}
newton      {newton}
atom_style  atomic
boundary    {boundary}
read_data   structure.lammps
mass        * 1.0
{pair}
compute     energies all pe/atom
compute     shares all centroid/stress/atom NULL virial
compute     stresses all stress/atom NULL virial
compute     sum all reduce sum c_stresses[*]
thermo_style custom step pe pxx pyy pzz pyz pxz pxy c_sum[*]
thermo_modify norm no format float %.17g
dump        atoms all custom 1 atoms.dump id fx fy fz c_energies c_shares[*]
dump_modify atoms sort id format float %.17g
run         0
"""


@dataclass(frozen=True)
class Found:
    """What LAMMPS says, in units and order of ASE.

    Attributes
    ----------
    energy : eV
    forces : shape (N, 3), eV/Angstrom
    stress : shape (6,), eV/Angstrom^3
    energies : shape (N,), eV
    shares : shape (N, 3, 3), eV
        Of each atom in the virial, as `MTP.atomic_virials` gives them.
    summed : shape (6,), eV
        Sum of the symmetric shares, xx yy zz xy xz yz, with the sign of LAMMPS.
    """

    energy: float
    forces: NDArray[np.float64]
    stress: NDArray[np.float64]
    energies: NDArray[np.float64]
    shares: NDArray[np.float64]
    summed: NDArray[np.float64]


def in_the_frame_of_lammps(atoms: Atoms) -> Atoms:
    """Turn a structure so that its cell is that of LAMMPS."""
    prism = Prism(atoms.cell.array, pbc=atoms.pbc)
    xx, yy, zz, xy, xz, yz = prism.get_lammps_prism()
    turned = atoms.copy()
    turned.positions = prism.vector_to_lammps(atoms.positions, wrap=False)
    turned.cell = [[xx, 0, 0], [xy, yy, 0], [xz, yz, zz]]
    return turned


def run(folder: Path, text: str, ranks: int = 1) -> subprocess.CompletedProcess[str]:
    """Run an input."""
    (folder / "in.lammps").write_text(text)
    command = [str(PROGRAMS / "lmp"), "-in", "in.lammps"]
    if ranks > 1:
        command = [str(PROGRAMS / "mpiexec"), "-n", str(ranks), *command]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )


def evaluate(
    folder: Path,
    atoms: Atoms,
    pair: str,
    elements: list[str],
    *,
    ranks: int = 1,
    newton: str = "on",
    units: str = "metal",
) -> Found:
    """Evaluate a structure that is in the frame of LAMMPS."""
    write_lammps_data(
        str(folder / "structure.lammps"), atoms, specorder=elements, force_skew=True, masses=False
    )
    boundary = " ".join("p" if periodic else "s" for periodic in atoms.pbc)
    text = INPUT.format(units=units, newton=newton, boundary=boundary, pair=pair)
    done = run(folder, text, ranks)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    lines = done.stdout.splitlines()
    header = next(k for k, line in enumerate(lines) if line.split()[:2] == ["Step", "PotEng"])
    thermo = np.array(lines[header + 1].split(), dtype=float)
    rows = (folder / "atoms.dump").read_text().split("ITEM: ATOMS")[1].splitlines()
    table = np.array([row.split() for row in rows[1 : 1 + len(atoms)]], dtype=float)
    pressure_times_volume = table[:, 5:14] * BAR
    xx, yy, zz, xy, xz, yz, yx, zx, zy = pressure_times_volume.T
    shares = np.stack([xx, xy, xz, yx, yy, yz, zx, zy, zz], axis=1).reshape(-1, 3, 3)
    return Found(
        thermo[1], table[:, 1:4], -thermo[2:8] * BAR, table[:, 4], shares, thermo[8:14] * BAR
    )
