"""What a scenario is."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol, Self

import numpy as np
from ase.calculators.calculator import Calculator

from maxvolt.dataset import Dataset
from maxvolt.sampling.results import SamplingResult
from maxvolt.sampling.rule import Thresholds

__all__ = ["KeepsJournal", "OnePartPerStructure", "Progress", "Scenario", "part_seed"]

Progress = Callable[[int], None]
"""Called now and then with the steps done since the last call."""


class Scenario(Protocol):
    """A simulation to be done: a small frozen object that can be pickled."""

    @property
    def name(self) -> str:
        """Name, different from those of the other scenarios of a run."""

    @property
    def part(self) -> int:
        """Number of this part, where it was split off a larger scenario."""

    @property
    def structures(self) -> Dataset:
        """Structures it starts from, at least one."""

    @property
    def total_steps(self) -> int:
        """How much there is to do."""

    def split(self) -> tuple[Self, ...]:
        """Cut it into parts that do not depend on each other; always into the same ones."""

    def run(
        self,
        calculator: Calculator,
        thresholds: Thresholds,
        *,
        seed: int,
        progress: Progress | None = None,
    ) -> SamplingResult:
        """Do it.

        Parameters
        ----------
        calculator
            Gives energies and forces, and ``grade`` among its results if it knows grades.
        thresholds
            Where structures are kept and where it stops.
        seed
            Random seed.
        progress
            Told the steps done.
        """


class KeepsJournal(ABC):
    """A scenario that writes down how far it is, and goes on from there; it is not a trajectory."""

    __slots__ = ()

    @abstractmethod
    def run(
        self,
        calculator: Calculator,
        thresholds: Thresholds,
        *,
        seed: int,
        progress: Progress | None = None,
        journal: Path | None = None,
    ) -> SamplingResult:
        """Do it; see `Scenario.run`.

        Parameters
        ----------
        journal
            File that it writes to and goes on from; None: it keeps nothing.
        """


class OnePartPerStructure:
    """What scenarios share that do the same number of steps from each of their structures.

    They are frozen dataclasses with the fields `structures`, `steps` and `part`.
    """

    __slots__ = ()

    structures: Dataset
    steps: int
    part: int

    @property
    def total_steps(self) -> int:
        """Steps of all parts."""
        return self.steps * len(self.structures)

    def split(self) -> tuple[Self, ...]:
        """Return one scenario for each structure."""
        return tuple(
            replace(self, structures=self.structures.select([index]), part=self.part + index)  # type: ignore[type-var]
            for index in range(len(self.structures))
        )


def part_seed(seed: int, name: str, part: int) -> int:
    """Derive the seed of a part of a scenario; it does not depend on the other scenarios."""
    sequence = np.random.SeedSequence([seed, zlib.crc32(name.encode()), part])
    return int(sequence.generate_state(1, np.uint64)[0])
