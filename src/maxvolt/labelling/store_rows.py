"""A row of the store, read back: whole, or named as what cannot be read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from maxvolt.labelling.content import check_structure
from maxvolt.labelling.jobs import Outcome, Status, described
from maxvolt.labelling.limits import NO_LIMITS, CalculatedLabels

__all__ = ["Stored", "read_row"]


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """One row of the store.

    Parameters
    ----------
    atoms
        The structure; without atoms where the row cannot be read.
    outcome
        Its labels, or why it has none.
    calculator
        Name of the calculator.
    """

    atoms: Atoms
    outcome: Outcome
    calculator: str


def read_row(database: Any, number: int, path: Path) -> Stored:
    """Read a row; one that cannot be read is as good as quarantined, with a reason that names it.

    Parameters
    ----------
    database
        Of ASE, opened.
    number
        The row's ``id``.
    path
        The file, for the reason.
    """
    try:
        return _stored(database.get(id=number))
    except Exception as error:  # noqa: BLE001 - ASE, NumPy and JSON each raise their own
        reason = f"row {number} of {path} cannot be read ({described(error)})"
        return Stored(Atoms(), Outcome(Status.QUARANTINED, reason), "unknown")


def _stored(row: Any) -> Stored:
    atoms = row.toatoms()
    atoms.calc = None
    check_structure(atoms)
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
    ).judged(atoms, NO_LIMITS)
    if outcome.status is not status:
        raise ValueError(outcome.reason)
    return Stored(atoms, outcome, str(row.reference))
