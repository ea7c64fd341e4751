"""Active against passive learning: labels needed for the same reliability and the same errors.

    python benchmarks/campaigns/active_passive.py --output docs/campaigns

Active: a campaign. Passive: as many structures drawn at random from trajectories of the same
scenarios, run with the reference itself. Both begin with the same starting structures, are fitted
in the same way and measured by the same: reliability (steps before a break over all steps) in the
scenarios with random numbers of their own, and the force error on trajectories of the reference
that neither has seen. Five seeds each. The reference is ASE's EMT, which stands in for DFT.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from active_passive_figure import curves, draw
from ase import Atoms
from ase.calculators.emt import EMT

from maxvolt.calculators.ase import MaxvoltCalculator
from maxvolt.campaign import Campaign, Settings
from maxvolt.campaign.record.fingerprints import derived_seed
from maxvolt.campaign.record.folder import CampaignFolder
from maxvolt.campaign.record.history import read_history, state_after
from maxvolt.campaign.settings import settings_of
from maxvolt.campaign.steps.grading import active_set_of
from maxvolt.campaign.steps.scenarios import scenario_parts
from maxvolt.campaign.steps.structures import Structures
from maxvolt.dataset import Dataset
from maxvolt.fitting import fit
from maxvolt.fitting.families import training_named
from maxvolt.fitting.prediction_errors import compute_errors
from maxvolt.potentials import MTP, read_potential
from maxvolt.sampling import MolecularDynamics

SIZES = (10, 15, 20, 30, 40, 60, 90, 130, 180)
SEEDS = 5

FILE = """\
[campaign]
seed = {seed}

[structures.crystal]
crystal = "fcc"
species = "Al"
a = 4.05
repeat = [2, 2, 2]

[potential]
species = ["Al"]
level = 10
cutoff = 5.5

[selection]
mode = "neighborhood"
limit = 5

[[training]]
kind = "perturbation"
structure = "crystal"
copies = 10
rattle = 0.05

[reference]
calculator = "emt"

[[scenario]]
name = "solid"
kind = "md"
structure = "crystal"
temperature = 900
steps = 2000
timestep_fs = 2.0

[[scenario]]
name = "liquid"
kind = "md"
structure = "crystal"
temperature = "ramp 2500 2500 1000; ramp 2500 1500 1000"
timestep_fs = 2.0
"""


def main() -> None:
    """Run all, write, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True, help="folder for JSON and figure")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    options = parser.parse_args()
    test = reference_frames(settings_for(0), "test").select(slice(None, None, 4))
    points: list[dict[str, Any]] = []
    for seed in range(options.seeds):
        for learner in (active, passive):
            for training, potential in learner(seed):
                point = {"learner": learner.__name__, "seed": seed, "labels": len(training)}
                point |= measured(potential, training, settings_for(seed), test)
                points.append(point)
                print(json.dumps(point), flush=True)
    document = {"points": points, "needed": needed(points)}
    print(json.dumps(document["needed"], indent=2))
    (options.output / "active_passive.json").write_text(json.dumps(document, indent=1) + "\n")
    draw(points, options.output / "active_passive.png")


def settings_for(seed: int) -> Settings:
    """Settings of the campaign with a seed."""
    document = tomllib.loads(FILE.format(seed=seed))
    return settings_of(document, Path("campaign.toml")).stages[0]


# --------------------------------------------------------------------- the two learners


def active(seed: int) -> Iterator[tuple[Dataset, MTP]]:
    """Yield training set and potential of each iteration of a campaign."""
    with tempfile.TemporaryDirectory(prefix="active.") as name:
        file = Path(name) / "campaign.toml"
        file.write_text(FILE.format(seed=seed))
        result = Campaign(file).run()
        if result.status != "finished":
            raise SystemExit(f"seed {seed}: {result.status}, {result.reason}")
        folder = CampaignFolder(result.folder)
        past = read_history(folder.iterations())
        fitted = sorted({one.outcome["files"]["potential"] for one in past})
        for number in fitted:
            state = state_after(folder, past[: number + 1])
            yield state.training, read_potential(state.potential_files[0])


