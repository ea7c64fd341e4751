"""What the steps of a campaign work with: folder, processes, journal, listeners."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from maxvolt.campaign.record.checkpoints import Checkpointing
from maxvolt.campaign.record.folder import CampaignFolder
from maxvolt.campaign.record.journal import Callback, Event, Journal
from maxvolt.executors.kinds import Executors, Kind, ThisMachine, run_task
from maxvolt.sampling.processes import WorkerPool

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
        Called with every event.
    executors
        Where tasks run; None for this machine.
    retry, partial, checkpointing
        As of `Campaign.run`.
    check
        Called before anything is written down; raises an error where this run must not go on.
    """

    def __init__(
        self,
        folder: CampaignFolder,
        root: Path,
        workers: int,
        callbacks: Sequence[Callback],
        executors: Executors | None = None,
        *,
        retry: bool = False,
        partial: bool = False,
        checkpointing: Checkpointing | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.folder = folder
        self.root = root
        self.workers = workers
        self.retry = retry
        self.iterations_before = 0  # complete when this run began
        self.partial = partial
        self.checkpointing = Checkpointing() if checkpointing is None else checkpointing
        self.executors: Executors = ThisMachine() if executors is None else executors
        self._check = check
        self._local_pool = WorkerPool(workers)
        self.journal = Journal(folder.journal_file)
        self._callbacks = tuple(callbacks)
        self._written = {_step_key(line) for line in folder.journal() if line["event"] == "step"}

    def __enter__(self) -> Self:
        """Begin a block, at whose end the processes end, at once where it is left by an error."""
        return self

    def __exit__(self, *exception: Any) -> None:
        self._local_pool.__exit__(*exception)
        self.executors.close()

    def use(self, executors: Executors) -> None:
        """Go on elsewhere."""
        self.executors.close()
        self.executors = executors

    @property
    def pool(self) -> WorkerPool:
        """Where scenarios run."""
        executor = self.executors.of(Kind.SAMPLING)
        return self._local_pool if executor is None else WorkerPool(executor)

    def threads(self, kind: Kind) -> int:
        """Return the number of threads of a task of a kind."""
        threads = self.executors.threads(kind)
        return self.workers if threads is None else threads

    def compute(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run what takes all cores of a machine where fits run, and wait for it."""
        return run_task(self.executors.of(Kind.FITTING), function, *arguments)

    def tell(self, event: Event) -> None:
        """Tell the listeners."""
        self._check()
        for callback in self._callbacks:
            callback(event)

    def record(self, event: Event) -> None:
        """Write an event into the journal, then tell the listeners."""
        self._check()
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
