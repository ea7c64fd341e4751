"""Where labels are kept: an ASE database in SQLite, one row per structure and reference.

The hash of structure and settings is the row's ``unique_id``, which SQLite itself keeps unique:
two processes cannot store one label twice. Each row is written in one transaction, so that a kill
leaves it there whole or not at all. ``ase db labels.db`` shows the rows; quarantined ones hold the
reason and no numbers.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db import connect
from ase.db.core import now
from ase.db.row import AtomsRow
from ase.db.sqlite import index_statements, init_statements

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.labelling.jobs import Job, Outcome, Status, readable
from maxvolt.labelling.limits import NO_LIMITS, CalculatedLabels
from maxvolt.labelling.reference import Reference
from maxvolt.labelling.store_rows import Stored, read_row

__all__ = ["LabelStore", "Stored"]

# ASE does not annotate them.
_connect: Callable[..., Any] = connect
_single_point: Callable[..., Any] = SinglePointCalculator
_row: Callable[..., Any] = AtomsRow
_now: Callable[[], float] = now

_log = logging.getLogger(__name__)

_LONGEST_REASON = 200
_PATIENCE = 60.0
"""Seconds to wait for another process that writes."""


@dataclass(frozen=True, slots=True)
class LabelStore:
    """Labels in an ASE database.

    Parameters
    ----------
    path
        The file; made where it does not exist. Calculations in progress have their folders in
        `work_folder` beside it.
    """

    path: Path
    work_folder: Path = field(init=False)

    def __post_init__(self) -> None:
        path = Path(self.path).absolute()
        if path.is_dir() or not path.parent.is_dir():
            raise DataError(
                f"{self.path}: a database cannot be kept here; give a file in a folder that exists"
            )
        object.__setattr__(self, "path", path)
        object.__setattr__(self, "work_folder", path.with_name(f"{path.name}.work"))

    # ----------------------------------------------------------------- looking up

    def get(self, structure: Atoms, reference: Reference) -> Stored | None:
        """Return what is stored for a structure and a reference; None when nothing is."""
        key = Job.for_reference(structure, reference).key
        return self.lookup([key]).get(key)

    def lookup(self, keys: Iterable[str]) -> dict[str, Stored]:
        """Return what is stored under some keys; those without an entry are left out."""
        found = {}
        with self._opened() as database:
            for key in keys:
                for number in _numbers(database, _WITH_KEY, key):
                    found[key] = read_row(database, number, self.path)
        return found

    def count(self) -> int:
        """Return how many entries there are, those in quarantine included."""
        if not self.path.exists():
            return 0
        with self._opened() as database:
            return int(database.count())

    def structures(self, keys: Iterable[str]) -> Dataset:
        """Return the structures stored under some keys with their labels, those that have any."""
        keys = list(keys)
        found = self.lookup(keys)
        stored = [found[key] for key in keys if key in found]
        return Dataset.from_atoms(
            [
                _labelled_atoms(one.atoms, one.outcome.labels)
                for one in stored
                if one.outcome.labels is not None
            ]
        )

    def labelled(self, reference: Reference | None = None) -> Dataset:
        """Return all labelled structures, of one reference or of all, in the order of storing."""
        structures = [
            _labelled_atoms(stored.atoms, stored.outcome.labels)
            for stored in self._all(Status.LABELLED, reference)
            if stored.outcome.labels is not None
        ]
        return Dataset.from_atoms(structures)

    def quarantined(self, reference: Reference | None = None) -> list[tuple[Atoms, str]]:
        """Return the structures that have no labels and the reasons."""
        return [
            (stored.atoms, stored.outcome.reason)
            for stored in self._all(Status.QUARANTINED, reference)
        ]

    def _all(self, status: Status, reference: Reference | None) -> Iterator[Stored]:
        with self._opened() as database:
            numbers = _numbers(database, _WITH_PAIR, "status", str(status))
            if reference is not None:
                tag = _settings_tag(reference.key)
                of_reference = set(_numbers(database, _WITH_PAIR, "settings_hash", tag))
                numbers = [number for number in numbers if number in of_reference]
            stored = [read_row(database, number, self.path) for number in numbers]
        for one in stored:
            if one.outcome.status is not status:  # the row says one thing, its content another
                _log.warning("%s; left out", one.outcome.reason)
                continue
            yield one

    # ----------------------------------------------------------------- storing

    def add(self, job: Job, outcome: Outcome) -> bool:
        """Store an outcome; return whether anything changed.

        A label is never replaced; a quarantined entry is replaced by whatever comes later, and so
        is one that cannot be read.

        Raises
        ------
        DataError
            The labels are none, or the database cannot be written.
        """
        if outcome.judged(job.atoms, NO_LIMITS).status is not outcome.status:
            reason = outcome.judged(job.atoms, NO_LIMITS).reason
            raise DataError(f"{self.path}: this cannot be stored as a label: {reason}")
        row = _row(_labelled_atoms(job.atoms, outcome.labels, job.calculator))
        row.unique_id = job.key
        row.ctime = _now()  # ASE fills these in for atoms, not for rows
        row.user = readable(os.environ.get("USER", ""))
        try:
            with self._opened() as database:
                database.write(row, _pairs(job, outcome), _data(job, outcome))
        except sqlite3.IntegrityError:
            return self._replace(row, job, outcome)
        return True

    def _replace(self, row: Any, job: Job, outcome: Outcome) -> bool:
        """Replace the quarantined entry that is in the way."""
        with self._opened() as database:
            for number in _numbers(database, _WITH_KEY, job.key):
                old = read_row(database, number, self.path)
                if old.outcome.status is Status.LABELLED:
                    return False
                database.write(row, _pairs(job, outcome), _data(job, outcome), id=number)
        return True

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        """Open the database for one transaction."""
        self._make()
        # ASE's own lock is a file that a killed process leaves behind; SQLite's locks are not.
        database = _connect(self.path, type="db", use_lock_file=False, serial=True)
        try:
            with database:
                yield database
        except _DATABASE_ERRORS as error:
            if isinstance(error, sqlite3.IntegrityError):
                raise
            raise DataError(self._complaint(error)) from error

    def _make(self) -> None:
        """Make the tables of ASE's database, all or none, where there are none."""
        try:
            with closing(
                sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None)
            ) as made:
                if made.execute(_HAS_TABLES).fetchone()[0]:
                    return
                made.execute("BEGIN IMMEDIATE")
                if not made.execute(_HAS_TABLES).fetchone()[0]:
                    for statement in (*init_statements, *index_statements):
                        made.execute(statement)
                made.execute("COMMIT")
        except _DATABASE_ERRORS as error:
            raise DataError(self._complaint(error)) from error

    def _complaint(self, error: Exception) -> str:
        said = f"{self.path}: cannot be used as a database of labels ({error})"
        remedies = [remedy for words, remedy in _REMEDIES.items() if words in str(error)]
        return "; ".join([said, *remedies])


