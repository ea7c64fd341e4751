"""Run silicon.toml, then relax what it found with the reference itself: no model error is left.

    python run.py --output silicon_output

A run that is interrupted goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path

import numpy as np
from stillinger_weber import StillingerWeber

import maxvolt
from maxvolt.campaign import CampaignFolder, summarize
from maxvolt.dataset import Dataset
from maxvolt.report.output import write_json
from maxvolt.sampling import Relaxation, Thresholds
from maxvolt.search.space_groups import space_group

HERE = Path(__file__).resolve().parent


def relaxed_by_reference(found: Dataset) -> list[dict[str, object]]:
    """A row for each finding: what the potential says of it, and what the reference."""
    scenario = Relaxation("check", found, force_tolerance=1e-3, max_steps=1000)
    outcomes = [one.outcome for one in scenario.iterate(StillingerWeber(), Thresholds())]
    rows = []
    for outcome in sorted(outcomes, key=lambda one: one.index):
        atoms, n = outcome.structure, int(found.counts[outcome.index])
        rows.append(
            {
                "atoms": n,
                "space_group": space_group(atoms),
                "potential_eV_per_atom": float(found.energies[outcome.index]) / n,
                "reference_eV_per_atom": atoms.get_potential_energy() / n,
                "end": str(outcome.reason),
            }
        )
    return rows


def main() -> None:
    """Run the campaign, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("silicon_output"))
    parser.add_argument("--campaign", type=Path, default=HERE / "silicon.toml")
    options = parser.parse_args()
    options.output.mkdir(exist_ok=True, parents=True)
    # Workers that label have to find the reference, too.
    os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
    file = options.output / options.campaign.name
    shutil.copyfile(options.campaign, file)
    result = maxvolt.Campaign(file).run()
    rows = relaxed_by_reference(maxvolt.read(result.folder / "findings.xyz"))
    summary = summarize(CampaignFolder(result.folder))
    written = {
        "status": result.status,
        "iterations": len(summary.iterations),
        "reference_calculations": summary.iterations[-1]["n_labels_total"],
        "training_set": summary.iterations[-1]["n_training"],
        "seconds": float(np.sum([sum(row["seconds"].values()) for row in summary.iterations])),
        "findings": rows,
    }
    write_json(written, options.output / "silicon.json")
    print(json.dumps({**written, "findings": rows[:8]}, indent=1))


if __name__ == "__main__":
    main()
