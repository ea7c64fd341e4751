"""Which iteration of a campaign added each structure of its training set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maxvolt.campaign.record.folder import CampaignFolder
from maxvolt.campaign.record.storage import read_result
from maxvolt.dataset import Dataset
from maxvolt.errors import CampaignError

__all__ = ["training_with_iterations"]


def training_with_iterations(folder: CampaignFolder) -> tuple[Dataset, NDArray[np.int64]]:
    """The newest training set, and the iteration in which each structure first was in one.

    Structures are known again by their geometry: a stage that labels them anew adds none. Those
    that the campaign began with are of iteration 0.

    Raises
    ------
    CampaignError
        No iteration is complete.
    DamagedError
        A file is not what was written.
    """
    complete = [one for one in folder.iterations() if one.is_complete]
    first_in: dict[str, int] = {}
    newest: Dataset | None = None
    for iteration in complete:
        if iteration.outcome()["files"].get("training") != iteration.number:
            continue  # nothing was added
        newest = read_result(iteration.step_file("training")).datasets["training"]
        for digest in newest.digests:
            first_in.setdefault(digest, iteration.number)
    if newest is None:
        raise CampaignError(
            f"{folder.path}: no iteration is complete, so that there is no training set yet"
        )
    return newest, np.array([first_in[digest] for digest in newest.digests], np.int64)
