"""Makes the steps of one iteration, each once, and tells of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maxvolt.campaign.record.fingerprints import fingerprint
from maxvolt.campaign.record.folder import IterationFolder
from maxvolt.campaign.record.history import CampaignState
from maxvolt.campaign.record.integrity import DIGESTS, damaged_products, inputs_of, with_origin
from maxvolt.campaign.record.journal import Event
from maxvolt.campaign.record.storage import StepResult, read_result, write_result
from maxvolt.campaign.settings.stages import Settings
from maxvolt.campaign.steps.context import RunContext
from maxvolt.errors import CampaignError

__all__ = ["Remake", "StepRunner"]


@dataclass(frozen=True, slots=True)
class Remake:
    """How files of an iteration are made again that was complete before they were damaged.

    Attributes
    ----------
    write_outcome
        Whether its outcome is among them.
    labels_total
        Labels of the campaign at its end; None: those of now.
    """

    write_outcome: bool
    labels_total: int | None


class StepRunner:
    """Knows where the results of an iteration are, and makes those that are missing.

    Parameters
    ----------
    context
        Folder, processes, journal.
    folder
        Of the iteration.
    settings
        Of its stage.
    state
        What the iterations before have led to.
    remake
        Of an iteration that was complete; None for one that is being made.
    """

    def __init__(
        self,
        context: RunContext,
        folder: IterationFolder,
        settings: Settings,
        state: CampaignState,
        remake: Remake | None = None,
    ) -> None:
        self.context = context
        self.folder = folder
        self.settings = settings
        self.state = state
        self.remake = remake
        self.seconds: dict[str, float] = {}

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
            A product was damaged and came out different when it was made again.
        """
        path, key = self.folder.step_file(name), fingerprint(name, self.folder.number, *inputs)
        known = read_result(path).record if self.is_made(path, key) else None
        if known is None or self._damaged(known, products):
            self.progress(name, "", 0, 0)
            made = with_origin(make(), key, products)
            if products:
                _check_equal(path, known, made.record)
            write_result(path, made)
        result = read_result(path)
        self.seconds[name] = result.record.get("seconds", 0.0)
        self.record_step({"step": name, **result.record})
        return result

    def is_made(self, path: Path, inputs: str) -> bool:
        """Whether a result is there, undamaged, and was made from the same inputs.

        Raises
        ------
        CampaignError
            It was made from others, in an iteration whose results must not change any more.
        """
        found = inputs_of(path)
        if found is None and path.exists():
            self._tell_damage([path])
        if found is not None and found != inputs and self.remake is not None:
            raise CampaignError(
                f"{path}: was made from other inputs than those of the campaign now (a file of "
                "structures that was changed, another version of maxvolt), so that damaged files "
                f"of this iteration cannot be made again; undo the change, or remove "
                f"{self.folder.path} and the folders of all later iterations: the campaign goes on "
                "from there, with the labels it has"
            )
        return found == inputs

    def _damaged(self, record: Mapping[str, Any], products: Sequence[Path]) -> bool:
        damaged = damaged_products(record, products)
        if damaged:
            self._tell_damage(damaged)
        return bool(damaged)

    def _tell_damage(self, files: Sequence[Path]) -> None:
        if self.remake is None:  # else it was told before
            names = [str(path.relative_to(self.context.folder.path)) for path in files]
            where = (self.folder.number, self.settings.stage.name)
            self.context.record(Event("damaged", *where, {"files": names}))

    def progress(self, step: str, name: str, done: int, total: int) -> None:
        """Tell how far a step has come; it is not written to the journal."""
        content = {"step": step, "name": name, "done": done, "total": total}
        self.context.tell(Event("progress", self.folder.number, self.settings.stage.name, content))

    def record_step(self, content: Mapping[str, Any]) -> None:
        """Tell that a step is done."""
        self.context.record_step(
            Event("step", self.folder.number, self.settings.stage.name, content)
        )

    def finish(self, row: Mapping[str, Any]) -> None:
        """Write the outcome, with which the iteration is complete."""
        stage = self.settings.stage.name
        whole = {"iteration": self.folder.number, "stage": stage, **row, "seconds": self.seconds}
        if self.remake is None or self.remake.write_outcome:
            self.folder.write_outcome(whole, self.settings)
        if self.remake is None:
            self.context.record(Event("outcome", self.folder.number, stage, row))


def _check_equal(path: Path, known: Mapping[str, Any] | None, made: Mapping[str, Any]) -> None:
    """Compare with the digests that products had before they were damaged."""
    before = None if known is None else known.get(DIGESTS)
    if before is None or before == made[DIGESTS]:
        return
    different = [name for name, digest in made[DIGESTS].items() if before.get(name) != digest]
    raise CampaignError(
        f"{path.with_name(different[0])}: was damaged, and the new one differs from it "
        "(another version of maxvolt, or another kind of machine?); restore it from a copy, or "
        f"remove {path.name} beside it: the campaign then uses the new one"
    )
