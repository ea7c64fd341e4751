"""Aluminium and magnesium on the fcc lattice from nothing, with density-functional theory.

    python run.py --output almg_output

Runs the campaign of almg.toml, an hour on two cores. Then Quantum ESPRESSO calculates what the
potential may not have seen: cells of eight atoms, half of them those that the potential believes
to be lowest, half at random; and all arrangements of up to eight atoms that are on the hull of the
potential. Last, the alloy is cooled down by Monte Carlo. A run that is
interrupted goes on. Needs pip install 'maxvolt[enumeration,lattice]' and pw.x.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from ase.calculators.singlepoint import SinglePointCalculator
from numpy.typing import NDArray

import maxvolt
from maxvolt.campaign import CampaignFolder, LatticeCampaign, summarize
from maxvolt.cli import main as command
from maxvolt.fitting.lattice import Arrangement
from maxvolt.labelling import LabelStore
from maxvolt.potentials.lattice import LowRankEnsemble, Supercell, read_low_rank_ensemble
from maxvolt.properties import ConvexHull, convex_hull
from maxvolt.properties.lattice import (
    AnnealingSettings,
    anneal_chains,
    enumerated_arrangements,
    mean_of_chains,
    ordered_state,
    random_occupation,
)
from maxvolt.report.output import save_figure, write_json

FILE = Path(__file__).with_name("almg.toml")
LARGEST = 8
"""Atoms of the cells that are enumerated."""

SUPERCELL = Supercell.of([12, 12, 12])
COOLING = AnnealingSettings(tuple(np.arange(700.0, 59.0, -20.0)), 200, 400)
SHARES = (0.25, 0.5, 0.75)
"""Of magnesium, cooled down."""

TOLD = (600.0, 300.0, 100.0)
"""K, of what is kept of short-range order."""


def label(folder: Path, some: Sequence[Arrangement], campaign: LatticeCampaign) -> NDArray[Any]:
    """Energies, eV, by the reference of the campaign; what is in the store is not done again."""
    settings = campaign.settings().settings
    parent = settings.lattice.parent(campaign.path.parent)
    atoms = [parent.atoms(one.supercell, one.occupation) for one in some]
    found = maxvolt.label(
        maxvolt.Dataset.from_atoms(atoms),
        settings.reference.reference(),
        LabelStore(folder / "checks.db"),
        workers=settings.reference.workers,
    )
    if found.quarantined:
        raise SystemExit(f"some calculations failed: {found.quarantined[0].reason}")
    return found.dataset.energies


def cells_of_eight(
    all_of_them: list[Arrangement], energies: NDArray[np.float64]
) -> list[Arrangement]:
    """Two of each composition: the lowest by the potential, and one at random."""
    rng = np.random.default_rng(0)
    chosen = []
    for magnesium in range(1, LARGEST):
        at = [
            k
            for k, one in enumerate(all_of_them)
            if len(one.occupation) == LARGEST and one.occupation.sum() == magnesium
        ]
        lowest = min(at, key=lambda k: energies[k])
        drawn = rng.choice([k for k in at if k != lowest]) if len(at) > 1 else lowest
        chosen += [all_of_them[lowest], all_of_them[drawn]]
    return chosen


def predicted(ensemble: LowRankEnsemble, some: Sequence[Arrangement]) -> NDArray[np.float64]:
    """Energies by the mean of the members, eV."""
    return np.array([ensemble.energy(one.supercell, one.occupation) for one in some])


def spreads(ensemble: LowRankEnsemble, some: Sequence[Arrangement]) -> NDArray[np.float64]:
    """Of the members, meV per atom."""
    return np.array(
        [1000 * ensemble.spread(o.supercell, o.occupation) / len(o.occupation) for o in some]
    )


def hull_of(
    ensemble: LowRankEnsemble, some: Sequence[Arrangement], energies: NDArray[np.float64]
) -> ConvexHull:
    """Hull of arrangements."""
    made = []
    for one, energy in zip(some, energies, strict=True):
        atoms = ensemble.parent.atoms(one.supercell, one.occupation)
        atoms.calc = SinglePointCalculator(atoms, energy=energy)
        made.append(atoms)
    return convex_hull(maxvolt.Dataset.from_atoms(made))


def name_of(ensemble: LowRankEnsemble, one: Arrangement) -> str:
    """Formula, and the name of the order."""
    atoms = ensemble.parent.atoms(one.supercell, one.occupation)
    formula = atoms.symbols.formula.format("metal")
    if len(set(one.occupation.tolist())) == 1:
        return str(formula)
    return f"{formula}, {ordered_state(ensemble.parent, one.supercell, one.occupation).text}"


def main() -> None:
    """Run the campaign, then look at what it has learned."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("almg_output"), help="folder to fill")
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(FILE, folder / FILE.name)
    if code := command(["run", str(folder / FILE.name)]):
        raise SystemExit(code)
    campaign = LatticeCampaign(folder / FILE.name)
    ensemble = read_low_rank_ensemble(campaign.folder.path / "potential.lattice.npz")
    kept = ("n_training", "n_labelled", "n_breaks", "max_grade", "validation", "spread")
    iterations = summarize(CampaignFolder(campaign.folder.path)).iterations
    document: dict[str, Any] = {
        "iterations": [{name: row[name] for name in kept} for row in iterations]
    }
    small = [Arrangement(*one) for one in enumerated_arrangements(ensemble.parent, LARGEST)]
    document |= checked(folder, campaign, ensemble, small)
    document["cooled"] = {
        f"{share:g}": cooled(ensemble, share, folder / f"{share:g}") for share in SHARES
    }
    write_json(document, folder / "almg.json")
    picture(document, folder / "almg.png")


