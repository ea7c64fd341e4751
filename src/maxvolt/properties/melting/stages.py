"""Stages of a melting point: each runs LAMMPS once and is kept in two files."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.errors import MaxvoltError
from maxvolt.properties.lammps_stages import LammpsStage, LammpsStages, Progress, damaged_stage
from maxvolt.properties.melting.inputs import (
    ORDER,
    ORDER_COLUMNS,
    PROFILE,
    TRACE,
    TRACE_COLUMNS,
)
from maxvolt.sampling.lammps.outputs import read_table

__all__ = ["Finished", "Progress", "Recorder", "Stage"]

_PURPOSE = "melting"
_PROFILE_COLUMNS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Finished:
    """What a stage has found.

    Attributes
    ----------
    digest
        Of the stage.
    trace : shape (k, 9)
        `TRACE_COLUMNS`.
    order : shape (k, 3)
        `ORDER_COLUMNS`, in the same steps.
    profiles : shape (m, bins, 2)
        Atoms per Angstrom^3 and order parameter in each slab along z.
    state
        File to go on from.
    """

    digest: str
    trace: NDArray[np.float64]
    order: NDArray[np.float64]
    profiles: NDArray[np.float64]
    state: Path

    def column(self, name: str) -> NDArray[np.float64]:
        """Return a column of the trace or of the order by its name."""
        if name in TRACE_COLUMNS:
            return self.trace[:, TRACE_COLUMNS.index(name)]
        return self.order[:, ORDER_COLUMNS.index(name)]


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """Something for LAMMPS to do.

    Attributes
    ----------
    name
        What it is, for people and for the name of its files.
    text
        The input.
    steps
        That it has at most.
    potential
        Digest of the potential.
    begins_with
        The structure, or the stage before.
    may_end_early
        Whether the input ends by itself before its steps are done.
    """

    name: str
    text: str
    steps: int
    potential: str
    begins_with: Atoms | Finished
    may_end_early: bool = False

    @property
    def digest(self) -> str:
        """Of all that decides about the result."""
        content = hashlib.sha256()
        lines = [one for one in self.text.splitlines() if not one.startswith("pair_")]
        content.update("\n".join([self.potential, *lines]).encode())
        if isinstance(self.begins_with, Finished):
            content.update(self.begins_with.digest.encode())
        else:
            atoms = self.begins_with
            content.update(np.round(atoms.cell.array, 9).tobytes() + atoms.numbers.tobytes())
        return content.hexdigest()


class Recorder:
    """Runs stages, and keeps what they find in a folder.

    Parameters
    ----------
    folder
        Where the files are; it is made where it is missing.
    command
        Words that start LAMMPS.
    progress
        Is told how far a stage is.
    """

    def __init__(
        self, folder: Path, command: Sequence[str], progress: Progress | None = None
    ) -> None:
        self._stages = LammpsStages(_PURPOSE, folder, command, progress)

    def finish(self, stage: Stage) -> Finished:
        """Return what a stage finds; run it where that is not known yet.

        Raises
        ------
        MaxvoltError
            LAMMPS fails; the message cites what it said.
        FileFormatError
            What is kept is damaged, or belongs to something else.
        """
        before = stage.begins_with
        path, document, state = self._stages.finish(
            LammpsStage(
                stage.name,
                stage.text,
                stage.digest,
                stage.steps,
                before.state if isinstance(before, Finished) else before,
                () if isinstance(before, Finished) else (before.symbols[0],),
                lambda folder: _harvest(stage.name, folder),
                (TRACE, len(TRACE_COLUMNS)),
            )
        )
        try:
            return Finished(
                document["digest"],
                np.array(document["trace"], float).reshape(-1, len(TRACE_COLUMNS)),
                np.array(document["order"], float).reshape(-1, len(ORDER_COLUMNS)),
                np.array(document["profiles"], float),
                state,
            )
        except (ValueError, KeyError, TypeError) as error:
            raise damaged_stage(path, error) from error


def _harvest(name: str, folder: Path) -> dict[str, Any]:
    trace = read_table(folder / TRACE, len(TRACE_COLUMNS))
    order = read_table(folder / ORDER, len(ORDER_COLUMNS))
    order = order[np.isin(order[:, 0], trace[:, 0])]
    if not len(trace) or len(order) != len(trace) or not np.isfinite(trace).all():
        raise MaxvoltError(
            f"melting, {name}: LAMMPS wrote no whole trace of finite numbers; the "
            "simulation has exploded, or the disk is full: try a shorter timestep"
        )
    return {
        "trace": trace.tolist(),
        "order": order.tolist(),
        "profiles": _profiles(folder / PROFILE).tolist(),
    }


def _profiles(path: Path) -> NDArray[np.float64]:
    """Read what ``fix ave/chunk`` writes: a line of three numbers, then a line a slab."""
    if not path.exists():
        return np.zeros((0, 0, 2))
    rows = read_table(path, _PROFILE_COLUMNS)
    bins = int(rows[:, 0].max(initial=0))
    return rows[:, 3:].reshape(-1, max(bins, 1), 2)
