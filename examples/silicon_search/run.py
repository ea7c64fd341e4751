"""Run a search, then relax what it found with the reference itself: no model error is left.

    python run.py --output silicon_output
    python run.py --campaign silicon_dft.toml --output silicon_dft_output

A run that is interrupted goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
from ase.calculators.calculator import Calculator

import maxvolt
from maxvolt.campaign import CampaignFolder, summarize
from maxvolt.dataset import Dataset
from maxvolt.properties.reference_calculator import ReferenceCalculator
from maxvolt.report.output import write_json
from maxvolt.sampling import Relaxation, Thresholds
from maxvolt.search.space_groups import space_group

HERE = Path(__file__).resolve().parent
_OF_CAMPAIGNS = ("dft_trained.mtp",)
"""Files that campaign files name."""


def relaxed_by_reference(found: Dataset, reference: Calculator) -> list[dict[str, object]]:
    """A row for each finding: what the potential says of it, and what the reference."""
    scenario = Relaxation("check", found, force_tolerance=1e-3, max_steps=1000)
    outcomes = [one.outcome for one in scenario.iterate(reference, Thresholds())]
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
    parser.add_argument("--campaign", default="silicon.toml")
    options = parser.parse_args()
    options.output.mkdir(exist_ok=True, parents=True)
    # Workers that label have to find the reference, too.
    os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
    sys.path.insert(0, str(HERE))
    for name in (options.campaign, *_OF_CAMPAIGNS):
        shutil.copyfile(HERE / name, options.output / name)
    campaign = maxvolt.Campaign(options.output / options.campaign)
    result = campaign.run()
    reference = ReferenceCalculator(campaign.settings().stages[0].reference.reference())
    rows = relaxed_by_reference(maxvolt.read(result.folder / "findings.xyz"), reference)
    summary = summarize(CampaignFolder(result.folder))
    written = {
        "status": result.status,
        "iterations": len(summary.iterations),
        "reference_calculations": summary.iterations[-1]["n_labels_total"],
        "training_set": summary.iterations[-1]["n_training"],
        "seconds": float(np.sum([sum(row["seconds"].values()) for row in summary.iterations])),
        "findings": rows,
    }
    write_json(written, options.output / f"{result.folder.name}.json")
    print(json.dumps({**written, "findings": rows[:8]}, indent=1))


if __name__ == "__main__":
    main()
