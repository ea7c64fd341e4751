"""Label structures: what is known comes from the store, the rest is calculated."""

from __future__ import annotations

import os
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ThreadPoolExecutor,
    wait,
)

from ase import Atoms

from maxvolt.dataset import Dataset
from maxvolt.errors import LabellingError
from maxvolt.labelling.codes.protocol import MisconfiguredError
from maxvolt.labelling.jobs import Job, Outcome, Status
from maxvolt.labelling.limits import LabelLimits
from maxvolt.labelling.reference import Reference
from maxvolt.labelling.results import LabelProgress, LabelResult, label_result
from maxvolt.labelling.store import LabelStore
from maxvolt.labelling.supervision import perform
from maxvolt.labelling.worker_pool import Task, WorkerPool
from maxvolt.labelling.workplace import Workplace, default_workers

__all__ = ["check_reference", "known_labels", "label"]

_LOOK_AGAIN = 0.5
"""Seconds until a calculation that another process is at is looked for again."""

_LOSSES = 3
"""How often the folder of a calculation may vanish: other processes take away what they finished,
and then the store has it; a calculator that removes its folder does so each time."""


def label(
    structures: Dataset | Atoms | Sequence[Atoms],
    reference: Reference,
    store: LabelStore,
    *,
    limits: LabelLimits | None = None,
    executor: Executor | None = None,
    workers: int | None = None,
    retry_quarantined: bool = False,
    keep_files: bool = False,
    progress: Callable[[LabelProgress], None] | None = None,
) -> LabelResult:
    """Label structures by a reference calculation each.

    A structure that the store knows is not calculated again, in this run or in any other, also not
    by two processes that run at the same time. What is finished stays, whenever this is killed.

    Parameters
    ----------
    structures
        What to label. Labels they already have are not looked at.
    reference
        What labels them.
    store
        Where the labels are kept.
    limits
        What a calculation may take and give; None for the defaults of `LabelLimits`.
    executor
        Where calculations run, on this machine or others that share its files, for instance the
        executor of a Dask client. None: in processes of this machine.
    workers
        How many calculations run at once without an executor; None for one per core, or one at a
        time where the command of the reference starts several processes itself.
    retry_quarantined
        True to calculate again what is quarantined.
    keep_files
        True to keep the files of the calculators in the store's work folder. Those of quarantined
        structures are always kept, in its folder ``quarantined``.
    progress
        Called after each calculation, in this thread.

    Raises
    ------
    LabellingError
        When nothing can be calculated until the user does what the message says. What was finished
        before is in the store.
    """
    started = time.perf_counter()
    dataset = Dataset.of(structures)
    jobs = [Job.for_reference(atoms, reference) for atoms in dataset]
    limits = limits or LabelLimits()
    workplace = Workplace(store, keep_files=keep_files)
    workplace.recover(limits)
    unique = {job.key: job for job in jobs}
    known = {
        key: stored.outcome
        for key, stored in store.lookup(unique).items()
        if not (retry_quarantined and stored.outcome.status is Status.QUARANTINED)
    }
    todo = [job for key, job in unique.items() if key not in known]
    done: dict[str, Outcome] = {}
    if todo:
        run = _Run(workplace, limits, retry_quarantined, progress, len(todo))
        if executor is not None:
            done = run.in_executor(todo, executor)
        else:
            check_reference(reference, sorted({s for job in todo for s in job.symbols}))
            done = run.here(todo, default_workers(reference) if workers is None else workers)
    outcomes = known | done
    return label_result(
        dataset,
        [outcomes[job.key] for job in jobs],
        calculated=len(done),
        reused=sum(job.key in known for job in jobs),
        seconds=time.perf_counter() - started,
    )


def known_labels(
    structures: Dataset | Atoms | Sequence[Atoms], reference: Reference, store: LabelStore
) -> LabelResult:
    """Return what the store knows of some structures, without calculating anything."""
    started = time.perf_counter()
    dataset = Dataset.of(structures)
    keys = [Job.for_reference(atoms, reference).key for atoms in dataset]
    found = store.lookup(set(keys))
    return label_result(
        dataset,
        [found[key].outcome if key in found else None for key in keys],
        calculated=0,
        reused=sum(key in found for key in keys),
        seconds=time.perf_counter() - started,
    )


