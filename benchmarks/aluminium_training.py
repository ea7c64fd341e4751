"""A moment tensor potential trained on an embedded-atom potential of aluminium, and the choices.

    python benchmarks/aluminium_training.py POTENTIALS --output docs/properties/cards

POTENTIALS is the folder of potentials of LAMMPS; Al_mm.eam.fs labels everything. Trains with each
of SCAN (level, cutoff, radial functions, how errors are weighted) and compares structures held out,
elastic constants, transformation paths and stacking faults with the embedded-atom potential:
aluminium_scan.txt. benchmarks/aluminium_cards.py uses CHOSEN. What is trained lies in --work; the
same command goes on from there.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase.build import bulk

import maxvolt
from aluminium_structures import LATTICE_CONSTANT, training_structures
from maxvolt.fitting import Scaling
from maxvolt.properties import compute_property
from maxvolt.report.output import write_json

__all__ = ["CHOSEN", "Choice", "labelled", "main", "trained"]


@dataclass(frozen=True)
class Choice:
    """What is chosen before a fit."""

    level: int
    cutoff: float
    radial: int
    scaling: Scaling
    weights: tuple[float, float, float]

    @property
    def name(self) -> str:
        """Of its files."""
        weights = "-".join(f"{weight:g}" for weight in self.weights)
        return f"{self.level}_{self.cutoff:g}_{self.radial}_{self.scaling}_{weights}"


BY_ATOM, BY_STRUCTURE = (30.0, 0.01, 0.1), (10.0, 0.01, 0.1)
"""Weights of energy, forces and stress that go with "vibrations" and with "structures"."""

ITERATIONS = 24
"""After so many the loss falls by less than half a per cent in one."""

CHOSEN = Choice(16, 6.8, 22, "vibrations", BY_ATOM)
SCAN = (
    Choice(16, 6.5, 10, "vibrations", BY_ATOM),
    Choice(16, 6.5, 22, "vibrations", BY_ATOM),
    Choice(16, 6.8, 22, "structures", BY_STRUCTURE),
    Choice(20, 6.8, 16, "vibrations", BY_ATOM),
    CHOSEN,
)


def labelled(reference: Path, work: Path) -> tuple[maxvolt.Dataset, maxvolt.Dataset]:
    """Structures to train on, and every tenth, which is held out."""
    path = work / "structures.extxyz"
    if not path.exists():
        maxvolt.write(path, training_structures(maxvolt.Calculator(reference, threads=1)))
    data = maxvolt.read(path)
    test = np.arange(len(data)) % 10 == 0
    return data.select(~test), data.select(test)


def trained(choice: Choice, reference: Path, work: Path) -> tuple[Path, dict[str, Any]]:
    """Train, unless it was done; return the potential and what is known of its fit."""
    path, known = work / f"{choice.name}.almtp", work / f"{choice.name}.json"
    if path.exists() and known.exists():
        return path, json.loads(known.read_text())
    data, test = labelled(reference, work)
    shortest = maxvolt.minimum_distances(data).overall
    start = maxvolt.MTP(
        choice.level, ["Al"], choice.cutoff,
        min_dist=round(0.99 * shortest, 3), radial_basis_size=choice.radial,
    )  # fmt: skip
    checkpoint = work / f"{choice.name}.checkpoint"
    resumed = checkpoint.exists()
    began = time.process_time()
    result = maxvolt.fit(
        start, data, validation=test, weights=maxvolt.Weights(*choice.weights),
        scaling=choice.scaling, starts=2, max_iterations=ITERATIONS, threads=1, progress=False,
        checkpoint=checkpoint, restart=resumed,
    )  # fmt: skip
    seconds = time.process_time() - began
    if result.validation_errors is None or not isinstance(result.potential, maxvolt.MTP):
        raise RuntimeError("a validation set gives validation errors, one start one potential")
    fitted, held_out = result.training_errors.total, result.validation_errors.total
    errors = {
        "structures": len(data) + len(test),
        "atoms": data.n_atoms + test.n_atoms,
        "coefficients": result.potential.n_parameters,
        "seconds": None if resumed else seconds,
        "energy_rmse_meV": 1000 * fitted.energy_per_atom.rmse,
        "force_rmse_meV_A": 1000 * fitted.force_components.rmse,
        "held_out_energy_rmse_meV": 1000 * held_out.energy_per_atom.rmse,
        "held_out_force_rmse_meV_A": 1000 * held_out.force_components.rmse,
    }
    maxvolt.ActiveSet.from_dataset(result.potential, data).write(path)
    write_json(errors, known)
    return path, errors


def judged(path: Path, reference: Path) -> dict[str, float]:
    """Differences of a trained potential from its reference, in a few properties."""
    found: dict[str, float] = {}
    for name in ("elastic", "paths", "stacking-faults"):
        result = compute_property(name, path, bulk("Al", a=LATTICE_CONSTANT), reference=reference)
        for key, value in result.values.items():
            if name == "elastic" and value.reference and key.startswith("C"):
                found[f"{key} (%)"] = 100 * (value.value / value.reference - 1)
        found |= {key.partition(":")[0]: error for key, error in result.curve_errors.items()}
    return found


def row(choice: Choice, errors: dict[str, Any], found: dict[str, float]) -> str:
    """A line of the table."""
    constants = ", ".join(f"{found[f'{name} (%)']:+.0f}" for name in ("C11", "C12", "C44"))
    weighted = {"vibrations": "by atom", "structures": "by structure"}[choice.scaling]
    fit = "" if errors["seconds"] is None else f"{errors['seconds']:.0f}"
    cells = [
        str(choice.level), f"{choice.cutoff:g}", str(choice.radial), weighted,
        str(errors["coefficients"]), fit,
        f"{errors['held_out_energy_rmse_meV']:.2f}", f"{errors['held_out_force_rmse_meV_A']:.1f}",
        constants, *(f"{found[key]:.1f}" for key in ("Bain", "trigonal", "slip", "twinning")),
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


HEAD = (
    "| level | cutoff (Å) | radial functions | errors count | coefficients | fit (s) | "
    "held out (meV/atom) | held out (meV/Å) | C11, C12, C44 (%) | Bain (meV/atom) | "
    "trigonal (meV/atom) | slip (mJ/m²) | twinning (mJ/m²) |",
    "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
)


def main() -> None:
    """Train all, write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("potentials", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("build/aluminium_cards"))
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    reference = options.potentials / "Al_mm.eam.fs"
    lines = [*HEAD]
    for choice in SCAN:
        path, errors = trained(choice, reference, options.work)
        kept = options.work / f"{choice.name}.judged.json"
        if not kept.exists():
            write_json(judged(path, reference), kept)
        lines.append(row(choice, errors, json.loads(kept.read_text())))
        print(lines[-1], flush=True)
    (options.output / "aluminium_scan.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