def passive(seed: int) -> Iterator[tuple[Dataset, MTP]]:
    """Yield training sets of random frames of reference trajectories, and their potentials."""
    settings = settings_for(seed)
    start_seed = derived_seed(seed, "training", settings.stage.name)  # as in the campaign
    start, _ = Structures.of(settings, Path()).of_sources(settings.training, start_seed)
    first, before = Dataset.from_atoms([labelled(atoms) for atoms in start]), None
    pool = reference_frames(settings, f"pool {seed}")
    order = np.random.default_rng(seed).permutation(len(pool))
    for size in SIZES:
        training = Dataset.concatenate([first, pool.select(order[: size - len(first)])])
        before = fitted(training, settings, seed, before)
        yield training, before


def fitted(training: Dataset, settings: Settings, seed: int, before: MTP | None) -> MTP:
    """Fit as a campaign does: from the coefficients of the smaller set."""
    family = training_named(settings.potential.family)
    assert family.start_of_fit is not None  # of families that campaigns train
    start = family.start_of_fit(settings.potential, training, before)
    result = fit(start, training, settings.fit.settings(members=1), seed=seed)
    assert isinstance(result.potential, MTP)
    return result.potential


# --------------------------------------------------------------------- the reference


def reference_frames(settings: Settings, name: str) -> Dataset:
    """Run the scenarios with the reference; return the recorded structures with labels."""
    frames: list[Atoms] = []
    for scenario in scenarios(settings):
        scenario.run(
            EMT(),
            settings.selection.thresholds,
            seed=derived_seed(0, name, scenario.name),
            observer=lambda _, atoms: frames.append(labelled(atoms)),
        )
    return Dataset.from_atoms(frames)


def labelled(atoms: Atoms) -> Atoms:
    """Return a copy of a structure with the labels of the reference."""
    copied = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc, calculator=EMT())
    copied.get_potential_energy(), copied.get_forces(), copied.get_stress()
    return copied


def scenarios(settings: Settings) -> list[MolecularDynamics]:
    """The scenarios of the file."""
    made = scenario_parts(settings.scenario, Structures.of(settings, Path()))
    return [scenario for scenario in made if isinstance(scenario, MolecularDynamics)]


# --------------------------------------------------------------------- the measures


def measured(
    potential: MTP, training: Dataset, settings: Settings, test: Dataset
) -> dict[str, float]:
    """Reliability in the scenarios, run with other random numbers, and errors on the test set."""
    errors = compute_errors(potential, test).total
    return {
        "reliability": reliability(potential, training, settings),
        "force_rmse": errors.force_components.rmse,
        "force_max": errors.force_components.maximum,
        "energy_rmse": errors.energy_per_atom.rmse,
    }


def reliability(potential: MTP, training: Dataset, settings: Settings) -> float:
    """Steps before a break over all steps, grades by the active set of the training set."""
    query = active_set_of(potential, training, settings.selection)
    results = [
        scenario.run(
            MaxvoltCalculator(potential, query=query, threads=1),
            settings.selection.thresholds,
            seed=derived_seed(settings.campaign.seed, "measure", scenario.name),
        )
        for scenario in scenarios(settings)
    ]
    return sum(r.steps for r in results) / sum(r.total_steps for r in results)


def needed(points: list[dict[str, Any]]) -> dict[str, Any]:
    """Labels from which on a learner is fully reliable, and as good as the active one in the end.

    Mean and standard deviation over the seeds; a seed that never gets there counts as its largest
    training set and is counted in ``not reached``.
    """
    ends = [curve[-1]["force_rmse"] for (name, _), curve in curves(points) if name == "active"]
    target = float(np.mean(ends))
    goals = {
        "reliability 100 %": lambda point: point["reliability"] == 1.0,
        f"force RMSE {1000 * target:.1f} meV/A": lambda point: point["force_rmse"] <= target,
    }
    found: dict[str, Any] = {}
    for goal, reached in goals.items():
        for learner in ("active", "passive"):
            labels, missed = [], 0
            for (name, _), curve in curves(points):
                if name == learner:
                    from_there = [i for i in range(len(curve)) if all(map(reached, curve[i:]))]
                    missed += not from_there
                    labels.append(curve[from_there[0] if from_there else -1]["labels"])
            found[f"{goal}, {learner}"] = {
                "mean": float(np.mean(labels)),
                "std": float(np.std(labels, ddof=1)) if len(labels) > 1 else 0.0,
                "not reached": missed,
                "labels": labels,
            }
    return found


if __name__ == "__main__":
    main()
