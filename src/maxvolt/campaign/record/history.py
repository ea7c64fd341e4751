"""What a campaign has when an iteration begins: training set, potential, labels to check with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maxvolt.campaign.record.folder import CampaignFolder
from maxvolt.campaign.record.integrity import check_potential
from maxvolt.campaign.planning import CompleteIteration
from maxvolt.campaign.record.storage import read_result
from maxvolt.dataset import Dataset

__all__ = ["State", "state_after"]


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What complete iterations have led to.

    Attributes
    ----------
    past
        The iterations.
    training, validation
        Labelled structures, none at the beginning.
    potential_files
        The newest potential, none at the beginning.
    numbers
        Iterations that training, validation and potential are from, by these names.
    """

    past: tuple[CompleteIteration, ...]
    training: Dataset
    validation: Dataset
    potential_files: tuple[Path, ...]
    numbers: dict[str, int]


def state_after(folder: CampaignFolder, past: Sequence[CompleteIteration]) -> State:
    """Read the state after complete iterations.

    Raises
    ------
    DamagedError
        A file is not what was written.
    """
    empty = Dataset.from_atoms([])
    if not past:
        return State((), empty, empty, (), {})
    numbers = dict(past[-1].outcome["files"])
    found = {
        step: read_result(folder.iteration(numbers[step]).step_file(step)).datasets[name]
        if step in numbers
        else empty
        for step, name in (("training", "training"), ("validation", "labelled"))
    }
    potential = numbers["potential"]
    members = past[potential].settings.potential.members
    files = check_potential(folder.iteration(potential), members)
    return State(tuple(past), found["training"], found["validation"], tuple(files), numbers)
