"""Measure how much longer evaluations take where a contraction table has no plan.

python benchmarks/plan_speed.py --output docs/benchmarks     # needs the reference data

MLIP's tables for one species, on 2,000 atoms of bcc molybdenum: energy, forces and virial on one
core, by the plan and by the table as it stands, taking turns. The core tells users of tables that
have no plan (core/slowdown.hpp holds the ratios found here).
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

import maxvolt
from grades_report import shared_folder, write_results
from maxvolt.potentials.mtp.binding import kernels
from maxvolt.potentials.mtp.model import compile_model
from performance.machine import describe_machine
from performance.timing import smallest_times

LEVELS = (8, 12, 16, 20, 24, 28)
SECONDS = 4.0


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, help="folder for plan_speed.json")
    parser.add_argument("--shared", type=Path, help="folder of the reference data")
    options = parser.parse_args()
    levels = [measure(shared_folder(options.shared), level) for level in LEVELS]
    if options.output is not None:
        found = {"machine": asdict(describe_machine()), "levels": levels}
        write_results(options.output / "plan_speed.json", found)


def measure(shared: Path, level: int) -> dict[str, Any]:
    """Time both ways to evaluate one potential, microseconds per atom."""
    potential = maxvolt.read_potential(
        shared / f"reference/mlip3/cases/L{level:02}_1sp.mtp", ["Mo"]
    )
    structures = maxvolt.read(shared / "data/bench/Mo2000.xyz")
    neighborhoods = potential.neighborhoods(structures)
    plain = compile_model(potential.model, planned=False)
    times = smallest_times(
        {
            "by_plan": lambda: kernels.evaluate(potential.core, neighborhoods, threads=1),
            "as_it_stands": lambda: kernels.evaluate(plain, neighborhoods, threads=1),
        },
        SECONDS,
    )
    products = len(potential.model.table.products)
    ratio = times["as_it_stands"] / times["by_plan"]
    found = {name: round(1e6 * time / neighborhoods.n_atoms, 2) for name, time in times.items()}
    print(f"level {level:2}: {products:7,} products, {found}, {ratio:.2f} times")
    return {"level": level, "products": products, **found, "ratio": round(ratio, 2)}


if __name__ == "__main__":
    main()
