"""Search for Lennard-Jones clusters whose best structures are known.

    python run.py --atoms 13 --seeds 10 --generations 10     # some minutes
    python run.py --atoms 38 --methods evolution --seeds 3 --generations 60 --population 30
    python run.py --atoms 38 --methods hopping --seeds 1 --generations 180

A run that is interrupted goes on. Energies are in units of epsilon. The cluster of 13 atoms is an
icosahedron; that of 38 is a piece of the fcc crystal, in a landscape that leads to icosahedra.
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path

from lennard_jones_tables import SIGMA, write_tables

import maxvolt
from maxvolt.calculators import MaxvoltCalculator
from maxvolt.report.output import write_json
from maxvolt.sampling import Limits
from maxvolt.search import SearchSettings, search

KNOWN = {13: -44.326801, 38: -173.928427, 55: -279.248470}
"""The Cambridge Cluster Database (Wales and Doye, J. Phys. Chem. A 101, 5111, 1997)."""

WITHIN = 1e-4
"""Of the known energy: the next structures are 1e-2 or more above it."""


def settings_of(atoms: int, method: str, generations: int, population: int, seed: int):
    """What is the same in all runs: lengths in units of sigma."""
    return SearchSettings(
        ("Ar",),
        (atoms, atoms),
        method=method,
        generations=generations,
        population=population,
        cluster=True,
        start_distance=0.8 * SIGMA,
        volume=(0.75 * SIGMA**3, 2.2 * SIGMA**3),
        hop_step=0.37 * SIGMA,
        hop_temperature=9284.0,  # 0.8 epsilon
        limits=Limits(isolation=3 * SIGMA),
        seed=seed,
    )


def main() -> None:
    """Search with each method and seed, and write a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--atoms", type=int, default=13, choices=sorted(KNOWN))
    parser.add_argument("--methods", nargs="+", default=["evolution", "hopping"])
    parser.add_argument("--generations", type=int, default=20)
    parser.add_argument("--population", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path("clusters"))
    options = parser.parse_args()
    options.output.mkdir(exist_ok=True, parents=True)
    tables = options.output / "lj.eam.alloy"
    write_tables(tables)
    factory = partial(MaxvoltCalculator, maxvolt.load(tables), threads=1)
    known = KNOWN[options.atoms]
    rows = []
    for method in options.methods:
        for seed in range(options.seeds):
            asked = (options.atoms, method, options.generations, options.population, seed)
            folder = options.output / f"{options.atoms}_{method}_{options.population}_{seed}"
            found = search(factory, settings_of(*asked), folder)
            hits = [one.number for one in found.candidates if one.energy < known + WITHIN]
            row = {
                "atoms": options.atoms,
                "method": method,
                "seed": seed,
                "candidates": len(found.candidates),
                "best": round(found.best.energy, 6),
                "found_after": hits[0] + 1 if hits else None,
                "mean_steps": sum(one.steps for one in found.candidates) / len(found.candidates),
            }
            rows.append(row)
            print(json.dumps(row), flush=True)
            write_json(rows, options.output / f"lj{options.atoms}.json")


if __name__ == "__main__":
    main()
