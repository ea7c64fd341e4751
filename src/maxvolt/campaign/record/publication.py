"""What a campaign is for: the newest potential and training set, at the top of its folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from maxvolt.campaign.record.folder import CampaignFolder
from maxvolt.campaign.record.history import CompleteIteration
from maxvolt.campaign.record.integrity import check_potential
from maxvolt.campaign.record.iteration_summary import FINDINGS, OF_SEARCH
from maxvolt.campaign.record.storage import read_result, write_bytes
from maxvolt.dataset import Dataset
from maxvolt.io import write

__all__ = ["publish", "published_potential"]


def published_potential(folder: CampaignFolder, past: Sequence[CompleteIteration]) -> list[Path]:
    """Files of the newest potential at the top of the folder."""
    if not past:
        return []
    fitted = past[-1].outcome["files"]["potential"]
    return folder.potential_files(past[fitted].settings.potential)


def publish(folder: CampaignFolder, past: Sequence[CompleteIteration]) -> None:
    """Copy the newest potential, training set and findings to the top of the folder.

    Raises
    ------
    DamagedError
        They are not what was written; what stands at the top stays.
    """
    if not past:
        return
    numbers = past[-1].outcome["files"]
    targets = published_potential(folder, past)
    section = past[numbers["potential"]].settings.potential
    sources = check_potential(folder.iteration(numbers["potential"]), section)
    training = folder.iteration(numbers["training"]).step_file("training")
    structures = read_result(training).datasets["training"]
    for source, target in zip(sources, targets, strict=True):
        content = source.read_bytes()
        if not target.exists() or target.read_bytes() != content:
            write_bytes(target, content)
    folder.remove_other_potentials(targets)
    write(folder.training_file, structures)
    _publish_findings(folder, past)


def _publish_findings(folder: CampaignFolder, past: Sequence[CompleteIteration]) -> None:
    """Write what searches found last, with the energies by the potential of then."""
    if past[-1].outcome.get(FINDINGS) is None:
        return
    found = read_result(folder.iteration(len(past) - 1).step_file(FINDINGS)).datasets
    kept = [some for name, some in found.items() if name.startswith(OF_SEARCH)]
    write(folder.findings_file, Dataset.concatenate(kept))
