"""What a campaign has done, and what it has led to: iterations, training set, potential."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from maxvolt.campaign.record.folder import CampaignFolder, IterationFolder
from maxvolt.campaign.record.integrity import check_potential
from maxvolt.campaign.record.storage import read_result
from maxvolt.campaign.settings.stages import Settings
from maxvolt.dataset import Dataset

__all__ = ["CampaignState", "CompleteIteration", "read_history", "state_after"]


@dataclass(frozen=True, slots=True)
class CompleteIteration:
    """A complete iteration.

    Attributes
    ----------
    settings
        Those it used.
    outcome
        Its row of the table.
    """

    settings: Settings
    outcome: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class CampaignState:
    """What complete iterations have led to.

    Attributes
    ----------
    past
        The iterations.
    training, validation
        Labelled structures; none at first.
    potential_files
        The newest potential; none at first.
    numbers
        Iterations that training, validation and potential are from, by these names.
    """

    past: tuple[CompleteIteration, ...]
    training: Dataset
    validation: Dataset
    potential_files: tuple[Path, ...]
    numbers: dict[str, int]


def read_history(iterations: Sequence[IterationFolder]) -> list[CompleteIteration]:
    """Read the iterations of a campaign up to the first that is not complete."""
    complete = takewhile(lambda one: one.is_complete, iterations)
    return [CompleteIteration(one.settings(), one.outcome()) for one in complete]


def state_after(folder: CampaignFolder, past: Sequence[CompleteIteration]) -> CampaignState:
    """Read the state after complete iterations.

    Raises
    ------
    DamagedError
        A file is not what was written.
    """
    empty = Dataset.from_atoms([])
    if not past:
        return CampaignState((), empty, empty, (), {})
    numbers = dict(past[-1].outcome["files"])
    found = {
        step: read_result(folder.iteration(numbers[step]).step_file(step)).datasets[name]
        if step in numbers
        else empty
        for step, name in (("training", "training"), ("validation", "labelled"))
    }
    potential = numbers["potential"]
    section = past[potential].settings.potential
    files = check_potential(folder.iteration(potential), section)
    return CampaignState(tuple(past), found["training"], found["validation"], tuple(files), numbers)
