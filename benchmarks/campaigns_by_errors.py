"""A campaign that expected errors drive against one that grades drive: labels to equal force error.

    python benchmarks/campaigns_by_errors.py                # about an hour of one core
    python benchmarks/campaigns_by_errors.py --minutes 30   # stop after the campaign that ends then
    python benchmarks/campaigns_by_errors.py --report       # tables and figure only

Two systems, five seeds. The campaigns of a seed are the same file but for `[selection]`: grades
with their default thresholds, or thresholds in eV/Angstrom on errors expected by calibrated grades
or by the posterior. These follow from the labels of the starting structures, which all campaigns
have: `select` is a tenth and `break` a half of the root mean square length of their forces. After
each fit the force error is measured on structures that no campaign sees: dynamics of the reference
in the scenarios, and out of equilibrium, after shear, displacements and a vacancy that no scenario
has. The reference is ASE's effective-medium theory (EMT), which stands in for DFT. A campaign is a
folder, and goes on where it was stopped; its results go to campaigns.json when it ends, and it is
not repeated.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT

import maxvolt
from campaigns_by_errors_report import write_report
from maxvolt import Dataset
from maxvolt.campaign import Campaign, Settings
from maxvolt.campaign.record.fingerprints import derived_seed
from maxvolt.campaign.record.folder import CampaignFolder
from maxvolt.campaign.record.history import read_history, state_after
from maxvolt.campaign.settings import settings_of
from maxvolt.campaign.steps.scenarios import scenario_parts
from maxvolt.campaign.steps.structures import Structures
from maxvolt.files import make_folder, replacing
from maxvolt.fitting.prediction_errors import compute_errors
from maxvolt.potentials import load
from maxvolt.sampling import MolecularDynamics, Thresholds, rattle, strain, vacancy

DRIVERS = {"grades": None, "errors by grade": "grade", "errors by posterior": "posterior"}
"""What campaigns go by: grades, or errors expected by a calibrated measure."""
SEEDS = 5
SELECT, BREAK = 0.1, 0.5
"""Thresholds of expected errors over the forces of the starting structures."""
_NEVER = Thresholds(1e8, 1e9)
_FRAMES = 20
"""Test structures of each scenario's structure, and of each crystal out of equilibrium."""

ALUMINIUM = """\
[structures.crystal]
crystal = "fcc"
species = "Al"
a = 4.0
repeat = [2, 2, 2]

[potential]
species = ["Al"]
level = 10
cutoff = 5.5

[[training]]
kind = "perturbation"
structure = "crystal"
copies = 10
rattle = 0.1

[[scenario]]
name = "solid"
kind = "md"
structure = "crystal"
temperature = 900
steps = 600
timestep_fs = 3.0

[[scenario]]
name = "strained"
kind = "md"
structure = "crystal"
temperature = 600
strain = "ramp -0.03 0.05 600"
steps = 600
timestep_fs = 3.0

[[scenario]]
name = "liquid"
kind = "md"
structure = "crystal"
temperature = "ramp 2500 2500 300; ramp 2500 1500 300"
timestep_fs = 3.0
"""

ALLOY = """\
[structures.crystals]
file = "crystals.xyz"

[structures.disordered]
file = "crystals.xyz"
index = "-1"

[potential]
species = ["Cu", "Au"]
level = 8
cutoff = 5.5

[[training]]
kind = "perturbation"
structure = "crystals"
copies = 4
rattle = 0.1

[[scenario]]
name = "solids"
kind = "md"
structure = "crystals"
temperature = "ramp 300 900 400"
timestep_fs = 4.0

[[scenario]]
name = "strained"
kind = "md"
structure = "disordered"
temperature = 600
strain = "ramp -0.03 0.05 600"
steps = 600
timestep_fs = 4.0

[[scenario]]
name = "liquid"
kind = "md"
structure = "disordered"
temperature = "ramp 2500 2500 300; ramp 2500 1500 300"
timestep_fs = 4.0
"""

COMMON = """\
[campaign]
seed = {seed}
workers = 1
max_iterations = 40

[selection]
mode = "neighborhood"
limit = {limit}
{thresholds}

[reference]
calculator = "emt"

[stopping]
max_labels = 150

"""


@dataclass(frozen=True, slots=True)
class System:
    """A material: its campaign file, and the most structures to label in an iteration."""

    name: str
    text: str
    limit: int


SYSTEMS = (System("Al", ALUMINIUM, 5), System("Cu-Au", ALLOY, 10))


