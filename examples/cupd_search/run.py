"""Copper and palladium by search, beside all orderings on fcc, bcc and hcp lattices.

    python run.py --atoms 4 --generations 12 --population 30
    python run.py --atoms 6 --seeds 3

Needs pip install 'maxvolt[enumeration,search]'. EMT gives the energies. Every ordering up to that
number of atoms is relaxed, and each search knows nothing of lattices. Which ground states of the
orderings does it find, after how many candidates, and does it find anything below their hull? A run
that is interrupted goes on.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from ase.calculators.singlepoint import SinglePointCalculator

import maxvolt
from maxvolt.calculators import MaxvoltCalculator
from maxvolt.dataset import Dataset
from maxvolt.properties import ConvexHull, convex_hull, crystal_fingerprints
from maxvolt.properties.same_crystals import DISTANCE
from maxvolt.sampling import Enumeration, Relaxation, Thresholds, enumerated_structures
from maxvolt.search import SearchResult, SearchSettings, search
from maxvolt.search.space_groups import space_group

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "agpd_emt"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lennard_jones"))
from emt_tables import write_tables
from seeded_searches import keep, parser, potential

SPECIES = ("Cu", "Pd")
TIGHT = {"force_tolerance": 1e-3, "stress_tolerance": 0.01 / 160.2, "max_steps": 1000}
NEVER = Thresholds(1e9, 1e9)
BELOW = 5e-4
"""eV/atom by which a structure has to be below a hull for it to count as such."""


def relaxed(structures: Dataset, calculator: MaxvoltCalculator) -> Dataset:
    """Relax all tightly; those that do not come to rest are left out."""
    scenario = Relaxation("relaxation", structures, **TIGHT)
    ends = [one.outcome for one in scenario.iterate(calculator, NEVER)]
    ends.sort(key=lambda end: end.index)
    return Dataset.from_atoms([end.structure for end in ends if end.status == "relaxed"])


def orderings(atoms: int, calculator: MaxvoltCalculator, file: Path) -> Dataset:
    """Relax every ordering, once."""
    if not file.exists():
        every = enumerated_structures(Enumeration(SPECIES, atoms))
        maxvolt.write(file, relaxed(Dataset.from_atoms(list(every)), calculator))
    return maxvolt.read(file)


def compared(
    found: SearchResult, calculator: MaxvoltCalculator, known: Dataset, hull: ConvexHull
) -> dict[str, object]:
    """What of the ground states of the orderings a search has, and what it has below their hull."""
    kept = [one for one in found.candidates if one.is_relaxed]
    own = Dataset.from_atoms([one.labelled() for one in kept])
    both = Dataset.concatenate([known, own])
    fingerprints = crystal_fingerprints(both)
    energies = both.energies / both.counts
    rows = []
    for state in hull.ground_states:
        same = np.abs(fingerprints[len(known) :] - fingerprints[state]).max(axis=1) < 5 * DISTANCE
        same &= np.abs(energies[len(known) :] - energies[state]) < BELOW
        hits = np.flatnonzero(same)
        rows.append(
            {
                "formula": known[state].get_chemical_formula("metal"),
                "space_group": space_group(known[state]),
                "formation_meV_per_atom": 1000 * float(hull.formation_energies[state]),
                "found_after": int(kept[hits[0]].number) + 1 if len(hits) else None,
            }
        )
    final = relaxed(found.structures(), calculator)
    for row, state in zip(rows, hull.ground_states, strict=True):
        row["below_what_was_found_meV_per_atom"] = 1000 * below(final, known.select([state]))
    lower = [
        {
            "formula": one.get_chemical_formula("metal"),
            "space_group": space_group(one),
            "below_meV_per_atom": 1000 * margin,
        }
        for k, one in enumerate(final)
        if (margin := below(known, final.select([k]))) > BELOW
    ]
    return {
        "ground_states": rows,
        "found": sum(row["found_after"] is not None for row in rows),
        "below_the_hull_of_the_orderings": lower,
    }


def below(others: Dataset, one: Dataset) -> float:
    """How far a structure is below the hull of others, eV/atom; negative where it is above.

    A structure of the same atoms and 1 eV/atom more, beside the others, says where their hull is.
    """
    atoms, height = one[0], 1.0
    energy = float(one.energies[0])
    atoms.calc = SinglePointCalculator(atoms, energy=energy + height * len(atoms))
    both = convex_hull(Dataset.concatenate([others, Dataset.from_atoms([atoms])]))
    return height - float(both.distances[-1])


def main() -> None:
    """Enumerate, search with each seed, compare."""
    defaults = {"generations": 20, "population": 40, "seeds": 1, "output": "cupd_output"}
    options = parser(__doc__, atoms=4, **defaults).parse_args()
    output: Path = options.output
    factory = potential(output / "emt.eam.alloy", partial(write_tables, symbols=SPECIES))
    known = orderings(options.atoms, factory(), output / f"orderings{options.atoms}.xyz")
    hull = convex_hull(known)

    def rows() -> Iterator[dict[str, Any]]:
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            settings = SearchSettings(
                SPECIES,
                (1, options.atoms),
                generations=options.generations,
                population=options.population,
                seed=seed,
            )
            found = search(factory, settings, output / f"search{options.atoms}_{seed}")
            yield {
                "atoms": options.atoms,
                "orderings": len(known),
                "seed": seed,
                "candidates": len(found.candidates),
                **compared(found, factory(), known, hull),
            }

    keep(rows(), output / f"cupd{options.atoms}.json")


if __name__ == "__main__":
    main()
