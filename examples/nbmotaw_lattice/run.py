"""Order of NbMoTaW on its lattice, without and with relaxation of the atoms.

    python run.py --data SHARED/data/nbmotaw --output nbmotaw_lattice    # hours
    python run.py --potential MoNbTaW.mtp --output nbmotaw_lattice       # one that is trained
    python run.py --potential MoNbTaW.mtp --quick --output quick         # no number to rely on

A moment tensor potential, trained on calculations of the elements and of pairs of them (Li et al.,
npj Comput. Mater. 6, 70, 2020) and on eight of all four, labels arrangements of equal shares on a
body-centred cubic lattice of one lattice constant: with all atoms on their sites, or relaxed. A
low-rank potential is fitted to each kind of label, first of arrangements drawn by chance, then also
of those that Monte Carlo with it meets while it cools. Then come chains of 3,456 sites. What is
done is kept in the output folder: the same command goes on from there;
another potential needs another folder.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from arrangements import (
    SPECIES,
    by_chance,
    by_simulation,
    cubic,
    labelled,
    parent_of,
)
from ase import Atoms
from ase.filters import FrechetCellFilter
from ase.io import read
from ase.optimize import LBFGS
from results import picture, rows, table, transitions

import maxvolt
from maxvolt.fitting.lattice import LowRankSettings, fit_low_rank
from maxvolt.potentials.lattice import (
    LowRankPotential,
    ParentLattice,
    read_low_rank,
    write_low_rank,
)
from maxvolt.properties.lattice import (
    AnnealingSettings,
    anneal_chains,
    mean_of_chains,
    random_occupation,
    temperatures_of,
)
from maxvolt.report.output import write_json

LEVEL, CUTOFF = 12, 5.0
STRUCTURES = 1500
"""Of the training set, by chance."""

ORDER = ("Nb", "Mo", "Ta", "W")
"""Of the species in the published potential, which does not name them."""

LABELS = {"unrelaxed": False, "relaxed": True}
"""Kinds of labels, and whether atoms move."""


@dataclass(frozen=True)
class Lengths:
    """How much of everything there is."""

    by_chance: int = 800
    rounds: int = 2
    cells: int = 8
    """Simulated in each round; each gives an arrangement for each temperature of `COOLING`."""
    fit: LowRankSettings = field(
        default_factory=partial(
            LowRankSettings, shells=1, rank=4, ridge=1e-4, sweeps=10, iterations=20, starts=1
        )
    )
    edge: int = 12
    temperatures: str = "3000:100:-50"
    sweeps: tuple[int, int] = (300, 1000)
    chains: int = 4


QUICK = Lengths(
    by_chance=60,
    rounds=1,
    cells=1,
    fit=LowRankSettings(shells=1, rank=2, symmetric=False, ridge=1e-3, starts=1, iterations=5),
    edge=4,
    temperatures="2000:500:-500",
    sweeps=(10, 20),
    chains=2,
)

COOLING = (3000, 2400, 2000, 1700, 1400, 1200, 1000, 850, 700, 600, 500, 400, 300, 200)
"""K, of the simulations that arrangements are taken of."""


def trained(data: Path, output: Path) -> Path:
    """Train the moment tensor potential, and write its errors."""
    path = output / "nbmotaw.almtp"
    if path.exists():
        return path
    training, test = structures(data)
    shortest = maxvolt.minimum_distances(training).overall
    start = maxvolt.MTP(LEVEL, list(SPECIES), CUTOFF, min_dist=round(0.95 * shortest, 2))
    found = maxvolt.fit(start, training, threads=1)
    report: dict[str, Any] = {"level": LEVEL, "structures": len(training)}
    for kind, some in test.items():
        errors = maxvolt.compute_errors(found.potential, some).total
        report[kind] = {
            "structures": len(some),
            "energies (meV/atom)": 1e3 * errors.energy_per_atom.rmse,
            "forces (meV/A)": 1e3 * errors.force_components.rmse,
        }
    write_json(report, output / "training.json")
    maxvolt.ActiveSet.from_dataset(found.potential, training).write(path)
    return path


def structures(data: Path) -> tuple[maxvolt.Dataset, dict[str, maxvolt.Dataset]]:
    """Structures to train on, and others to test on by their number of elements.

    Those to train on have one element or two. Without any of four the potential is not even stable
    there: every second one of the 16 that are there to test is taken over.
    """
    every = read(data / "MoNbTaW_train.xyz", index=":")
    chosen = [every[k] for k in np.random.default_rng(0).permutation(len(every))[:STRUCTURES]]
    by_elements: dict[int, list[Atoms]] = {}
    for one in read(data / "MoNbTaW_test.xyz", index=":"):
        by_elements.setdefault(len(set(one.symbols)), []).append(one)
    of_four = by_elements[4]
    test = {"elements": by_elements[1], "pairs": by_elements[2], "all four": of_four[1::2]}
    return maxvolt.Dataset.from_atoms([*chosen, *of_four[::2]]), {
        kind: maxvolt.Dataset.from_atoms(some) for kind, some in test.items()
    }


def taken(potential: Path, output: Path) -> Path:
    """Take a potential that is trained; where it does not name its species, they are `ORDER`."""
    path = output / "taken.mtp"
    if not path.exists():
        maxvolt.load(potential, species=ORDER).write(path)
    return path


def lattice_constant(potential: Path) -> float:
    """Give that of a random alloy at its least energy, Angstrom."""
    parent = parent_of(3.24)
    shares = dict.fromkeys(SPECIES, 0.25)
    alloy = parent.atoms(cubic(4, 4, 4), random_occupation(parent, cubic(4, 4, 4), shares, seed=1))
    alloy.calc = maxvolt.Calculator(potential)
    moving: Any = FrechetCellFilter(alloy, hydrostatic_strain=True)
    LBFGS(moving, logfile=None).run(fmax=1e-3, steps=500)
    return round(float((2 * alloy.get_volume() / len(alloy)) ** (1 / 3)), 4)


def fitted(
    kind: str, parent: ParentLattice, potential: Path, folder: Path, lengths: Lengths
) -> tuple[LowRankPotential, dict[str, Any]]:
    """Fit to arrangements drawn by chance, and to those that simulations meet, round by round."""
    folder.mkdir(exist_ok=True)
    known: list[Any] = []
    model: LowRankPotential | None = None
    errors: dict[str, Any] = {"labels": [], "training (meV/atom)": [], "new (meV/atom)": []}
    for number in range(lengths.rounds + 1):
        drawn = (
            by_chance(parent, lengths.by_chance, seed=1)
            if model is None
            else by_simulation(model, COOLING, lengths.cells, seed=100 * number)
        )
        new = labelled(parent, drawn, potential, relaxed=LABELS[kind],
                       file=folder / f"energies-{number}.npz")  # fmt: skip
        if model is not None:
            errors["new (meV/atom)"].append(1e3 * rmse(model, new))
        known += new
        path = folder / f"round-{number}.lattice.npz"
        if not path.exists():
            write_low_rank(fit_low_rank(parent, known, lengths.fit).potential, path)
        model = read_low_rank(path)
        errors["labels"].append(len(known))
        errors["training (meV/atom)"].append(1e3 * rmse(model, known))
        print(kind, {name: values[-1:] for name, values in errors.items()}, flush=True)
    assert model is not None
    return model, errors


def rmse(model: LowRankPotential, arrangements: list[Any]) -> float:
    """Root mean square error, eV per site."""
    away = [
        (model.energy(one.supercell, one.occupation) - one.energy) / len(one.occupation)
        for one in arrangements
    ]
    return float(np.sqrt(np.mean(np.square(away))))


def simulated(model: LowRankPotential, folder: Path, lengths: Lengths) -> list[list[Any]]:
    """Cool chains of equal shares."""
    supercell = cubic(*[lengths.edge] * 3)
    shares = dict.fromkeys(SPECIES, 0.25)
    begins = [
        random_occupation(model.parent, supercell, shares, seed) for seed in range(lengths.chains)
    ]
    equilibration, production = lengths.sweeps
    settings = AnnealingSettings(
        temperatures_of(lengths.temperatures), equilibration, production,
        snapshots=min(50, production),
    )  # fmt: skip
    return anneal_chains(model, supercell, begins, settings, folder=folder / "chains")


def main(arguments: list[str] | None = None) -> None:
    """Train, label, fit, simulate, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--data", type=Path, help="folder with MoNbTaW_train.xyz: train")
    which.add_argument("--potential", type=Path, help="take this one, of MLIP-3 or ours")
    parser.add_argument("--output", type=Path, default=Path("nbmotaw_lattice"))
    parser.add_argument("--quick", action="store_true", help="a minute; no number to rely on")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    lengths = QUICK if options.quick else Lengths()
    if options.potential is None:
        potential = trained(options.data, options.output)
    else:
        potential = taken(options.potential, options.output)
    a = lattice_constant(potential)
    document: dict[str, Any] = {"lattice constant (A)": a, "species": list(SPECIES)}
    if options.potential is None:
        document["training"] = json.loads((options.output / "training.json").read_text())
    for kind in LABELS:
        model, errors = fitted(kind, parent_of(a), potential, options.output / kind, lengths)
        chains = simulated(model, options.output / kind, lengths)
        document[kind] = {
            "parameters": model.n_parameters,
            "errors": errors,
            "transitions": transitions(chains),
            "temperatures": rows(mean_of_chains(chains)),
        }
    write_json(document, options.output / "order.json")
    (options.output / "order.md").write_text(text := table(document))
    picture(document, options.output / "order.png")
    print(text)


if __name__ == "__main__":
    main()
