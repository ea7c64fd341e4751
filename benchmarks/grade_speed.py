"""How fast are selection and grades? Alloy structures are made here, no data are needed.

python benchmarks/grade_speed.py --output docs/grades
python benchmarks/grade_speed.py --structures 2000
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import bulk, make_supercell

from grades_report import markdown_table, update_page, write_results
from maxvolt import MTP, ActiveSet, Calculator, Dataset
from maxvolt.selection.active_set import THRESHOLD

ELEMENTS = ("V", "Co", "Nb")
LEVEL = 16
_LATTICES = {"fcc": 3.8, "bcc": 3.05}
_REPEATS = 15


def main() -> None:
    """Measure, print, write."""
    options = _options()
    if options.child:
        print(json.dumps(_selection(options.child, options.structures)))
        return
    selections = [_in_a_process(count, options.structures) for count in (2, 3)]
    costs = [_cost(level) for level in (8, 12, 16, 20)]
    load = os.getloadavg()[0]
    for found in (*selections, *costs):
        print(found)
    if options.output is None:
        return
    write_results(
        options.output / "speed.json", {"load": load, "selection": selections, "cost": costs}
    )
    page = options.output / "README.md"
    update_page(page, "selection", _selection_table(selections, load))
    update_page(page, "cost", _cost_table(costs, load))


def alloy(species: tuple[str, ...], generator: np.random.Generator) -> Atoms:
    """Draw a cell of 2 to 12 lattice sites, strained and rattled, with species at random."""
    kind = ("fcc", "bcc")[int(generator.integers(2))]
    size = int(generator.integers(2, 13))
    first = int(generator.choice(_divisors(size)))
    second = int(generator.choice(_divisors(size // first)))
    third = size // (first * second)
    cell = np.diag([first, second, third])
    cell[1, 0] = generator.integers(second)
    cell[2, 0], cell[2, 1] = generator.integers(third, size=2)
    atoms: Atoms = make_supercell(bulk("V", kind, a=_LATTICES[kind]), cell)
    atoms.symbols[:] = generator.choice(species, size)
    strain = np.eye(3) * (1 + 0.05 * generator.normal()) + 0.02 * generator.normal(size=(3, 3))
    atoms.set_cell(atoms.cell.array @ strain, scale_atoms=True)
    atoms.positions += 0.05 * generator.normal(size=(size, 3))
    return atoms


def _divisors(number: int) -> list[int]:
    return [d for d in range(1, number + 1) if number % d == 0]


def random_potential(
    level: int, species: tuple[str, ...], cutoff: float = 5.0, radial_basis_size: int = 8
) -> MTP:
    """Return a potential with coefficients of the size that fits have."""
    untrained = MTP(level, species, cutoff, 2.0, radial_basis_size)
    generator = np.random.default_rng(1)
    model = untrained.model
    return untrained.with_coefficients(
        0.1 * generator.normal(size=model.radial_coeffs.shape),
        generator.normal(size=model.species_coeffs.shape),
        0.1 * generator.normal(size=model.moment_coeffs.shape),
    )


def _in_a_process(elements: int, structures: int) -> dict[str, Any]:
    """Run a selection in a process of its own, so that its memory can be told."""
    arguments = [
        sys.executable,
        __file__,
        "--child",
        str(elements),
        "--structures",
        str(structures),
    ]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _selection(elements: int, structures: int) -> dict[str, Any]:
    species, generator = ELEMENTS[:elements], np.random.default_rng(0)
    dataset = Dataset.from_atoms([alloy(species, generator) for _ in range(structures)])
    potential = random_potential(LEVEL, species)
    wall, processor = time.perf_counter(), time.process_time()
    active = ActiveSet.from_dataset(potential, dataset)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    grades = active.grade(dataset)
    assert grades.max() <= THRESHOLD
    return {
        "elements": elements,
        "structures": structures,
        "atoms": dataset.n_atoms,
        "parameters": active.size,
        "rank": active.rank,
        "largest_rank": active.largest_rank,
        "selected": len(active.structures),
        "wall_s": wall,
        "processor_s": processor,
        "memory_bytes": memory,
    }


def _cost(level: int) -> dict[str, Any]:
    """Time calls of the calculator without and with grades, by turns; the least time counts."""
    atoms = bulk("Mo", cubic=True) * 10
    atoms.rattle(0.1, seed=0)
    potential = random_potential(level, ("Mo",))
    few = Dataset.from_atoms([bulk("Mo", cubic=True) * 2 for _ in range(3)])
    calculators: dict[str, Calculator] = {
        "energy, forces, stress": Calculator(potential, threads=1)
    }
    for mode in ("configuration", "neighborhood"):
        active = ActiveSet.from_dataset(potential, few, mode=mode)
        calculators[f"{mode} mode"] = Calculator(potential, query=active, threads=1)
    moved = [atoms.copy(), atoms.copy()]
    moved[1].positions[0, 0] += 1e-6
    best = dict.fromkeys(calculators, np.inf)
    for turn in range(_REPEATS):
        for name, calculator in calculators.items():
            start = time.perf_counter()
            calculator.calculate(moved[turn % 2], ["forces"])
            best[name] = min(best[name], time.perf_counter() - start)
    return {
        "level": level,
        "parameters": potential.n_parameters,
        "microseconds_per_atom": {name: 1e6 * t / len(atoms) for name, t in best.items()},
    }


def _selection_table(selections: list[dict[str, Any]], load: float) -> str:
    columns = ("", "structures", "parameters", "rank", "wall", "processor", "peak memory")
    rows = [
        (
            f"{found['elements']} elements",
            f"{found['structures']:,} ({found['atoms']:,} atoms)",
            str(found["parameters"]),
            f"{found['rank']} of {found['largest_rank']} possible",
            f"{found['wall_s']:.0f} s",
            f"{found['processor_s']:.0f} s",
            f"{found['memory_bytes'] / 2**30:.2f} GiB",
        )
        for found in selections
    ]
    return f"{markdown_table(columns, rows)}\n\n{_loaded(load)}"


def _cost_table(costs: list[dict[str, Any]], load: float) -> str:
    names = list(costs[0]["microseconds_per_atom"])
    rows = []
    for found in costs:
        times = found["microseconds_per_atom"]
        plain = times[names[0]]
        cells = [f"level {found['level']}, {found['parameters']} parameters", f"{plain:.2f}"]
        cells += [f"{times[n]:.2f} (+{100 * (times[n] / plain - 1):.0f} %)" for n in names[1:]]
        rows.append(cells)
    return f"Microseconds per atom:\n\n{markdown_table(['', *names], rows)}\n\n{_loaded(load)}"


def _loaded(load: float) -> str:
    return f"Measured at a load of {load:.1f} on {os.cpu_count()} cores."


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Speed of selection and grades.")
    parser.add_argument("--structures", type=int, default=39_000)
    parser.add_argument("--output", type=Path, help="folder of the page; none: only print")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
