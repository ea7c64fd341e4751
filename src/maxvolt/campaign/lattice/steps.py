"""Steps of an iteration: functions of the files before them, each with a file of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from maxvolt.campaign.record.fingerprints import fingerprint
from maxvolt.campaign.record.folder import IterationFolder
from maxvolt.campaign.record.integrity import damaged_products, inputs_of, with_origin
from maxvolt.campaign.record.journal import Event
from maxvolt.campaign.record.storage import StepResult, read_result, write_result
from maxvolt.campaign.steps.context import RunContext
from maxvolt.errors import CampaignError

__all__ = ["STAGE", "LatticeSteps"]

STAGE = "lattice"
"""Name of the only stage, in events and rows."""


class LatticeSteps:
    """Reads results of the steps of an iteration, and makes those that are missing or damaged.

    Parameters
    ----------
    context
        Folder, processes, journal.
    folder
        Of the iteration.
    """

    def __init__(self, context: RunContext, folder: IterationFolder) -> None:
        self.context = context
        self.folder = folder
        self.is_complete = folder.is_complete

    def step(
        self,
        name: str,
        inputs: tuple[Any, ...],
        make: Callable[[], StepResult],
        products: Sequence[Path] = (),
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
        products
            Files that `make` writes beside the result, which keeps their digests.

        Raises
        ------
        CampaignError
            The iteration is complete, and its result was made from other inputs.
        """
        path, key = self.folder.step_file(name), fingerprint(name, self.folder.number, *inputs)
        found = inputs_of(path)
        if self.is_complete and found not in (None, key):
            raise CampaignError(
                f"{path}: was made from other inputs than those of the campaign now (a file of the "
                "lattice that was changed, another version of maxvolt); undo the change, or remove "
                f"{self.folder.path} and the folders of all later iterations: the campaign goes on "
                "from there, with the labels it has"
            )
        record = read_result(path).record if found == key else None
        if record is None or damaged_products(record, products):
            if self.is_complete:
                self._record("damaged", {"files": [str(path), *map(str, products)]})
            self.progress(name, 0, 0)
            write_result(path, with_origin(make(), key, products))
        result = read_result(path)
        if not self.is_complete:
            content = {"step": name, **result.record}
            self.context.record_step(Event("step", self.folder.number, STAGE, content))
        return result

    def progress(self, step: str, done: int, total: int) -> None:
        """Tell how far a step has come; it is not written to the journal."""
        content = {"step": step, "name": "", "done": done, "total": total}
        self.context.tell(Event("progress", self.folder.number, STAGE, content))

    def _record(self, kind: str, content: Mapping[str, Any]) -> None:
        self.context.record(Event(kind, self.folder.number, STAGE, content))