def main() -> None:
    """Run what is not yet in the file, then write tables and figure."""
    options = _options()
    path = options.output / "campaigns.json"
    found = json.loads(path.read_text(encoding="utf-8"))["campaigns"] if path.exists() else []
    if not options.report:
        _run_missing(found, path, options)
    write_report(found, options.output, options.page)


def _run_missing(found: list[dict[str, Any]], path: Path, options: argparse.Namespace) -> None:
    began = time.perf_counter()
    tests = {system.name: test_sets(system, options.work) for system in SYSTEMS}
    done = {(one["system"], one["driver"], one["seed"]) for one in found}
    for system, driver, seed in plan(options.seeds):
        if (system.name, driver, seed) in done:
            continue
        if time.perf_counter() - began > 60 * options.minutes:
            print("more campaigns are left; the command goes on with them")
            return
        found.append(run(system, driver, seed, options.work, tests[system.name]))
        _write(path, found)
        last = found[-1]["points"][-1]
        print(system.name, driver, seed, found[-1]["status"], json.dumps(last), flush=True)


def plan(seeds: int) -> list[tuple[System, str, int]]:
    """All campaigns, seed by seed, so that what is done at any time can be compared."""
    return [
        (system, driver, seed) for seed in range(seeds) for system in SYSTEMS for driver in DRIVERS
    ]


def _write(path: Path, campaigns: list[dict[str, Any]]) -> None:
    document = {
        "maxvolt": maxvolt.__version__,
        "command": "python benchmarks/campaigns_by_errors.py",
        "campaigns": campaigns,
    }
    make_folder(path.parent)
    with replacing(path) as file:
        file.write((json.dumps(document, indent=1) + "\n").encode())


# ----------------------------------------------------------------------- campaigns


def run(
    system: System, driver: str, seed: int, work: Path, tests: dict[str, Dataset]
) -> dict[str, Any]:
    """Run a campaign, or what is left of it; measure the potential of each iteration."""
    thresholds = force_thresholds(system, driver, seed, work)
    file = work / f"{system.name}_{driver.replace(' ', '_')}_{seed}.toml"
    file.write_text(campaign_text(system, seed, thresholds), encoding="utf-8")
    result = Campaign(file).run()
    folder = CampaignFolder(result.folder)
    past = read_history(folder.iterations())
    rows = [one.outcome for one in past]
    points = []
    for number, row in enumerate(rows):
        if row["files"]["potential"] != number:
            continue
        state = state_after(folder, past[: number + 1])
        points.append(
            {
                "labels": row["n_labels_total"],
                "breaks": sum(one.get("n_breaks", 0) for one in rows[: number + 1]),
                **measured(state.potential_files, tests),
            }
        )
    return {
        "system": system.name,
        "driver": driver,
        "seed": seed,
        "thresholds": thresholds or 'select = 2.0, break = 10.0, mode = "neighborhood"',
        "status": result.status,
        "reason": result.reason,
        "labels": rows[-1]["n_labels_total"],
        "iterations": len(rows),
        "breaks": sum(one.get("n_breaks", 0) for one in rows),
        "seconds": _seconds(rows),
        "load": os.getloadavg()[0],
        "own_dynamics": own_dynamics(system, seed, work, result.potential),
        "points": points,
    }


def campaign_text(system: System, seed: int, thresholds: str = "") -> str:
    """The campaign file: what all have, then the material."""
    return COMMON.format(seed=seed, limit=system.limit, thresholds=thresholds) + system.text


def settings_for(system: System, seed: int) -> Settings:
    """Settings of the campaign with a seed that grades drive."""
    document = tomllib.loads(campaign_text(system, seed))
    return settings_of(document, Path("campaign.toml")).stages[0]


def force_thresholds(system: System, driver: str, seed: int, work: Path) -> str:
    """Thresholds in eV/Angstrom, from the labels that a campaign starts with; none for grades."""
    if DRIVERS[driver] is None:
        return ""
    settings = settings_for(system, seed)
    with_seed = derived_seed(seed, "training", settings.stage.name)  # as in the campaign
    start, _ = Structures.of(settings, work).of_sources(settings.training, with_seed)
    forces = np.concatenate([labelled(atoms).get_forces() for atoms in start])
    size = float(np.sqrt(np.mean(np.sum(forces**2, axis=1))))
    return (
        f'select = "{SELECT * size:.2g} eV/A"\nbreak = "{BREAK * size:.2g} eV/A"\n'
        f'uncertainty = "{DRIVERS[driver]}"'
    )


