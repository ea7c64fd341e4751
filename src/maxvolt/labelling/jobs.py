"""A calculation as a folder: what is to be done, and what came of it.

``job.json`` holds the structure and the calculator, ``result.json`` the labels or the reason why
there are none. Both appear whole or not at all, and together they are everything that a label
needs on its way into the database: a folder can be filled here, computed elsewhere and collected
later.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import numpy as np
from ase import Atoms

from maxvolt.errors import DataError, FileFormatError
from maxvolt.files import replacing
from maxvolt.labelling.codes import get_code
from maxvolt.labelling.codes.protocol import Code
from maxvolt.labelling.content import (
    bare_structure,
    check_structure,
    label_key,
    settings_hash,
    structure_hash,
)
from maxvolt.labelling.limits import (
    CalculatedLabels,
    LabelLimits,
    RejectedError,
    labels_from_results,
)
from maxvolt.labelling.reference import Reference

__all__ = [
    "JOB",
    "RESULT",
    "Job",
    "Outcome",
    "Status",
    "described",
    "finished_outcome",
    "read_result",
    "readable",
    "write_result",
]

JOB = "job.json"
RESULT = "result.json"

_UNUSABLE = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError)
"""What a document raises that does not hold what it should."""

_LONGEST_REASON = 2000
"""Characters of what a calculator said that are kept."""

_MANY = 1_000_000
"""More attempts than anything makes."""


class Status(StrEnum):
    """What became of a calculation."""

    LABELLED = "labelled"
    """It has labels."""
    QUARANTINED = "quarantined"
    """It has none, for good; the reason says why."""
    FAILED = "failed"
    """It failed and may be tried again."""
    MISCONFIGURED = "misconfigured"
    """Nothing can be calculated until the user does what the reason says."""
    BUSY = "busy"
    """Another process is at it."""
    GONE = "gone"
    """Another process has finished it and taken the folder away."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What became of one calculation.

    Parameters
    ----------
    status
        One of `Status`.
    reason
        Why there are no labels; "" where there are.
    labels
        The labels; None unless the status says so.
    seconds
        Wall time of the calculation.
    attempts
        How often it was tried.
    """

    status: Status
    reason: str = ""
    labels: CalculatedLabels | None = None
    seconds: float = 0.0
    attempts: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", readable(self.reason))

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as JSON values, with all digits."""
        document: dict[str, Any] = {
            "status": str(self.status),
            "reason": self.reason,
            "seconds": self.seconds,
            "attempts": self.attempts,
        }
        if self.labels is not None:
            document |= {
                "free_energy_eV": self.labels.free_energy,
                "energy_eV": self.labels.energy,
                "forces_eV_per_A": self.labels.forces.tolist(),
                "stress_eV_per_A3": (
                    None if self.labels.stress is None else self.labels.stress.tolist()
                ),
            }
        return document

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Return the outcome that `to_dict` wrote.

        Raises
        ------
        KeyError, TypeError, ValueError
            When it did not write this.
        """
        status = Status(document["status"])
        labels = None
        if status is Status.LABELLED:
            stress = document["stress_eV_per_A3"]
            labels = CalculatedLabels(
                free_energy=float(document["free_energy_eV"]),
                energy=float(document["energy_eV"]),
                forces=np.array(document["forces_eV_per_A"], np.float64),
                stress=None if stress is None else np.array(stress, np.float64),
            )
        seconds, attempts = float(document["seconds"]), int(document["attempts"])
        if not (math.isfinite(seconds) and 0 < attempts < _MANY):
            raise ValueError(f"{seconds} seconds, {attempts} attempts")
        return cls(status, str(document["reason"]), labels, seconds, attempts)

    def judged(self, atoms: Atoms, limits: LabelLimits) -> Self:
        """Return the outcome with labels only where they belong to a structure and keep to limits.

        A calculator shares its process and its folder with what reports the outcome: nothing that
        comes from there is believed unseen.
        """
        if self.labels is None:
            return self
        try:
            labels = labels_from_results(self.labels.to_results(), atoms, limits)
        except RejectedError as error:
            return replace(self, status=Status.QUARANTINED, reason=str(error), labels=None)
        return replace(self, labels=labels)


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One structure to be labelled by one calculator.

    Parameters
    ----------
    atoms
        The structure, reduced to what a calculator may see.
    calculator
        Name of the calculator, as in `Reference`.
    settings
        Its complete settings, defaults included.
    machine
        How it runs here.
    structure_key, settings_key, key
        Hashes of the structure, of calculator and settings, and of both.

    Raises
    ------
    DataError
        When the structure is none: unknown atomic numbers, positions that are not finite.
    """

    atoms: Atoms
    calculator: str
    settings: Mapping[str, Any]
    machine: Mapping[str, Any]
    structure_key: str = field(init=False)
    settings_key: str = field(init=False)
    key: str = field(init=False)

    def __post_init__(self) -> None:
        check_structure(self.atoms)
        object.__setattr__(self, "atoms", bare_structure(self.atoms))
        object.__setattr__(self, "structure_key", structure_hash(self.atoms))
        object.__setattr__(self, "settings_key", settings_hash(self.calculator, self.settings))
        object.__setattr__(self, "key", label_key(self.structure_key, self.settings_key))

    @classmethod
    def for_reference(cls, atoms: Atoms, reference: Reference) -> Self:
        """Return the job of labelling a structure by a reference."""
        return cls(atoms, reference.calculator, reference.complete_settings, reference.machine)

    @property
    def code(self) -> Code:
        """What runs the calculator."""
        return get_code(self.calculator)

    @property
    def symbols(self) -> list[str]:
        """Elements of the structure."""
        return sorted(set(self.atoms.get_chemical_symbols()))

    def write(self, folder: Path) -> None:
        """Describe the job in a folder."""
        atoms = self.atoms
        document = {
            "calculator": self.calculator,
            "settings": self.settings,
            "machine": self.machine,
            "numbers": atoms.numbers.tolist(),
            "positions_A": atoms.positions.tolist(),
            "cell_A": atoms.cell.array.tolist(),
            "pbc": atoms.pbc.tolist(),
            "arrays": {
                name: array.tolist()
                for name, array in atoms.arrays.items()
                if name not in ("numbers", "positions")
            },
        }
        _write_json(folder / JOB, document)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return the job that a folder describes.

        Raises
        ------
        FileFormatError
            When there is none or it cannot be read.
        """
        path = folder / JOB
        document = _read_json(path)
        try:
            atoms = Atoms(
                numbers=document["numbers"],
                positions=document["positions_A"],
                cell=document["cell_A"],
                pbc=document["pbc"],
            )
            for name, values in document["arrays"].items():
                atoms.set_array(name, np.array(values, np.float64))
            # The reference checks what the calculator and its settings can be.
            reference = Reference(
                str(document["calculator"]), document["settings"], document["machine"]
            )
            return cls(atoms, reference.calculator, reference.settings, reference.machine)
        except _UNUSABLE as error:
            raise FileFormatError(path, f"is not the description of a job ({error!r})") from error
        except DataError as error:
            raise FileFormatError(path, f"is not the description of a job: {error}") from error


def write_result(folder: Path, outcome: Outcome) -> None:
    """Leave the outcome in the folder of its job."""
    _write_json(folder / RESULT, outcome.to_dict())


def read_result(folder: Path) -> Outcome | None:
    """Return the outcome that was left in a folder; None when there is none yet.

    Raises
    ------
    FileFormatError
        What is there is not a final outcome.
    """
    path = folder / RESULT
    if not path.exists():
        return None
    document = _read_json(path)
    try:
        outcome = Outcome.from_dict(document)
        if outcome.status not in (Status.LABELLED, Status.QUARANTINED):
            raise ValueError(f"status {outcome.status}")
    except _UNUSABLE as error:
        raise FileFormatError(path, f"is not the result of a job ({error!r})") from error
    return outcome


def finished_outcome(folder: Path) -> Outcome | None:
    """Return the outcome in a folder; None also for a file that no part of this package wrote.

    Ours are whole. A calculator runs in this folder and may leave anything under any name.
    """
    try:
        return read_result(folder)
    except FileFormatError:
        return None


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    with replacing(path) as stream:
        stream.write(json.dumps(document, allow_nan=False).encode())


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise FileFormatError(path, f"cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise FileFormatError(path, f"is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise FileFormatError(path, "is not a JSON object")
    return document


def readable(text: str) -> str:
    """Return text that every file, database and terminal takes: no lone surrogate, no control."""
    cut = text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]} ..."
    return "".join(_shown(character) for character in cut)


def described(error: BaseException) -> str:
    """Return the kind of an exception and what it says, also where it cannot say it."""
    try:
        said = str(error)
    except Exception as failure:  # noqa: BLE001 - an exception of a calculator may raise any other
        said = f"its message cannot be shown: {type(failure).__name__}"
    return readable(f"{type(error).__name__}: {said}")


def _shown(character: str) -> str:
    if character.isprintable() or character in "\n\t":
        return character
    return (
        character.encode("ascii", "backslashreplace").decode()
        if ord(character) > 127
        else (f"\\x{ord(character):02x}")
    )