def _numbers(database: Any, statement: str, *values: str) -> list[int]:
    """Return the numbers of some rows without reading them: one of them may be damaged."""
    with database.managed_connection() as connection:
        return [int(number) for (number,) in connection.execute(statement, values)]


_WITH_KEY = "SELECT id FROM systems WHERE unique_id=?"
_WITH_PAIR = "SELECT id FROM text_key_values WHERE key=? AND value=? ORDER BY id"
_DATABASE_ERRORS = (
    *(sqlite3.Error, OSError, ValueError),
    *(LookupError, TypeError, AssertionError),  # of ASE, where tables are not what they should be
)
_REMEDIES = {
    "full": "make room on the disk and run again: what was finished is kept",
    "locked": "another program keeps it open for writing; end that and run again",
    "malformed": "take it from a backup, or recover what is left with 'sqlite3 FILE .recover'",
    "not a database": "is it another file? Otherwise give the database a new name",
    "unable to open": "may it be read and written, and its folder, too?",
    "I/O": "is the disk full, or does its file system lack locks? Keep it on a local disk",
}
_HAS_TABLES = "SELECT COUNT(*) FROM sqlite_master WHERE name='information'"


def _labelled_atoms(
    atoms: Atoms, labels: CalculatedLabels | None, calculator: str = "unknown"
) -> Atoms:
    """Return a structure with its labels attached, if it has any."""
    atoms = atoms.copy()
    if labels is not None:
        atoms.calc = _single_point(atoms, **labels.to_results())
        atoms.calc.name = calculator
    return atoms


def _pairs(job: Job, outcome: Outcome) -> dict[str, Any]:
    """Return what can be searched for with ``ase db``."""
    pairs: dict[str, Any] = {
        "status": str(outcome.status),
        "reference": job.calculator,
        "settings_hash": _settings_tag(job.settings_key),
        "structure_hash": f"structure-{job.structure_key}",
        "seconds": outcome.seconds,
        "attempts": outcome.attempts,
    }
    if outcome.reason:
        pairs["reason"] = f"reason: {outcome.reason[:_LONGEST_REASON]}"
    return pairs


def _settings_tag(key: str) -> str:
    """Return a hash in a form that ASE cannot take for a number."""
    return f"settings-{key}"


def _data(job: Job, outcome: Outcome) -> dict[str, Any]:
    return {"settings": dict(job.settings), "reason": outcome.reason}
