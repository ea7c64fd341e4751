"""Makes the steps of one iteration, each once, and tells of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from maxvolt.campaign.events import Event
from maxvolt.campaign.fingerprints import fingerprint
from maxvolt.campaign.folder import IterationFolder
from maxvolt.campaign.sampling_step import is_made
from maxvolt.campaign.settings import Settings
from maxvolt.campaign.state import State
from maxvolt.campaign.storage import StepResult, read_result, write_bytes, write_result
from maxvolt.campaign.surroundings import Surroundings

__all__ = ["Runner"]


class Runner:
    """Knows where the results of an iteration are, and makes those that are missing.

    Parameters
    ----------
    surroundings
        Folder, processes, journal.
    folder
        Of the iteration.
    settings
        Of its stage.
    state
        What the iterations before have led to.
    """

    def __init__(
        self, surroundings: Surroundings, folder: IterationFolder, settings: Settings, state: State
    ) -> None:
        self.surroundings = surroundings
        self.folder = folder
        self.settings = settings
        self.state = state
        self.seconds: dict[str, float] = {}

    def step(
        self, name: str, inputs: tuple[Any, ...], make: Callable[[], StepResult]
    ) -> StepResult:
        """Return the result of a step; make it if it is not there.

        Parameters
        ----------
        name
            Of the step, and of its file.
        inputs
            What the result depends on: another result does not count.
        make
            Makes it.
        """
        path, key = self.folder.step_file(name), fingerprint(name, self.folder.number, *inputs)
        if not is_made(path, key):
            self.progress(name, "", 0, 0)
            result = make()
            record = {"inputs": key, **result.record}
            write_result(path, StepResult(record, result.datasets, result.arrays))
        result = read_result(path)
        self.seconds[name] = result.record.get("seconds", 0.0)
        self.record_step({"step": name, **result.record})
        return result

    def progress(self, step: str, name: str, done: int, total: int) -> None:
        """Tell how far a step has come; the journal does not hear of it."""
        content = {"step": step, "name": name, "done": done, "total": total}
        self.surroundings.tell(
            Event("progress", self.folder.number, self.settings.stage.name, content)
        )

    def record_step(self, content: Mapping[str, Any]) -> None:
        """Tell that a step is done."""
        self.surroundings.record_step(
            Event("step", self.folder.number, self.settings.stage.name, content)
        )

    def finish(self, row: Mapping[str, Any]) -> None:
        """Write the outcome, with which the iteration is complete."""
        stage = self.settings.stage.name
        whole = {"iteration": self.folder.number, "stage": stage, **row, "seconds": self.seconds}
        write_bytes(self.folder.outcome_file, json.dumps(whole, indent=1).encode())
        self.surroundings.record(Event("outcome", self.folder.number, stage, row))