def _seconds(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Wall time of each kind of step."""
    names = sorted({name for row in rows for name in row["seconds"]})
    return {name: round(sum(row["seconds"].get(name, 0.0) for row in rows), 1) for name in names}


# ------------------------------------------------------------------------ measures


def measured(files: tuple[Path, ...], tests: dict[str, Dataset]) -> dict[str, float]:
    """Root mean square force errors on the test structures, eV/Angstrom."""
    potential = load(files)
    return {
        name: compute_errors(potential, dataset, threads=1).total.force_components.rmse
        for name, dataset in tests.items()
    }


def own_dynamics(
    system: System, seed: int, work: Path, potential: tuple[Path, ...]
) -> dict[str, float]:
    """True force errors where the last potential itself goes, with new random numbers."""
    calculator = maxvolt.Calculator(load(potential), threads=1)
    settings = settings_for(system, seed)
    frames = list(scenario_frames(settings, work, f"own {seed}", calculator))
    errors = compute_errors(load(potential), Dataset.from_atoms(frames), threads=1)
    components = errors.total.force_components
    return {
        "frames": len(frames),
        "force_rmse": components.rmse,
        "largest": components.maximum,
    }


def test_sets(system: System, work: Path) -> dict[str, Dataset]:
    """Structures that no campaign sees, with labels; kept, as the crystals of the alloy are."""
    make_folder(work)
    if system.name == "Cu-Au":
        maxvolt.write(work / "crystals.xyz", Dataset.from_atoms(alloy_crystals()))
    settings = settings_for(system, 0)
    makers: dict[str, Callable[[], Iterator[Atoms]]] = {
        "scenarios": lambda: scenario_frames(settings, work, "test", EMT()),
        "out_of_equilibrium": lambda: relaxing_frames(settings, work),
    }
    found = {}
    for name, make in makers.items():
        file = work / f"{system.name}_{name}.xyz"
        if not file.exists():
            maxvolt.write(file, Dataset.from_atoms(list(make())))
        found[name] = maxvolt.read(file)
    return found


def scenario_frames(
    settings: Settings, work: Path, name: str, calculator: Calculator
) -> Iterator[Atoms]:
    """Structures of the scenarios run with a calculator, at equal distances, with labels."""
    for part in scenario_parts(settings.scenario, Structures.of(settings, work)):
        assert isinstance(part, MolecularDynamics)
        seed = derived_seed(0, name, f"{part.name} {part.part}")
        yield from frames_of(part, calculator, seed)


def relaxing_frames(settings: Settings, work: Path) -> Iterator[Atoms]:
    """Dynamics of crystals that were sheared, lost an atom, and had all others displaced."""
    crystals = Structures.of(settings, work).named(next(iter(settings.structures)))
    starts = rattle(vacancy(strain(crystals, 0.08, copies=3)), 0.2)
    for number in range(len(starts)):
        start = starts.select([number])
        dynamics = MolecularDynamics("relaxing", start, 200, 600.0, "nve", timestep_fs=1.0)
        yield from frames_of(dynamics, EMT(), seed=number)


def frames_of(scenario: MolecularDynamics, calculator: Calculator, seed: int) -> list[Atoms]:
    """Run a scenario that nothing stops but its limits; label what it recorded."""
    frames: list[Atoms] = []
    observer = lambda _, atoms: frames.append(atoms.copy())  # noqa: E731
    scenario.run(calculator, _NEVER, seed=seed, observer=observer)
    every = max(1, len(frames) // _FRAMES)
    return [labelled(atoms) for atoms in frames[every - 1 :: every]]


def alloy_crystals() -> list[Atoms]:
    """Cu3Au, CuAu and a disordered alloy of equal parts, 32 atoms each."""
    found = []
    for a, sites in ((3.75, (0,)), (3.88, (0, 1))):
        crystal = bulk("Cu", "fcc", a=a, cubic=True)
        crystal.numbers[list(sites)] = 79
        found.append(crystal * 2)
    disordered = found[-1].copy()
    disordered.numbers = np.random.default_rng(0).permutation(disordered.numbers)
    return [*found, disordered]


def labelled(atoms: Atoms) -> Atoms:
    """Return a copy of a structure with the labels of the reference."""
    copied = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc, calculator=EMT())
    copied.get_potential_energy(), copied.get_forces(), copied.get_stress()
    return copied


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after so many")
    parser.add_argument("--report", action="store_true", help="write tables and figure only")
    parser.add_argument("--work", type=Path, default=Path("build/campaigns_by_errors"))
    parser.add_argument("--output", type=Path, default=Path("docs/uncertainty"), help="folder")
    parser.add_argument("--page", type=Path, default=Path("docs/uncertainty_campaigns.md"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
