"""What the steps of a campaign work with: folder, processes, journal, listeners."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, Self

from maxvolt.campaign.record.checkpoints import Checkpointing
from maxvolt.campaign.record.folder import CampaignFolder
from maxvolt.campaign.record.journal import Callback, Event, Journal
from maxvolt.executors.kinds import Executors, Kind, ThisMachine, run_task
from maxvolt.sampling.processes import WorkerPool

__all__ = ["Ahead", "RunContext"]


class Ahead(Protocol):
    """Runs of the next iteration, in a thread of their own."""

    def look(self) -> None:
        """Write down which are done."""

    def take(self, wanted: Mapping[Path, str]) -> None:
        """Wait for all, or for those that have begun if other ones are wanted."""

    def stop(self) -> None:
        """Begin no further one."""

    def join(self) -> None:
        """Wait for those that have begun."""


class _StoppedError(Exception):
    """Ends processes of this machine at once."""


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
        self._ahead: Ahead | None = None
        self._overlaps = False
        self.journal = Journal(folder.journal_file)
        self._callbacks = tuple(callbacks)
        self._written = {_step_key(line) for line in folder.journal() if line["event"] == "step"}

    def __enter__(self) -> Self:
        """Begin a block, at whose end the processes end, at once where it is left by an error."""
        return self

    def __exit__(self, *exception: Any) -> None:
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.stop()
            if exception[0] is None:
                exception = (_StoppedError, _StoppedError(), None)
        self._local_pool.__exit__(*exception)
        self.executors.close()
        if ahead is not None and issubclass(exception[0], Exception):  # who interrupts is in haste
            ahead.join()

    def use(self, executors: Executors) -> None:
        """Go on elsewhere."""
        self.take_ahead({})
        self.executors.close()
        self.executors = executors

    def share(self, overlaps: bool) -> None:
        """Say whether runs of the next iteration take a share of the workers from now on."""
        self._overlaps = overlaps

    @property
    def ahead_workers(self) -> int:
        """Runs of the next iteration at once, beside what this one does; 0: it has to wait.

        Half of the workers; all of them where the rest is done elsewhere. Threads of this process
        do not count as workers: fits set how many threads libraries use.
        """
        pool = self.pool
        if pool.size < 2 or isinstance(self.executors.of(Kind.SAMPLING), ThreadPoolExecutor):
            return 0
        return pool.size if self.executors.is_apart(Kind.SAMPLING) else pool.size // 2

    def begin_ahead(self, ahead: Ahead) -> None:
        """Go on while runs of the next iteration are made."""
        self._ahead = ahead

    def take_ahead(self, wanted: Mapping[Path, str]) -> None:
        """Wait for the runs that were begun ahead: if these are the wanted ones, for all of them.

        Parameters
        ----------
        wanted
            Fingerprints of what runs are to depend on, by the files of their results.
        """
        if self._ahead is not None:
            self._ahead.take(wanted)
            self._ahead = None

    @property
    def pool(self) -> WorkerPool:
        """Where scenarios run."""
        executor = self.executors.of(Kind.SAMPLING)
        return self._local_pool if executor is None else WorkerPool(executor)

    def threads(self, kind: Kind) -> int:
        """Return the number of threads of a task of a kind."""
        threads = self.executors.threads(kind)
        return self.cores if threads is None else threads

    @property
    def cores(self) -> int:
        """Cores of this machine for all but runs: half of the workers while runs overlap."""
        return self.workers - self.workers // 2 if self._overlaps else self.workers

    @property
    def labels_at_once(self) -> int | None:
        """Reference calculations at once on this machine; None: as many as without runs."""
        return self.cores if self._overlaps else None

    def compute(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run what takes all cores of a machine where fits run, and wait for it."""
        return run_task(self.executors.of(Kind.FITTING), function, *arguments)

    def tell(self, event: Event) -> None:
        """Tell the listeners, first of what was done ahead."""
        self._check()
        self._look()
        for callback in self._callbacks:
            callback(event)

    def record(self, event: Event) -> None:
        """Write an event into the journal, then tell the listeners; before it what came ahead."""
        self._check()
        self._look()
        where: dict[str, Any] = {}
        if event.iteration is not None:
            where = {"iteration": event.iteration, "stage": event.stage}
        self.journal.append(event.kind, **where, **event.content)
        self.tell(event)

    def _look(self) -> None:
        ahead, self._ahead = self._ahead, None  # what it tells comes here, too
        if ahead is not None:
            try:
                ahead.look()
            finally:
                self._ahead = ahead

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
