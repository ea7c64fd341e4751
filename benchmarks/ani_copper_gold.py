"""Train an ANI network and moment tensor potentials on equal data: copper and gold of EMT.

python benchmarks/ani_copper_gold.py                            # a few minutes on one core
python benchmarks/ani_copper_gold.py --json
python benchmarks/ani_copper_gold.py --output docs/potentials   # the JSON and the table of ani.md

Crystals of 32 atoms of fcc with random composition, density and displacements, with the energies,
forces and stresses of ASE's EMT. All potentials see the same training set and have the same cutoff;
errors are those on structures that none has seen. The networks are small, so that this takes
minutes: larger ones, more epochs and more data make them better.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT

import maxvolt
from grades_report import markdown_table, update_page, write_results
from maxvolt.potentials.protocol import Trainable

SPECIES = ("Cu", "Au")
CUTOFF, MIN_DIST = 6.0, 1.8
FORM = maxvolt.ANISettings(
    radial_cutoff=CUTOFF,
    radial_functions=12,
    angular_cutoff=4.5,
    angular_shells=4,
    angular_sections=4,
    layers=(32, 32),
)
LEVELS = (8, 12)


def main() -> None:
    """Train, compare, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--structures", type=int, default=100, help="to train on (100)")
    parser.add_argument("--epochs", type=int, default=600, help="of the network (600)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--output", type=Path, help="folder for ani_copper_gold.json and ani.md")
    options = parser.parse_args()
    found = measure(options.structures, options.epochs)
    print(json.dumps(found, indent=1) if options.json else table(found))
    if options.output is not None:
        write_results(options.output / "ani_copper_gold.json", found)
        update_page(options.output / "ani.md", "copper_gold", table(found))


def crystals(count: int, seed: int) -> list[Atoms]:
    """Return labelled crystals, each of a composition of its own."""
    random, found = np.random.default_rng(seed), []
    for _ in range(count):
        gold = random.random()
        a = (3.6 + 0.46 * gold) * random.uniform(0.97, 1.04)
        atoms = bulk("Cu", cubic=True, a=a).repeat(2)
        atoms.symbols[random.random(len(atoms)) < gold] = "Au"
        atoms.positions += random.normal(scale=random.uniform(0.02, 0.12), size=(len(atoms), 3))
        atoms.calc = EMT()
        atoms.get_stress()
        found.append(atoms)
    return found


def measure(structures: int, epochs: int) -> dict[str, Any]:
    """Train each potential and give its errors on held-out structures."""
    training = maxvolt.Dataset.from_atoms(crystals(structures, 1))
    held_out = maxvolt.Dataset.from_atoms(crystals(60, 2))
    network = {"epochs": epochs, "batch_size": 4, "learning_rate": 2e-3, "patience": 20}
    potentials: dict[str, Trainable] = {"ANI": maxvolt.ANI(SPECIES, FORM)}
    for level in LEVELS:
        potentials[f"MTP level {level}"] = maxvolt.MTP(level, SPECIES, CUTOFF, MIN_DIST)
    rows = []
    for name, untrained in potentials.items():
        settings = {"network": network} if name == "ANI" else {}
        began = process_time()
        potential = maxvolt.fit(untrained, training, settings, threads=1, progress=None).potential
        seconds = process_time() - began
        errors = maxvolt.compute_errors(potential, held_out).total
        rows.append(
            {
                "potential": name,
                "parameters": untrained.n_parameters,
                "energy_rmse_meV_per_atom": 1e3 * errors.energy_per_atom.rmse,
                "force_rmse_meV_per_A": 1e3 * errors.force_components.rmse,
                "training_processor_seconds": round(seconds, 1),
            }
        )
    forces = np.sqrt(np.mean(held_out.forces**2))
    return {
        "training_structures": structures,
        "held_out_structures": len(held_out),
        "atoms_each": 32,
        "epochs": epochs,
        "held_out_forces_rms_meV_per_A": 1e3 * float(forces),
        "potentials": rows,
    }


def table(found: dict[str, Any]) -> str:
    """Return the errors for people."""
    columns = ["", "parameters", "energy, meV/atom", "forces, meV/A", "training, s"]
    rows = [
        [
            row["potential"],
            f"{row['parameters']:,}",
            f"{row['energy_rmse_meV_per_atom']:.2f}",
            f"{row['force_rmse_meV_per_A']:.1f}",
            f"{row['training_processor_seconds']:.0f}",
        ]
        for row in found["potentials"]
    ]
    return markdown_table(columns, rows)


if __name__ == "__main__":
    main()
