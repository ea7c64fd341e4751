"""Search for Lennard-Jones clusters whose best structures are known.

    python run.py --atoms 13 --seeds 10 --generations 10     # some minutes
    python run.py --atoms 38 --methods evolution --seeds 6 --generations 60 --population 30
    python run.py --atoms 38 --methods hopping --seeds 5 --generations 300

A search ends ten generations or fewer after it has found the known structure. A run that is
interrupted goes on. Energies are in units of epsilon. The cluster of 13 atoms is an
icosahedron; that of 38 is a piece of the fcc crystal, in a landscape that leads to icosahedra.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lennard_jones_tables import SIGMA, write_tables
from seeded_searches import keep, parser, potential

from maxvolt.sampling import Limits
from maxvolt.sampling.workers import CalculatorFactory
from maxvolt.search import SearchSettings, search

KNOWN = {13: -44.326801, 38: -173.928427, 55: -279.248470}
"""The Cambridge Cluster Database (Wales and Doye, J. Phys. Chem. A 101, 5111, 1997)."""

WITHIN = 1e-4
"""Of the known energy: the next structures are 1e-2 or more above it."""

AT_ONCE = 10
"""Generations after which is looked whether it has been found."""


def settings_of(
    atoms: int, method: str, generations: int, population: int, seed: int
) -> SearchSettings:
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


def found_by(factory: CalculatorFactory, folder: Path, *asked: Any) -> dict[str, Any]:
    """Search until the known structure has been found, or all generations are done."""
    atoms, method, most, population, seed = asked
    hits: list[int] = []
    generations = 0
    while not hits and generations < most:
        generations = min(generations + AT_ONCE, most)
        settings = settings_of(atoms, method, generations, population, seed)
        found = search(factory, settings, folder)
        hits = [one.number for one in found.candidates if one.energy < KNOWN[atoms] + WITHIN]
    return {
        "atoms": atoms,
        "method": method,
        "seed": seed,
        "candidates": len(found.candidates),
        "best": round(found.best.energy, 6),
        "found_after": hits[0] + 1 if hits else None,
        "mean_steps": sum(one.steps for one in found.candidates) / len(found.candidates),
    }


def main() -> None:
    """Search with each method and seed, and write a table."""
    defaults = {"generations": 20, "population": 10, "seeds": 3, "output": "clusters"}
    arguments = parser(__doc__, atoms=13, **defaults)
    arguments.add_argument("--methods", nargs="+", default=["evolution", "hopping"])
    options = arguments.parse_args()
    if options.atoms not in KNOWN:
        arguments.error(f"--atoms: known are {', '.join(map(str, KNOWN))}")
    factory = potential(options.output / "lj.eam.alloy", write_tables)

    def rows() -> Iterator[dict[str, Any]]:
        for method in options.methods:
            for seed in range(options.first_seed, options.first_seed + options.seeds):
                asked = (options.atoms, method, options.generations, options.population, seed)
                folder = options.output / f"{options.atoms}_{method}_{options.population}_{seed}"
                yield found_by(factory, folder, *asked)

    keep(rows(), options.output / f"lj{options.atoms}.json")


if __name__ == "__main__":
    main()
