"""Measure what a step of molecular dynamics costs with ANI networks and moment tensor potentials.

python benchmarks/ani_cost.py                             # less than two minutes on one core
python benchmarks/ani_cost.py --json
python benchmarks/ani_cost.py --output docs/potentials    # the JSON and the table of ani.md

A step is energies and forces by the calculator for ASE, with its neighbour list, of fcc aluminium
with thermal displacements; the atoms move between steps as they do in a simulation. Networks have
the size of ANI-Al. All potentials have random coefficients, on which the time does not depend. They
take turns on one thread, and processor time is taken. Eight networks are asked as in a simulation
that watches their spread: each of them gives forces.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import bulk

import maxvolt
from grades_report import markdown_table, update_page, write_results
from maxvolt.potentials.ani.libraries import require_torch
from maxvolt.potentials.results import Precision
from performance.machine import describe_machine
from performance.timing import smallest_times

LEVELS = (8, 12, 16, 20)
MTP_CUTOFF = 5.0
PUBLISHED = 1e6 / 67_000
"""Microseconds per atom and step of eight networks on a V100: Smith et al. 2021."""


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeat", type=int, default=4, help="cubic cells per edge (4: 256 atoms)")
    parser.add_argument("--seconds", type=float, default=3.0, help="for each potential (3)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--output", type=Path, help="folder for ani_cost.json and ani.md")
    options = parser.parse_args()
    found = measure(options.repeat, options.seconds)
    print(json.dumps(found, indent=1) if options.json else table(found))
    if options.output is not None:
        write_results(options.output / "ani_cost.json", found)
        update_page(options.output / "ani.md", "cost", table(found))


def measure(repeat: int, seconds: float) -> dict[str, Any]:
    """Time a step with each potential, microseconds per atom."""
    require_torch().set_num_threads(1)
    crystal = bulk("Al", cubic=True, a=4.05).repeat(repeat)
    crystal.rattle(0.1, seed=1)
    networks = tuple(maxvolt.ANI.random(["Al"], seed=seed) for seed in range(8))
    works = {}
    for precision in ("double", "single"):
        works[f"ANI, one network, {precision} precision"] = step(crystal, networks[0], precision)
        eight = maxvolt.Ensemble(networks)
        works[f"ANI x 8, {precision} precision"] = step(crystal, eight, precision)
    for level in LEVELS:
        works[f"MTP level {level}"] = step(crystal, moment_tensors(level), "double")
    times = smallest_times(works, seconds)
    return {
        "machine": asdict(describe_machine()),
        "threads": 1,
        "atoms": len(crystal),
        "mtp_cutoff_A": MTP_CUTOFF,
        "published_microseconds_per_atom_on_v100": round(PUBLISHED, 1),
        "microseconds_per_atom": {
            name: round(1e6 * time / len(crystal), 2) for name, time in times.items()
        },
    }


def step(
    crystal: Atoms, potential: maxvolt.Potential, precision: Precision
) -> Callable[[], object]:
    """Return what moves the atoms a little and asks for forces."""
    atoms, random = crystal.copy(), np.random.default_rng(0)
    places = cycle(
        [atoms.positions + random.normal(scale=0.01, size=(len(atoms), 3)) for _ in "12"]
    )
    atoms.calc = maxvolt.Calculator(potential, threads=1, precision=precision)

    def moved() -> object:
        atoms.positions = next(places)
        return atoms.get_forces()

    return moved


def moment_tensors(level: int) -> maxvolt.MTP:
    """Return a potential with random coefficients."""
    untrained, random = maxvolt.MTP(level, ["Al"], MTP_CUTOFF, 1.8), np.random.default_rng(level)
    model = untrained.model
    shapes = (model.radial_coeffs.shape, model.species_coeffs.shape, model.moment_coeffs.shape)
    return untrained.with_coefficients(*(0.1 * random.normal(size=shape) for shape in shapes))


def table(found: dict[str, Any]) -> str:
    """Return times and their ratios for people."""
    times = found["microseconds_per_atom"]
    base = times["MTP level 16"]
    rows = [[name, _short(time), _short(time / base)] for name, time in times.items()]
    rows.append(["ANI-Al x 8, one V100 (published)", _short(PUBLISHED), _short(PUBLISHED / base)])
    columns = ["", "microseconds per atom and step", "times MTP level 16"]
    processor = found["machine"]["processor"]
    text = f"{processor}, one thread, {found['atoms']} atoms, cutoff of the MTPs {MTP_CUTOFF:g} A."
    return f"{markdown_table(columns, rows)}\n\n{text}"


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


if __name__ == "__main__":
    main()
