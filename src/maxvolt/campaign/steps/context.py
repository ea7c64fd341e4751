"""What the steps of a campaign work with: folder, processes, journal, listeners."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from maxvolt.campaign.record.journal import Callback, Event
from maxvolt.campaign.record.folder import CampaignFolder
from maxvolt.campaign.record.journal import Journal
from maxvolt.errors import CampaignError
from maxvolt.sampling.workers import local_pool

__all__ = ["RunContext"]


class RunContext:
    """Shared by all iterations of one run of the program.

    Parameters
    ----------
    folder
        Of the campaign.
    root
        Folder of the campaign file, to which the names in it are relative.
    workers
        Number of processes.
    callbacks
        Told of every event.
    executor
        Runs scenarios and reference calculations; None for a pool of this machine.
    retry, partial
        As of `Campaign.run`.

    Attributes
    ----------
    seconds_between_states
        How often simulations write down their state.
    """

    seconds_between_states: float = 30.0

    def __init__(
        self,
        folder: CampaignFolder,
        root: Path,
        workers: int,
        callbacks: Sequence[Callback],
        executor: Executor | None = None,
        *,
        retry: bool = False,
        partial: bool = False,
    ) -> None:
        self.folder = folder
        self.root = root
        self.workers = workers
        self.retry = retry
        self.partial = partial
        self._callbacks = tuple(callbacks)
        self.given_executor = executor
        self._pools = ExitStack()
        self._pool: Executor | None = None
        self.journal = Journal(folder.journal_file)
        self._written = {_step_key(line) for line in folder.journal() if line["event"] == "step"}

    def __enter__(self) -> Self:
        """Be used in a block, at whose end the processes end, at once where it is left early."""
        return self

    def __exit__(self, *exception: Any) -> None:
        self._pools.__exit__(*exception)

    def executor(self) -> Executor:
        """Return the executor; a new pool where a process of the old one has died.

        Raises
        ------
        CampaignError
            A process of the executor that was given has died, and it takes no more work.
        """
        if self.given_executor is not None:
            if getattr(self.given_executor, "_broken", False):
                raise CampaignError(
                    "a process of the executor has died, of lack of memory perhaps, and it takes "
                    "no more work; run the campaign again with a new one"
                )
            return self.given_executor
        if self._pool is None or getattr(self._pool, "_broken", False):
            self._pools.close()
            self._pool = self._pools.enter_context(local_pool(self.workers))
        return self._pool

    def tell(self, event: Event) -> None:
        """Tell the listeners."""
        for callback in self._callbacks:
            callback(event)

    def record(self, event: Event) -> None:
        """Write an event into the journal, then tell the listeners."""
        where: dict[str, Any] = {}
        if event.iteration is not None:
            where = {"iteration": event.iteration, "stage": event.stage}
        self.journal.append(event.kind, **where, **event.content)
        self.tell(event)

    def record_step(self, event: Event) -> None:
        """Write down that a step was made, once, however often the program was killed."""
        key = _step_key({"iteration": event.iteration, **event.content})
        if key in self._written:
            self.tell(event)
        else:
            self._written.add(key)
            self.record(event)


def _step_key(line: Any) -> tuple[Any, ...]:
    return tuple(line.get(name) for name in ("iteration", "step", "scenario", "part", "inputs"))
