"""The folders of calculations in progress, beside the store.

    labels.db.work/
      claims                   locks: who is computing what
      <key>/                   a job: described, being computed, or finished and not stored yet
      quarantined/<key>/       the files of what gave no label, for a look at what went wrong
      finished/<key>/          the files of the others, where they are kept
      .new-..., .gone-...      on the way in and on the way out

A job's folder appears in one step and disappears in one step (it is renamed), the latter only after
its outcome is in the store: another process finds either the whole folder or, in the store, what
came of it.
"""

from __future__ import annotations

import logging
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from maxvolt.errors import DataError, FileFormatError
from maxvolt.labelling.jobs import Job, Outcome, Status, finished_outcome
from maxvolt.labelling.limits import LabelLimits
from maxvolt.labelling.reference import Reference
from maxvolt.labelling.store import LabelStore
from maxvolt.labelling.worker_pool import Task
from maxvolt.processors import core_count

__all__ = ["Workplace", "default_workers"]

_log = logging.getLogger(__name__)

_CLAIMS = "claims"
_GONE = ".gone-"
_NEW = ".new-"
_FINISHED = "finished"
_QUARANTINED = "quarantined"
_KEY_DIGITS = 32
_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Workplace:
    """The work folder of a store.

    Parameters
    ----------
    store
        Where outcomes go.
    keep_files
        Whether to keep the calculators' files of labelled structures, too.
    """

    store: LabelStore
    keep_files: bool = False

    def prepare(self, job: Job) -> Path:
        """Return the folder of a job, made and described if it was not there.

        It appears in one step, whole, because other processes may make it, use it and take it away
        at the same time.
        """
        folder = self.store.work_folder / job.key
        for attempt in range(1, _ATTEMPTS + 1):
            if folder.exists():
                if _describes(folder, job):
                    break
                self.discard(folder)  # damaged by a disk or a calculator: nobody could compute it
            try:
                self._make(job, folder)
            except (OSError, DataError) as error:  # another process was faster, or tidied up
                if attempt == _ATTEMPTS:
                    raise DataError(f"{folder}: cannot be made: {error}") from error
        return folder

    def _make(self, job: Job, folder: Path) -> None:
        self.store.work_folder.mkdir(exist_ok=True)
        new = folder.with_name(f"{_NEW}{folder.name}-{secrets.token_hex(4)}")
        new.mkdir()
        try:
            job.write(new)
            new.rename(folder)
        finally:
            shutil.rmtree(new, ignore_errors=True)

    def task(self, job: Job, folder: Path, limits: LabelLimits) -> Task:
        """Return the job as it goes to an executor."""
        environment = job.machine.get("environment", {})
        return Task(
            folder=folder,
            key=job.key,
            claims=self.store.work_folder / _CLAIMS,
            limits=limits,
            machine=job.machine,
            environment={name: str(value) for name, value in environment.items()},
        )

    def store_outcome(self, job: Job, outcome: Outcome) -> Outcome:
        """Store an outcome; then the folder of the job goes where such folders go.

        Returns
        -------
        outcome
            What the store has now: the label of another process where that was faster.
        """
        if not self.store.add(job, outcome):
            there = self.store.lookup([job.key]).get(job.key)
            outcome = outcome if there is None else there.outcome
        folder = self.store.work_folder / job.key
        if outcome.status is Status.QUARANTINED:
            self._move(folder, _QUARANTINED)
        elif self.keep_files:
            self._move(folder, _FINISHED)
        else:
            self.discard(folder)
        return outcome

    def recover(self, limits: LabelLimits) -> int:
        """Store what was finished and not stored when an earlier run ended; return how many.

        A folder that cannot be read is put aside: it keeps none of the others from being stored.
        """
        stored = 0
        for folder in self._folders():
            if folder.name.startswith((_NEW, _GONE)):
                shutil.rmtree(folder, ignore_errors=True)
                continue
            outcome = finished_outcome(folder)
            if outcome is None:
                continue
            try:
                job = Job.read(folder)
            except FileFormatError as error:
                if folder.exists():  # otherwise another process has just done the same
                    _log.warning("%s; put into the folder %s", error, _QUARANTINED)
                    self._move(folder, _QUARANTINED)
                continue
            self.store_outcome(job, outcome.judged(job.atoms, limits))
            stored += 1
        return stored

    def discard(self, folder: Path) -> None:
        """Remove a folder, in one step for all who look at it."""
        gone = folder.with_name(f"{_GONE}{folder.name}-{secrets.token_hex(4)}")
        with suppress(FileNotFoundError):
            folder.rename(gone)
            shutil.rmtree(gone, ignore_errors=True)

    def _move(self, folder: Path, where: str) -> None:
        target = self.store.work_folder / where / folder.name
        with suppress(OSError):  # another process was faster; the label is in the store anyway
            target.parent.mkdir(exist_ok=True)
            if target.exists():
                shutil.rmtree(target, ignore_errors=True)
            folder.rename(target)

    def _folders(self) -> Iterator[Path]:
        if not self.store.work_folder.is_dir():
            return
        for folder in sorted(self.store.work_folder.iterdir()):
            if folder.name.startswith((_NEW, _GONE)) or len(folder.name) == _KEY_DIGITS:
                yield folder


def _describes(folder: Path, job: Job) -> bool:
    try:
        return Job.read(folder).key == job.key
    except FileFormatError:
        return False


def default_workers(reference: Reference) -> int:
    """Return how many calculations of a reference run at once on this machine."""
    own = reference.code.processes(reference.machine)
    return core_count() if own is None else own
