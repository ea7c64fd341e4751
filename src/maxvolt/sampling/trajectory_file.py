"""Trajectories in a file that grows as they are made."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Self

from ase import Atoms

from maxvolt import io
from maxvolt.dataset import Dataset
from maxvolt.sampling.held import keep_constraints
from maxvolt.sampling.recorder import Recorder
from maxvolt.sampling.scenario import Scenario

__all__ = ["TrajectoryFile"]


class TrajectoryFile:
    """The recorded structures of trajectories, with the energies and forces of the potential.

    To be used in a ``with`` block, at whose end the last structures are written.

    Parameters
    ----------
    path
        A file of a format that can grow; an older one of this name is replaced.
    species
        Elements, for formats that number them.
    interval : s
        Least time between additions, each of which waits for the disk.
    """

    def __init__(self, path: Path, species: tuple[str, ...], interval: float = 1.0) -> None:
        self.path = path
        self._species = species
        self._interval = interval
        self._waiting: list[Atoms] = []
        self._written = 0
        self._last = -math.inf

    def __enter__(self) -> Self:
        """Begin the block."""
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()

    @property
    def length(self) -> int:
        """Number of structures."""
        return self._written + len(self._waiting)

    def recorder(self, scenario: Scenario) -> Recorder:
        """Give what adds the structures of one part of a scenario."""
        return _Adding(self, scenario.structures)

    def add(self, atoms: Atoms) -> None:
        """Add a structure with the labels that its calculator has now."""
        self._waiting.append(Dataset.from_atoms([atoms])[0])
        if time.monotonic() - self._last >= self._interval:
            self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        dataset = Dataset.from_atoms(self._waiting)
        io.write(self.path, dataset, species=self._species, append=self._written > 0)
        self._written += len(self._waiting)
        self._waiting.clear()
        self._last = time.monotonic()


class _Adding(Recorder):
    """Adds what it observes, with the constraints of the structure that the part starts from."""

    def __init__(self, file: TrajectoryFile, start: Dataset) -> None:
        self._file = file
        self._start = start

    def observe(self, step: int, atoms: Atoms) -> None:
        shown = atoms.copy()
        shown.set_constraint()
        keep_constraints(shown, self._start)
        shown.calc = atoms.calc
        shown.info["step"] = step
        self._file.add(shown)
