"""Copper and palladium on the fcc lattice, from an empty training set: a campaign in minutes.

    python run.py --output lattice_output

ASE's effective-medium theory (EMT), a stand-in for density-functional theory, labels arrangements
at ideal sites. What the campaign has learned from cells of up to 16 atoms is compared with EMT on
larger cells, random and cooled down by Monte Carlo, beside a fit of as many random arrangements.
Needs pip install 'maxvolt[lattice]'. A run that is interrupted goes on.
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from ase.calculators.emt import EMT

import maxvolt
from maxvolt.campaign import CampaignFolder, LatticeCampaign, summarize
from maxvolt.campaign.lattice.drawing import first_arrangements, new_among
from maxvolt.cli import main as command
from maxvolt.fitting.lattice import Arrangement, fit_low_rank_ensemble
from maxvolt.potentials.lattice import (
    LowRankEnsemble,
    ParentLattice,
    Supercell,
    on_lattice,
    read_low_rank_ensemble,
)
from maxvolt.properties.lattice import AnnealingSettings, anneal, random_occupation
from maxvolt.report.output import write_json

FILE = Path(__file__).with_name("cupd.toml")
SHARES = np.linspace(0.1, 0.9, 9)
"""Of copper, in the larger cells."""

LARGE = Supercell.of([4, 4, 4])
COOLING = AnnealingSettings((1500.0, 1000.0, 700.0, 500.0, 300.0), 20, 50)


def labelled(parent: ParentLattice, arrangements: Sequence[Arrangement]) -> list[Arrangement]:
    """Energies by EMT."""
    found = []
    for one in arrangements:
        atoms = parent.atoms(one.supercell, one.occupation)
        atoms.calc = EMT()
        found.append(replace(one, energy=atoms.get_potential_energy()))
    return found


def larger(ensemble: LowRankEnsemble) -> dict[str, list[Arrangement]]:
    """Arrangements of 64 atoms: at random, and the same cooled down to 300 K."""
    random, cooled = [], []
    for seed, share in enumerate(SHARES):
        composition = {"Cu": share, "Pd": 1 - share}
        occupation = random_occupation(ensemble.parent, LARGE, composition, seed)
        random.append(Arrangement(LARGE, occupation))
        ends = anneal(ensemble.mean, LARGE, occupation, replace(COOLING, seed=seed))
        cooled.append(Arrangement(LARGE, ends[-1].occupation))
    return {"random, 64 atoms": random, "cooled to 300 K, 64 atoms": cooled}


def errors(ensemble: LowRankEnsemble, known: Sequence[Arrangement]) -> dict[str, Any]:
    """Root mean square error of the mean, and spread of the members, meV per atom."""
    each = np.array([ensemble.energies(one.supercell, one.occupation) for one in known])
    sizes = np.array([len(one.occupation) for one in known])
    differences = (each.mean(axis=1) - [one.energy for one in known]) / sizes
    spreads = each.std(axis=1, ddof=1) / sizes
    return {
        "n": len(known),
        "rmse_meV_per_atom": 1000 * float(np.sqrt(np.mean(differences**2))),
        "spread_meV_per_atom": 1000 * float(np.sqrt(np.mean(spreads**2))),
    }


def main() -> None:
    """Run the campaign, then compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--output", type=Path, default=Path("lattice_output"), help="folder to fill"
    )
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    started = time.process_time()
    file = options.output / FILE.name
    shutil.copyfile(FILE, file)
    if code := command(["run", str(file)]):
        raise SystemExit(code)
    campaign = LatticeCampaign(file)
    rows = summarize(CampaignFolder(campaign.folder.path)).iterations
    learned = read_low_rank_ensemble(campaign.folder.path / "potential.lattice.npz")
    training = campaign.folder.training_file
    count, settings = rows[-1]["n_training"], campaign.settings().settings

    drawn = first_arrangements(
        learned.parent,
        settings.drawn.model_copy(update={"first": count + 80}),
        np.random.default_rng(1),
    )
    drawn = labelled(learned.parent, drawn)
    at_random = fit_low_rank_ensemble(
        learned.parent,
        drawn[:count],
        settings.fit.settings(settings.potential, 0),
        settings.potential.members,
        resampling=settings.fit.resampling,
    ).ensemble
    labelled_ones = [
        Arrangement(one.supercell, one.occupation)
        for one in (on_lattice(atoms, learned.parent) for atoms in maxvolt.read(training))
    ]
    kinds, known = learned.members[0].environments, [*labelled_ones, *drawn[:count]]
    new = new_among(learned.parent, kinds, known, drawn[count:])
    sets = {"random, 4 to 16 atoms": [drawn[count:][number] for number in new]}
    sets |= {name: labelled(learned.parent, some) for name, some in larger(learned).items()}
    document = {
        "labels": count,
        "seconds_without_reference": time.process_time() - started,
        "iterations": [
            {name: row[name] for name in ("n_training", "n_breaks", "max_grade", "spread")}
            for row in rows
        ],
        "campaign": {name: errors(learned, known) for name, known in sets.items()},
        "as many at random": {name: errors(at_random, known) for name, known in sets.items()},
    }
    write_json(document, options.output / "cupd_emt.json")
    print(f"{count} labels; root mean square errors, and spreads of the members, meV/atom:")
    for source in ("campaign", "as many at random"):
        for name, one in document[source].items():
            print(
                f"  {source:<18} {name:<26} {one['rmse_meV_per_atom']:6.2f} "
                f"{one['spread_meV_per_atom']:6.2f}"
            )


if __name__ == "__main__":
    main()