def checked(
    folder: Path, campaign: LatticeCampaign, ensemble: LowRankEnsemble, small: list[Arrangement]
) -> dict[str, Any]:
    """Compare with the reference: cells of eight atoms, and all ground states of the potential."""
    energies = predicted(ensemble, small)
    larger = cells_of_eight(small, energies)
    known = label(folder, larger, campaign)
    sizes = np.array([len(one.occupation) for one in larger])
    apart = 1000 * (predicted(ensemble, larger) - known) / sizes
    ours = hull_of(ensemble, small, energies)
    corners = [small[k] for k in ours.ground_states]
    ground = label(folder, corners, campaign)
    theirs = hull_of(ensemble, [*corners, *larger], np.concatenate([ground, known]))
    return {
        "cells of eight atoms": {
            name: {
                "n": len(apart[start::2]),
                "rmse (meV/atom)": float(np.sqrt(np.mean(apart[start::2] ** 2))),
                "mean (meV/atom)": float(apart[start::2].mean()),
                "spread (meV/atom)": float(
                    np.sqrt(np.mean(spreads(ensemble, larger)[start::2] ** 2))
                ),
            }
            for start, name in enumerate(("lowest by the potential", "at random"))
        },
        "ground states": [
            {
                "name": name_of(ensemble, one),
                "magnesium": float(one.occupation.mean()),
                "potential (meV/atom)": 1000 * float(ours.formation_energies[k]),
                "reference (meV/atom)": 1000 * float(theirs.formation_energies[number]),
                "above the hull of the reference (meV/atom)": 1000
                * float(theirs.distances[number]),
            }
            for number, (one, k) in enumerate(zip(corners, ours.ground_states, strict=True))
        ],
        "arrangements": {
            "magnesium": [float(one.occupation.mean()) for one in small],
            "potential (meV/atom)": np.round(1000 * ours.formation_energies, 2).tolist(),
        },
        "labelled": {
            "magnesium": [float(one.occupation.mean()) for one in larger],
            "reference (meV/atom)": np.round(
                1000 * theirs.formation_energies[len(corners) :], 2
            ).tolist(),
        },
    }


def cooled(ensemble: LowRankEnsemble, share: float, folder: Path) -> list[dict[str, Any]]:
    """Monte Carlo at one composition, four chains; heat capacity and order."""
    composition = {"Al": 1 - share, "Mg": share}
    starts = [random_occupation(ensemble.parent, SUPERCELL, composition, k) for k in range(4)]
    chains = anneal_chains(ensemble.mean, SUPERCELL, starts, COOLING, folder=folder)
    return [
        {
            "temperature": one.temperature,
            "heat_capacity": one.heat_capacity,
            "heat_capacity_error": one.heat_capacity_error,
            "state": one.state.text,
            **(
                {"order": [np.round(shell, 3)[0][1] for shell in one.order]}
                if one.temperature in TOLD
                else {}
            ),
        }
        for one in mean_of_chains(chains)
    ]


def picture(document: dict[str, Any], path: Path) -> None:
    """Draw the hull, what the reference says, and heat capacities."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    every, known = document["arrangements"], document["labelled"]
    left.plot(every["magnesium"], every["potential (meV/atom)"], ".", color="0.7", ms=4)
    ground = document["ground states"]
    shares = [one["magnesium"] for one in ground]
    order = np.argsort(shares)
    for name, style in (("potential", "C0o-"), ("reference", "C3x")):
        values = np.array([one[f"{name} (meV/atom)"] for one in ground])
        left.plot(np.array(shares)[order], values[order], style, label=f"ground states, {name}")
    left.plot(
        known["magnesium"], known["reference (meV/atom)"], "C3+", label="eight atoms, reference"
    )
    left.set(xlabel="share of magnesium", ylabel="formation energy (meV/atom)")
    for share, rows in document["cooled"].items():
        right.errorbar(
            [row["temperature"] for row in rows],
            [row["heat_capacity"] for row in rows],
            [row["heat_capacity_error"] for row in rows],
            label=f"{100 * float(share):g} % Mg",
        )
    right.set(xlabel="temperature (K)", ylabel="heat capacity ($k_B$/site)")
    left.legend(fontsize="small")
    right.legend()
    save_figure(figure, path)


if __name__ == "__main__":
    main()
