"""The map of a small campaign: aluminium by EMT, from random boxes.

    python benchmarks/coverage_map.py --output docs/how-to

runs the campaign in minutes, writes coverage_map.png and coverage_map.json, and prints how pure the
neighbourhoods of crystals are in the map: the share of the nearest ten environments of each, frames
of thermal fcc, hcp and bcc, that are of the same crystal, beside the share for shuffled names.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from scipy.spatial import KDTree

import maxvolt
from maxvolt.campaign import CampaignFolder
from maxvolt.campaign.record.origins import training_with_iterations
from maxvolt.coverage import CoverageMap, coverage_map, perfect_crystals
from maxvolt.report.coverage_figure import coverage_figure
from maxvolt.report.output import save_figure, write_json

CAMPAIGN = """\
[campaign]
name = "aluminium by EMT, from disorder"
seed = 0
workers = 1

[potential]
species = ["Al"]
level = 10
cutoff = 5.5
radial_basis_size = 10

[selection]
mode = "neighborhood"
select = 1.5
break = 5.0
limit = 12
calibrate = false

[fit]
starts = 1
max_iterations = 40

[[training]]
kind = "boxes"
composition = { Al = 1 }
density = [1.80, 2.80]
minimum_distance = 2.0
edges = 10.5
count = 6

[reference]
calculator = "emt"

[[scenario]]
name = "discovery"
kind = "md"
copies = 4
steps = 2000
timestep_fs = 2.0
grade_every = 10
record_every = 200
keep_most = 3

[scenario.start]
kind = "random"
composition = { Al = 1 }
edges = [10.5, 11.5]
density = [1.80, 2.80]
minimum_distance = 2.0

[scenario.temperature]
kind = "nonequilibrium"
start = [10, 1000]
end = [10, 600]
modulation = [0, 2000]
period_ps = [1, 4]

[stopping]
max_labels = 30
"""

NEIGHBOURS = 10
RATTLE = 0.08
"""Standard deviation of the displacements of thermal crystals, Angstrom."""


def thermal(crystal: Atoms) -> Atoms:
    """Make a crystal of some sixty atoms with displaced atoms."""
    repeats = max(round((60 / len(crystal)) ** (1 / 3)), 1)
    atoms: Atoms = crystal * (repeats, repeats, repeats)
    atoms.rattle(RATTLE, seed=0)
    return atoms


def purity(found: CoverageMap) -> tuple[float, float]:
    """Share of near environments of the same frame, and that with shuffled names."""
    frames = [one for one in found.markers if one.kind == "frame"]
    places = np.concatenate([one.places for one in frames])
    names = np.repeat(np.arange(len(frames)), [len(one.places) for one in frames])
    near = KDTree(places).query(places, NEIGHBOURS + 1)[1][:, 1:]
    shuffled = np.random.default_rng(0).permutation(names)
    shares = [float((kinds[near] == kinds[:, None]).mean()) for kinds in (names, shuffled)]
    return shares[0], shares[1]


def mapped(work: Path) -> tuple[CoverageMap, dict[str, Any]]:
    """Run the campaign, and map its training set with perfect and thermal crystals."""
    file = work / "discovery.toml"
    file.write_text(CAMPAIGN)
    result = maxvolt.Campaign(file).run()
    potential = maxvolt.load(list(result.potential))
    training, iterations = training_with_iterations(CampaignFolder.find(file))
    crystals, notes = perfect_crystals(potential)
    found = coverage_map(
        potential,
        training,
        iterations=iterations,
        crystals=crystals,
        frames={f"thermal {name}": thermal(one) for name, one in crystals.items()},
        environments=2000,
    )
    pure, shuffled = purity(found)
    row = {
        "structures": len(training),
        "atoms": training.n_atoms,
        "environments": len(found.places),
        "iterations": int(iterations.max()) + 1,
        "library": found.library,
        "purity_of_thermal_crystals": pure,
        "purity_with_shuffled_names": shuffled,
        "left_out": list(notes),
    }
    return found, row


def main() -> None:
    """Run, draw, write, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--output", type=Path, default=Path("bench_output"), help="folder to fill")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        found, row = mapped(Path(folder))
    save_figure(coverage_figure(found), options.output / "coverage_map.png", dpi=110)
    write_json(row, options.output / "coverage_map.json")
    print(row)


if __name__ == "__main__":
    main()
