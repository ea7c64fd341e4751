"""Labelling by hand: input folders for a cluster, and labels from what came back.

Nothing here runs a calculation. `write_jobs` makes a folder for each structure, with the input of
the code and a script ``run.sh``; wherever they are computed, `collect_jobs` reads the folders that
are finished, be they all or some, and can be called again when more have come back.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ase import Atoms

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError, FileFormatError, LabellingError, MaxvoltError
from maxvolt.labelling.codes.protocol import (
    MisconfiguredError,
    UnconvergedError,
    UnfinishedError,
)
from maxvolt.labelling.jobs import JOB, Job, Outcome, Status, described, read_result
from maxvolt.labelling.limits import LabelLimits, RejectedError, labels_from_results
from maxvolt.labelling.reference import Reference
from maxvolt.labelling.store import LabelStore

__all__ = ["Collected", "WrittenJobs", "collect_jobs", "write_jobs"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WrittenJobs:
    """What `write_jobs` did.

    Parameters
    ----------
    folders
        The new folders.
    known
        How many structures the store knows already.
    waiting
        How many structures already had a folder, or appeared twice.
    """

    folders: tuple[Path, ...]
    known: int
    waiting: int


@dataclass(frozen=True, slots=True, eq=False)
class Collected:
    """What `collect_jobs` found, folder by folder.

    Parameters
    ----------
    labelled
        Folders whose labels are now in the store.
    quarantined
        Folders whose calculation gave no label, and why.
    unfinished
        Folders without output or with output that ends early, and what is missing.
    known
        Folders whose labels were in the store before.
    structures
        The structures of the folders that have labels now, with them, in the order of the folders.
    """

    labelled: tuple[Path, ...]
    quarantined: tuple[tuple[Path, str], ...]
    unfinished: tuple[tuple[Path, str], ...]
    known: tuple[Path, ...]
    structures: Dataset


def write_jobs(
    structures: Dataset | Atoms | Sequence[Atoms],
    reference: Reference,
    folder: str | Path,
    *,
    store: LabelStore | None = None,
) -> WrittenJobs:
    """Write a folder with input for each structure.

    Parameters
    ----------
    structures
        What is to be labelled.
    reference
        What labels it.
    folder
        Where the folders go; those already there stay as they are.
    store
        Labels known already; structures found there get no folder.

    Raises
    ------
    LabellingError
        When the input cannot be made, for instance without a pseudopotential.
    """
    folder = Path(folder)
    dataset = Dataset.of(structures)
    jobs = [Job.for_reference(atoms, reference) for atoms in dataset]
    labelled: set[str] = set()
    if store is not None:
        labelled = {
            key
            for key, stored in store.lookup(job.key for job in jobs).items()
            if stored.outcome.status is Status.LABELLED
        }
    there = _keys(_job_folders(folder)) if folder.is_dir() else set()
    written: list[Path] = []
    for index, job in enumerate(jobs):
        if job.key in labelled or job.key in there:
            continue
        there.add(job.key)
        name = f"{index:05d}_{job.atoms.get_chemical_formula()}_{job.key[:8]}"
        written.append(_write_job(job, folder / name))
    known = sum(job.key in labelled for job in jobs)
    return WrittenJobs(tuple(written), known, len(jobs) - known - len(written))


def _keys(folders: Iterable[Path]) -> set[str]:
    """Return the keys of the jobs in some folders; what cannot be read is none."""
    found = set()
    for path in folders:
        try:
            found.add(Job.read(path).key)
        except FileFormatError as error:
            _log.warning("%s; the folder is left as it is", error)
    return found


def _write_job(job: Job, folder: Path) -> Path:
    """Write one folder; its description comes last, so that half a folder counts as none."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        job.code.check(job.settings, job.machine, job.symbols)
        job.code.write_input(job.atoms, job.settings, job.machine, folder)
    except MisconfiguredError as error:
        raise LabellingError(f"{job.calculator}: {error}") from error
    except OSError as error:
        raise DataError(f"{folder}: cannot be written: {error.strerror or error}") from error
    job.write(folder)
    return folder


def collect_jobs(
    folder: str | Path, store: LabelStore, *, limits: LabelLimits | None = None
) -> Collected:
    """Read the folders that are finished and store their labels.

    Parameters
    ----------
    folder
        Where `write_jobs` wrote, or a copy of some or all of it.
    store
        Where the labels go.
    limits
        What a label must keep to; None for the defaults.

    Raises
    ------
    DataError
        When the folder holds no jobs.
    """
    folder = Path(folder)
    folders = _job_folders(folder) if folder.is_dir() else []
    if not folders:
        raise DataError(f"{folder}: holds no folder with a {JOB}; expected what --manual wrote")
    labelled: list[Path] = []
    quarantined: list[tuple[Path, str]] = []
    unfinished: list[tuple[Path, str]] = []
    known: list[Path] = []
    keys: list[str] = []
    for path in folders:
        try:
            job = Job.read(path)
            keys.append(job.key)
            before = store.lookup([job.key]).get(job.key)
            if before is not None and before.outcome.status is Status.LABELLED:
                known.append(path)
                continue
            outcome = _outcome(job, path, limits or LabelLimits())
        except (UnfinishedError, MaxvoltError) as error:
            unfinished.append((path, str(error)))
            continue
        except Exception as error:  # noqa: BLE001 - ASE's readers raise whatever went wrong
            unfinished.append((path, f"cannot be read ({described(error)})"))
            continue
        store.add(job, outcome)
        if outcome.status is Status.LABELLED:
            labelled.append(path)
        else:
            quarantined.append((path, outcome.reason))
    return Collected(
        labelled=tuple(labelled),
        quarantined=tuple(quarantined),
        unfinished=tuple(unfinished),
        known=tuple(known),
        structures=store.structures(keys),
    )


def _outcome(job: Job, folder: Path, limits: LabelLimits) -> Outcome:
    """Return what became of a job that ran elsewhere."""
    left = read_result(folder)
    if left is not None:
        return left.judged(job.atoms, limits)
    try:
        results = job.code.read_output(job.atoms, job.settings, folder)
        labels = labels_from_results(results, job.atoms, limits)
    except UnconvergedError as error:
        return Outcome(Status.QUARANTINED, f"not converged: {error}")
    except RejectedError as error:
        return Outcome(Status.QUARANTINED, str(error))
    return Outcome(Status.LABELLED, labels=labels)


def _job_folders(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.glob(f"*/{JOB}"))
