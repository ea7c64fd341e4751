"""Measure how long it takes to evaluate many small structures, by each way to ask.

python benchmarks/batch_evaluation.py                                  # 10,000 structures
python benchmarks/batch_evaluation.py --structures 500 --output docs/benchmarks

Crystals of sodium chloride of 2 to 8 atoms, strained and rattled, with a cutoff of 5 A; potentials
with random coefficients, on one thread. The ways take turns. "Kernel" is the evaluation alone, of
neighbours that are known; what a way takes beyond it is spent on neighbours and on Python. One
search for each structure is what the list of a dataset used to be made of.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import bulk

import maxvolt
from grades_report import write_results
from maxvolt.neighbors import build_neighbors
from maxvolt.neighbors.neighborhoods import iterate_neighborhoods
from maxvolt.potentials.evaluation import ATOMS_AT_ONCE
from performance.machine import describe_machine
from performance.timing import smallest_times

LEVELS = (8, 16, 20)
CUTOFF = 5.0
SLOW = 20
"""Ways that ask for one structure after the other get one of so many."""


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--structures", type=int, default=10_000, help="how many (10,000)")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each potential (20)")
    parser.add_argument("--output", type=Path, help="folder for batch_evaluation.json")
    options = parser.parse_args()
    structures = small_structures(options.structures)
    levels = [measure(structures, level, options.seconds) for level in LEVELS]
    if options.output is not None:
        found = {
            "machine": asdict(describe_machine()),
            "structures": len(structures),
            "atoms": sum(map(len, structures)),
            "microseconds_per_structure": levels,
        }
        write_results(options.output / "batch_evaluation.json", found)


def small_structures(count: int, seed: int = 0) -> list[Atoms]:
    """Return crystals of 2, 4, 6 and 8 atoms."""
    random = np.random.default_rng(seed)
    salt, caesium = bulk("NaCl", "rocksalt", a=5.64), bulk("NaCl", "cesiumchloride", a=3.5)
    kinds = (
        salt,
        caesium * (2, 1, 1),
        salt * (3, 1, 1),
        bulk("NaCl", "rocksalt", 5.64, cubic=True),
    )
    found = []
    for number in range(count):
        atoms = kinds[number % len(kinds)].copy()
        atoms.set_cell(
            atoms.cell.array @ (np.eye(3) + 0.03 * random.normal(size=(3, 3))), scale_atoms=True
        )
        atoms.positions += 0.1 * random.normal(size=(len(atoms), 3))
        found.append(atoms)
    return found


def random_potential(level: int) -> maxvolt.MTP:
    """Return a potential for sodium chloride that has numbers, if no meaning."""
    random = np.random.default_rng(level)
    start = maxvolt.MTP(level, ["Na", "Cl"], cutoff=CUTOFF, min_dist=1.8, radial_basis_size=8)
    shapes = start.model
    return start.with_coefficients(
        0.03 * random.normal(size=shapes.radial_coeffs.shape),
        random.normal(size=shapes.species_coeffs.shape),
        0.1 * random.normal(size=shapes.moment_coeffs.shape),
    )


def measure(structures: Sequence[Atoms], level: int, seconds: float) -> dict[str, Any]:
    """Time every way to evaluate with one potential, microseconds per structure."""
    potential = random_potential(level)
    dataset = maxvolt.Dataset.without_labels(structures)
    few = structures[::SLOW]
    calculator = maxvolt.Calculator(potential, threads=1)
    known = [
        neighborhoods
        for _, neighborhoods in iterate_neighborhoods(
            dataset, potential.species, CUTOFF, atoms_at_once=ATOMS_AT_ONCE
        )
    ]

    def with_calculator() -> None:
        for atoms in few:
            calculator.calculate(atoms)

    def one_by_one() -> None:
        for atoms in few:
            potential.evaluate(atoms, threads=1)

    def search_for_each() -> None:
        for atoms in few:
            build_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, CUTOFF)

    def kernel() -> None:
        for neighborhoods in known:
            potential.evaluate_neighborhoods(neighborhoods, threads=1)

    ways: dict[str, tuple[Callable[[], object], int]] = {
        "calculator, one after the other": (with_calculator, len(few)),
        "evaluate, one after the other": (one_by_one, len(few)),
        "one neighbour search for each": (search_for_each, len(few)),
        "evaluate_dataset, list of ase.Atoms": (
            lambda: potential.evaluate_dataset(structures, threads=1),
            len(structures),
        ),
        "evaluate_dataset, Dataset": (
            lambda: potential.evaluate_dataset(dataset, threads=1),
            len(structures),
        ),
        "kernel": (kernel, len(structures)),
    }
    times = smallest_times({name: way for name, (way, _) in ways.items()}, seconds)
    found = {name: round(1e6 * times[name] / ways[name][1], 2) for name in ways}
    print(f"level {level}: microseconds per structure")
    for name, time in found.items():
        print(f"  {name:<36} {time:10.2f}")
    return {"level": level, **found}


if __name__ == "__main__":
    main()
