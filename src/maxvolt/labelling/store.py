"""Where labels are kept: an ASE database in SQLite, one row a structure and reference.

The hash of structure and settings is the row's ``unique_id``, which SQLite itself keeps unique:
two processes cannot store one label twice. Each row is written in one transaction, so that a kill
leaves it there whole or not at all. ``ase db labels.db`` shows the rows; quarantined ones hold the
reason and no numbers.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db import connect
from ase.db.core import now
from ase.db.row import AtomsRow
from ase.db.sqlite import index_statements, init_statements

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.labelling.jobs import Job, Outcome, Status
from maxvolt.labelling.limits import CalculatedLabels
from maxvolt.labelling.reference import Reference

__all__ = ["LabelStore", "Stored"]

# ASE does not annotate them.
_connect: Callable[..., Any] = connect
_single_point: Callable[..., Any] = SinglePointCalculator
_row: Callable[..., Any] = AtomsRow
_now: Callable[[], float] = now

_LONGEST_REASON = 200
_PATIENCE = 60.0
"""Seconds to wait for another process that writes."""


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """One row of the store.

    Parameters
    ----------
    atoms
        The structure.
    outcome
        Its labels, or why it has none.
    calculator
        Name of the calculator.
    """

    atoms: Atoms
    outcome: Outcome
    calculator: str


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
                f"{self.path}: no place for a database; give a file in a folder that exists"
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
                for row in database.select(unique_id=key):
                    found[key] = _stored(row)
        return found

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
        wanted = {"status": str(status)}
        if reference is not None:
            wanted["settings_hash"] = _settings_tag(reference.key)
        with self._opened() as database:
            for row in database.select(**wanted):
                yield _stored(row)

    # ----------------------------------------------------------------- storing

    def add(self, job: Job, outcome: Outcome) -> bool:
        """Store an outcome; return whether anything changed.

        A label is never replaced; a quarantined entry is replaced by whatever comes later.
        """
        row = _row(_labelled_atoms(job.atoms, outcome.labels, job.calculator))
        row.unique_id = job.key
        row.ctime = _now()  # ASE fills these in for atoms, not for rows
        row.user = os.environ.get("USER")
        try:
            with self._opened() as database:
                database.write(row, _pairs(job, outcome), _data(job, outcome))
        except sqlite3.IntegrityError:
            return self._replace(row, job, outcome)
        return True

    def _replace(self, row: Any, job: Job, outcome: Outcome) -> bool:
        """Replace the quarantined entry that is in the way."""
        with self._opened() as database:
            for old in database.select(unique_id=job.key):
                if old.status == Status.LABELLED:
                    return False
                database.write(row, _pairs(job, outcome), _data(job, outcome), id=old.id)
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
        except (sqlite3.DatabaseError, OSError, ValueError) as error:
            if isinstance(error, sqlite3.IntegrityError):
                raise
            raise DataError(
                f"{self.path}: cannot be used as a database of labels ({error})"
            ) from error

    def _make(self) -> None:
        """Make the tables of ASE's database, all or none, where there are none."""
        with closing(sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None)) as made:
            try:
                if made.execute(_HAS_TABLES).fetchone()[0]:
                    return
                made.execute("BEGIN IMMEDIATE")
                if not made.execute(_HAS_TABLES).fetchone()[0]:
                    for statement in (*init_statements, *index_statements):
                        made.execute(statement)
                made.execute("COMMIT")
            except sqlite3.DatabaseError as error:
                raise DataError(
                    f"{self.path}: cannot be used as a database of labels ({error})"
                ) from error


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


def _stored(row: Any) -> Stored:
    status = Status(row.status)
    labels = None
    if status is Status.LABELLED:
        stress = row.get("stress")
        labels = CalculatedLabels(
            free_energy=float(row.free_energy),
            energy=float(row.energy),
            forces=np.array(row.forces, np.float64),
            stress=None if stress is None else np.array(stress, np.float64),
        )
    outcome = Outcome(
        status=status,
        reason=str(row.data.get("reason", "")),
        labels=labels,
        seconds=float(row.seconds),
        attempts=int(row.attempts),
    )
    atoms = row.toatoms()
    atoms.calc = None
    return Stored(atoms, outcome, str(row.reference))