class _Run:
    """The calculations of one call."""

    def __init__(
        self,
        workplace: Workplace,
        limits: LabelLimits,
        again: bool,
        progress: Callable[[LabelProgress], None] | None,
        total: int,
    ) -> None:
        self._workplace = workplace
        self._limits = limits
        self._again = again
        self._progress = progress
        self._total = total
        self._done: dict[str, Outcome] = {}
        self._quarantined = 0
        self._lost: Counter[str] = Counter()

    def here(self, jobs: Iterable[Job], workers: int) -> dict[str, Outcome]:
        """Calculate in processes of this machine."""
        pool = WorkerPool()
        threads = ThreadPoolExecutor(max_workers=workers)
        try:
            return self._all(jobs, lambda task: threads.submit(perform, task, pool), 2 * workers)
        finally:
            pool.close()
            threads.shutdown(cancel_futures=True)

    def in_executor(self, jobs: Iterable[Job], executor: Executor) -> dict[str, Outcome]:
        """Calculate where the executor runs things; it gets all jobs at once."""
        return self._all(jobs, lambda task: executor.submit(perform, task), None)

    def _all(
        self,
        jobs: Iterable[Job],
        submit: Callable[[Task], Future[Outcome]],
        at_once: int | None,
    ) -> dict[str, Outcome]:
        running: dict[Future[Outcome], Job] = {}
        waiting = deque(jobs)
        elsewhere: list[Job] = []
        look_again = 0.0
        try:
            while running or waiting or elsewhere:
                left = look_again - time.monotonic() if elsewhere else None
                if left is not None and left <= 0:
                    waiting.extend(elsewhere)
                    elsewhere, left = [], None
                while waiting and (at_once is None or len(running) < at_once):
                    job = waiting.popleft()
                    task = self._prepared(job)
                    if task is not None:
                        running[submit(task)] = job
                if left is not None and not running:
                    time.sleep(left)
                finished, _ = wait(running, left, FIRST_COMPLETED)
                for future in finished:
                    job = running.pop(future)
                    if not self._settled(job, _result(future)):
                        if not elsewhere:
                            look_again = time.monotonic() + _LOOK_AGAIN
                        elsewhere.append(job)
        finally:
            for future in running:
                future.cancel()
        return self._done

    def _prepared(self, job: Job) -> Task | None:
        """Make the folder of a job ready; None where the label has come in the meantime.

        The store is asked after the folder is there: who finishes a job stores the label first and
        then takes the folder away.
        """
        folder = self._workplace.prepare(job)
        stored = self._workplace.store.lookup([job.key]).get(job.key)
        if stored is not None and not (self._again and stored.outcome.status is Status.QUARANTINED):
            self._workplace.discard(folder)
            self._finish(job, stored.outcome)
            return None
        return self._workplace.task(job, folder, self._limits)

    def _settled(self, job: Job, outcome: Outcome) -> bool:
        """Store an outcome; False where the job has to be looked at again."""
        if outcome.status is Status.MISCONFIGURED:
            raise LabellingError(f"{job.calculator}: {outcome.reason}")
        if outcome.status is Status.BUSY:
            return False
        if outcome.status is Status.GONE:
            self._lost[job.key] += 1
            if self._lost[job.key] < _LOSSES:
                return False
            reason = f"its folder was lost {_LOSSES} times; the last time: {outcome.reason}"
            outcome = Outcome(Status.QUARANTINED, reason)
        outcome = outcome.judged(job.atoms, self._limits)
        self._finish(job, self._workplace.store_outcome(job, outcome))
        return True

    def _finish(self, job: Job, outcome: Outcome) -> None:
        self._done[job.key] = outcome
        self._quarantined += outcome.status is Status.QUARANTINED
        if self._progress is not None:
            self._progress(
                LabelProgress(len(self._done), self._total, self._quarantined, outcome.reason)
            )


def _result(future: Future[Outcome]) -> Outcome:
    try:
        return future.result()
    except BrokenExecutor as error:
        raise LabellingError(
            f"the executor takes no more calculations ({error}); give a new one"
        ) from error


def check_reference(reference: Reference, symbols: Sequence[str]) -> None:
    """Look for what a reference needs to label structures of some elements, calculating nothing.

    Raises
    ------
    LabellingError
        Something is missing, or a program or its launcher cannot start; the message says what to
        do.
    """
    machine, variables = reference.machine, reference.machine.get("environment", {})
    environment = {name: str(value) for name, value in {**os.environ, **variables}.items()}
    try:
        reference.code.check(reference.complete_settings, machine, symbols)
        reference.code.try_out(machine, environment)
    except MisconfiguredError as error:
        raise LabellingError(f"{reference.calculator}: {error}") from error
