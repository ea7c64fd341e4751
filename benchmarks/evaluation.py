"""Time of one evaluation (energy, forces, stress), beside motep's C engine in the same run.

Both evaluate the same potentials on the same structures on one thread, as whole ASE calculations
after an atom has moved; maxvolt's kernel alone, with known neighbours, is timed as well. The
smallest of several repetitions counts, since the machine may be shared.

    pip install ".[bench]"
    python benchmarks/evaluation.py                      # potentials and structures of ../shared
    python benchmarks/evaluation.py --levels 8 16 --json result.json
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import ase.io
from ase import Atoms
from rich.console import Console
from rich.table import Table

import maxvolt
from maxvolt.native import kernels

SHARED = Path(__file__).resolve().parents[2] / "shared"
STRUCTURES = {"Mo2000": "Mo", "Al2048": "Al"}


def smallest_time(work: Callable[[], object], budget: float) -> float:
    """Smallest wall time of one call, s, over repetitions that take about `budget` seconds."""
    best, began, done = float("inf"), time.perf_counter(), 0
    while done < 3 or time.perf_counter() - began < budget:
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
        done += 1
    return best


def time_calculator(atoms: Atoms, budget: float) -> float:
    """Time of a calculation, in which the first atom has moved a little."""

    def work() -> None:
        atoms.positions[0, 0] += 1e-6
        atoms.get_forces()
        atoms.get_stress()

    work()
    return smallest_time(work, budget)


def motep_calculator(path: Path) -> object:
    """Calculator of motep's C engine."""
    from motep.calculator import MTP
    from motep.io.mlip.mtp import read_mtp

    data = read_mtp(path)
    data.species = [0]
    return MTP(data, engine="cext", mode="run")


def measure(structure: str, level: int, budget: float) -> dict[str, float | int | str]:
    """Times of one structure and level, microseconds per atom."""
    path = SHARED / "reference/mlip3/cases" / f"L{level:02d}_1sp.mtp"
    atoms = ase.io.read(SHARED / "data/bench" / f"{structure}.xyz")
    symbol, n = STRUCTURES[structure], len(atoms)
    potential = maxvolt.read_potential(path, [symbol])
    where = potential.neighborhoods(atoms)
    kernel = smallest_time(lambda: kernels.evaluate(potential.core, where, threads=1), budget)
    own, other = atoms.copy(), atoms.copy()
    own.calc = maxvolt.Calculator(potential, threads=1)
    other.numbers[:] = 0  # motep takes the type as the atomic number
    other.calc = motep_calculator(path)
    difference = abs(own.get_forces() - other.get_forces()).max() / abs(own.get_forces()).max()
    if difference > 1e-8:
        raise RuntimeError(f"{structure}, level {level}: forces differ by {difference:.1e}")
    whole, motep = time_calculator(own, budget), time_calculator(other, budget)
    return {
        "structure": structure,
        "level": level,
        "kernel_us_per_atom": 1e6 * kernel / n,
        "calculator_us_per_atom": 1e6 * whole / n,
        "motep_us_per_atom": 1e6 * motep / n,
    }


def processor() -> str:
    """Name of the processor, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((s.split(":")[1].strip() for s in lines if s.startswith("model name")), "unknown")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--levels", type=int, nargs="+", default=[8, 12, 16, 20, 24, 28])
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    options = parser.parse_args()
    table = Table(title="microseconds per atom, one thread")
    for name in ("structure", "level", "kernel", "ASE call", "motep", "motep / kernel"):
        table.add_column(name, justify="right")
    rows = []
    for structure in STRUCTURES:
        for level in options.levels:
            row = measure(structure, level, options.seconds)
            rows.append(row)
            kernel, whole, motep = (
                float(row[f"{name}_us_per_atom"]) for name in ("kernel", "calculator", "motep")
            )
            table.add_row(
                structure,
                str(level),
                f"{kernel:.2f}",
                f"{whole:.2f}",
                f"{motep:.1f}",
                f"{motep / kernel:.1f}",
            )
    Console().print(table)
    if options.json:
        document = {
            "maxvolt": version("maxvolt"),
            "motep": version("motep"),
            "instruction_set": kernels.instruction_sets()[0],
            "processor": processor(),
            "rows": rows,
        }
        options.json.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
