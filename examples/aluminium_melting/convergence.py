"""How far the settings of aluminium_dft.toml are converged: other k-points, other cutoffs.

    python convergence.py           # some twenty minutes of one core

Energies of a displaced crystal (k-points) and of a melt that was labelled (cutoffs) are counted
from the crystal's; needs Quantum ESPRESSO of Debian.
"""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.io import read, write

from maxvolt.units import GPA_PER_EV_A3

PSEUDOPOTENTIALS = Path("/usr/share/espresso/pseudo")
MESHES = ((4, 0.02), (3, 0.05), (2, 0.02))
"""Points along an axis (even ones shifted), smearing in Ry."""

CUTOFFS = (15, 20, 30)
"""Ry."""

LABELS, MELT = Path(__file__).with_name("dft_labels.xyz"), 31
"""Which of the structures is molten."""


def single_point(atoms: Atoms, points: int, smearing: float, cutoff: int = CUTOFFS[0]) -> Atoms:
    """Calculate energy, forces and stress by ``pw.x`` in a folder of its own."""
    system = {"ecutwfc": cutoff, "occupations": "smearing", "smearing": "mv", "degauss": smearing}
    with tempfile.TemporaryDirectory() as folder:
        write(
            Path(folder, "in.pwi"),
            atoms,
            format="espresso-in",
            pseudopotentials={"Al": "Al.pz-vbc.UPF"},
            pseudo_dir=str(PSEUDOPOTENTIALS),
            kpts=(points,) * 3,
            koffset=(1 - points % 2,) * 3,
            input_data={
                "control": {"tprnfor": True, "tstress": True, "outdir": folder},
                "system": system,
                "electrons": {"conv_thr": 1e-7, "mixing_beta": 0.5},
            },
        )
        with Path(folder, "out.pwo").open("w") as file:
            subprocess.run(
                ["pw.x", "-in", "in.pwi"],
                cwd=folder,
                stdout=file,
                check=True,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
        found = read(Path(folder, "out.pwo"))
    assert isinstance(found, Atoms)
    return found


def meshes() -> None:
    """Print a row for each mesh of k-points: energy and forces of a displaced crystal."""
    crystal = bulk("Al", cubic=True, a=4.1).repeat(2)
    displaced = crystal.copy()
    displaced.rattle(0.2, seed=1)
    first = None
    print("| k-points | smearing, Ry | energy, meV/atom | forces off the first row, meV/A | s |")
    for points, smearing in MESHES:
        rest = single_point(crystal, points, smearing).get_potential_energy()
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        found = single_point(displaced, points, smearing)
        seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
        forces = found.get_forces()
        first = forces if first is None else first
        energy = 1e3 * (found.get_potential_energy() - rest) / len(crystal)
        error = 1e3 * np.sqrt(np.mean((forces - first) ** 2))
        row = (f"{points}^3", smearing, f"{energy:.1f}", f"{error:.0f}", f"{seconds:.0f}")
        print("|", " | ".join(map(str, row)), "|", flush=True)


def cutoffs() -> None:
    """Print a row for each cutoff: energy of a melt, pressures of both, few k-points."""
    melt = read(LABELS, index=MELT)
    assert isinstance(melt, Atoms)
    melt.calc = None
    crystal = bulk("Al", cubic=True, a=4.1).repeat(2)
    crystal.set_cell(melt.cell, scale_atoms=True)
    points, smearing = MESHES[-1]
    print("| cutoff, Ry | melt, meV/atom | pressure of the melt, GPa | of the crystal, GPa |")
    for cutoff in CUTOFFS:
        both = [single_point(one, points, smearing, cutoff) for one in (melt, crystal)]
        energies = [1e3 * one.get_potential_energy() / len(one) for one in both]
        pressures = [-one.get_stress()[:3].mean() * GPA_PER_EV_A3 for one in both]
        row = (cutoff, f"{energies[0] - energies[1]:.1f}", *(f"{one:.2f}" for one in pressures))
        print("|", " | ".join(map(str, row)), "|", flush=True)


def main() -> None:
    """Print both tables."""
    cutoffs()
    meshes()


if __name__ == "__main__":
    main()
