"""Run a campaign with a reference that fails, hangs and gives NaN; its data must stay clean.

    python tools/campaigns/unreliable.py --campaigns 5

The reference fails one time in five, hangs one time in twenty, gives NaN one time in fifty. Checked
of each campaign: it ends, all its labels are those of a reliable reference to the last bit, and
every structure without a label is in quarantine with a reason.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from ase.calculators.emt import EMT
from small_campaign import environment, start, write_campaign

from maxvolt.campaign import CampaignFolder, summarize
from maxvolt.campaign.storage import read_result
from maxvolt.dataset import Dataset

CALCULATOR = "reporting_calculators:UnreliableEMT"


def main() -> None:
    """Run the trial."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--campaigns", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="kept; by default a temporary one")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="unreliable."))
    happened: Counter[str] = Counter()
    labelled = quarantined = 0
    for seed in range(options.campaigns):
        trial = folder / f"campaign{seed}"
        run_unreliable(trial, seed)
        labels, rejected = check(trial / "small")
        happened.update(line.split()[1] for line in (trial / "log").read_text().splitlines())
        labelled, quarantined = labelled + labels, quarantined + rejected
        print(f"campaign {seed}: {labels} structures labelled, {rejected} in quarantine")
    attempts = ", ".join(f"{count} {what}" for what, count in sorted(happened.items()))
    print(f"calculations: {attempts}")
    print(f"{labelled} labels, all of them clean; {quarantined} structures in quarantine")


def run_unreliable(folder: Path, seed: int, *, timeout: float = 4.0) -> None:
    """Run a campaign with the unreliable reference to its end."""
    file = write_campaign(folder, calculator=CALCULATOR, seed=seed, timeout=timeout)
    process = start(file, environment(folder / "log"))
    output, errors = process.communicate()
    if process.returncode or json.loads(output)["status"] != "finished":
        raise SystemExit(f"{folder}: the campaign did not finish:\n{output}\n{errors}")


def check(campaign: Path) -> tuple[int, int]:
    """Return how many structures have labels, all right, and how many are in quarantine."""
    folder = CampaignFolder(campaign)
    last = summarize(folder).iterations[-1]
    training = folder.iteration(last["files"]["training"]).step_file("training")
    dataset = read_result(training).datasets["training"]
    expected = labels_of_emt(dataset)
    for name in ("energies", "forces", "stresses"):
        if not np.array_equal(getattr(dataset, name), getattr(expected, name)):
            raise SystemExit(f"{campaign}: {name} of the training set are not those of EMT")
    quarantined = 0
    for iteration in folder.iterations():
        path = iteration.step_file("labels")
        if path.exists():
            record = read_result(path).record
            quarantined += len(record["quarantined"])
            if record["n_labelled"] + len(record["quarantined"]) != record["n_structures"]:
                raise SystemExit(f"{path}: structures are missing")
            if not all(entry["reason"] for entry in record["quarantined"]):
                raise SystemExit(f"{path}: a quarantine without a reason")
    return len(dataset), quarantined


def labels_of_emt(dataset: Dataset) -> Dataset:
    """Label the same structures with a reliable reference."""
    structures = []
    for atoms in dataset:
        atoms.calc = EMT()
        atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress()
        structures.append(atoms)
    return Dataset.from_atoms(structures)


if __name__ == "__main__":
    main()
