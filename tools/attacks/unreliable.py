"""Label with a reference that fails, hangs and gives NaN; the data of the campaign stay clean."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from ase.calculators.emt import EMT

from attacks.campaign_trials.small_campaign import SMALL, environment, start, write_campaign
from attacks.finding import FindingError
from maxvolt.campaign import CampaignFolder, summarize
from maxvolt.campaign.record.storage import read_result
from maxvolt.dataset import Dataset

CALCULATOR = '"attacks.campaign_trials.calculators:UnreliableEMT"'


def trial(seed: int, scratch: Path) -> str:
    """Run a campaign to its end; all labels are right, all else is in quarantine with a reason."""
    text = SMALL.replace("[reference]", "[reference]\ntimeout = 6.0\nretries = 2")
    file = write_campaign(scratch, text, calculator=CALCULATOR, seed=str(seed))
    process = start(file, environment(scratch / "log"))
    output, errors = process.communicate()
    if process.returncode or json.loads(output)["status"] not in ("finished", "stopped"):
        raise FindingError(f"the campaign did not end: {output} {errors}")
    return "quarantined" if check(scratch / "small") else "clean"


def check(campaign: Path) -> int:
    """Return how many structures are in quarantine."""
    folder = CampaignFolder(campaign)
    last = summarize(folder).iterations[-1]
    training = folder.iteration(last["files"]["training"]).step_file("training")
    dataset = read_result(training).datasets["training"]
    expected = labels_of_emt(dataset)
    for name in ("energies", "forces", "stresses"):
        if not np.array_equal(getattr(dataset, name), getattr(expected, name)):
            raise FindingError(f"{name} of the training set are not those of EMT")
    quarantined = 0
    for iteration in folder.iterations():
        path = iteration.step_file("labels")
        if path.exists():
            record = read_result(path).record
            quarantined += len(record["quarantined"])
            if record["n_labelled"] + len(record["quarantined"]) != record["n_structures"]:
                raise FindingError(f"{path}: structures are missing")
            if not all(entry["reason"] for entry in record["quarantined"]):
                raise FindingError(f"{path}: a quarantine without a reason")
    return quarantined


def labels_of_emt(dataset: Dataset) -> Dataset:
    """Label the same structures with a reliable reference."""
    structures = []
    for atoms in dataset:
        atoms.calc = EMT()
        atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress()
        structures.append(atoms)
    return Dataset.from_atoms(structures)
