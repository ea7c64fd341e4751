"""What a campaign has done, and what it has led to: iterations, training set, potential."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from maxvolt.campaign.record.folder import CampaignFolder, IterationFolder
from maxvolt.campaign.record.integrity import check_potential
from maxvolt.campaign.record.iteration_summary import SAMPLING
from maxvolt.campaign.record.storage import read_result
from maxvolt.campaign.settings.comparison import without_what_changes_no_result
from maxvolt.campaign.settings.stages import Settings
from maxvolt.dataset import Dataset

__all__ = [
    "CampaignState",
    "CompleteIteration",
    "number_for_runs",
    "read_history",
    "state_after",
]


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
    runs_number
        Iteration that the potential is from with which the next runs are made; None at first.
    runs_files
        That potential: the newest, or the one before where runs overlap with fits.
    """

    past: tuple[CompleteIteration, ...]
    training: Dataset
    validation: Dataset
    potential_files: tuple[Path, ...]
    numbers: dict[str, int]
    runs_number: int | None
    runs_files: tuple[Path, ...]

    @property
    def is_stale(self) -> bool:
        """Whether there is a newer potential than that of the runs."""
        return self.runs_number != self.numbers.get("potential")


def read_history(iterations: Sequence[IterationFolder]) -> list[CompleteIteration]:
    """Read the iterations of a campaign up to the first that is not complete."""
    complete = takewhile(lambda one: one.is_complete, iterations)
    return [CompleteIteration(one.settings(), one.outcome()) for one in complete]


def number_for_runs(past: Sequence[CompleteIteration], settings: Settings) -> int:
    """The iteration from whose potential the runs of the next one are made.

    The newest; where runs overlap with fits, the newest that was there when the iteration before
    began to select, if that one had the same settings and made runs itself. This depends on what
    was done and not on when: runs that had to wait for a worker take the same potential.

    Parameters
    ----------
    past
        Complete iterations, one at least.
    settings
        Of the next one.
    """
    last = past[-1]
    newest: int = last.outcome["files"]["potential"]
    if not settings.campaign.overlap or last.outcome["kind"] != SAMPLING:
        return newest
    if without_what_changes_no_result(last.settings) != without_what_changes_no_result(settings):
        return newest
    before: int = past[-2].outcome["files"]["potential"]
    return before


def state_after(
    folder: CampaignFolder,
    past: Sequence[CompleteIteration],
    settings: Settings | None = None,
) -> CampaignState:
    """Read the state after complete iterations.

    Parameters
    ----------
    folder
        Of the campaign.
    past
        The iterations.
    settings
        Of the next one; None: those of the last.

    Raises
    ------
    DamagedError
        A file is not what was written.
    """
    empty = Dataset.from_atoms([])
    if not past:
        return CampaignState((), empty, empty, (), {}, None, ())
    numbers = dict(past[-1].outcome["files"])
    found = {
        step: read_result(folder.iteration(numbers[step]).step_file(step)).datasets[name]
        if step in numbers
        else empty
        for step, name in (("training", "training"), ("validation", "labelled"))
    }
    files = _potential(folder, past, numbers["potential"])
    for_runs = number_for_runs(past, past[-1].settings if settings is None else settings)
    return CampaignState(
        tuple(past),
        found["training"],
        found["validation"],
        files,
        numbers,
        for_runs,
        files if for_runs == numbers["potential"] else _potential(folder, past, for_runs),
    )


def _potential(
    folder: CampaignFolder, past: Sequence[CompleteIteration], number: int
) -> tuple[Path, ...]:
    """Files of the potential of an iteration, which are as they were written."""
    return tuple(check_potential(folder.iteration(number), past[number].settings.potential))
