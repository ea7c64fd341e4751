"""What a campaign is for: the newest potential and training set, at the top of its folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from maxvolt.campaign.folder import CampaignFolder
from maxvolt.campaign.planning import Past
from maxvolt.campaign.storage import read_result, write_bytes
from maxvolt.io import write

__all__ = ["publish", "published_potential"]


def published_potential(folder: CampaignFolder, past: Sequence[Past]) -> list[Path]:
    """Files of the newest potential at the top of the folder."""
    if not past:
        return []
    fitted = past[-1].outcome["files"]["potential"]
    return folder.potential_files(past[fitted].settings.potential.members)


def publish(folder: CampaignFolder, past: Sequence[Past]) -> None:
    """Copy the newest potential and training set to the top of the folder."""
    if not past:
        return
    numbers = past[-1].outcome["files"]
    targets = published_potential(folder, past)
    members = past[numbers["potential"]].settings.potential.members
    sources = folder.iteration(numbers["potential"]).potential_files(members)
    for source, target in zip(sources, targets, strict=True):
        content = source.read_bytes()
        if not target.exists() or target.read_bytes() != content:
            write_bytes(target, content)
    # Names that only a campaign gives: potential.mtp may be what somebody has converted.
    made = {*folder.potential_files(1), *folder.path.glob("potential.[0-9]*.mtp")}
    for stale in made - set(targets):
        stale.unlink(missing_ok=True)
    training = folder.iteration(numbers["training"]).step_file("training")
    write(folder.training_file, read_result(training).datasets["training"])
