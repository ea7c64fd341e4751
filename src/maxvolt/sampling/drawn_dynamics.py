"""Many runs of molecular dynamics, each with a start and schedules of its own, drawn from seeds."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from ase.calculators.calculator import Calculator

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.limits import STRUCTURES
from maxvolt.sampling.drawn_schedules import NonequilibriumTemperatures, OscillatingStrains
from maxvolt.sampling.dynamics import MolecularDynamics
from maxvolt.sampling.random_boxes import RandomBoxes
from maxvolt.sampling.results import SamplingResult
from maxvolt.sampling.rule import Thresholds
from maxvolt.sampling.scenario import Progress

__all__ = ["DrawnDynamics"]

_START, _TEMPERATURE, _STRAIN = range(3)
"""Each has random numbers of its own, so that another range of one leaves the others alone."""


@dataclass(frozen=True, slots=True, eq=False)
class DrawnDynamics:
    """Runs of molecular dynamics that differ in what each of them draws.

    Nothing is drawn before a run begins, so that thousands of them cost little to plan. What run k
    draws depends on the seed, on the name and on k only.

    Parameters
    ----------
    dynamics
        One run: what all have in common is taken from it. Its structures are started from in turn,
        unless there are `boxes`; its temperature and cell hold unless they are drawn.
    runs
        How many there are.
    seed
        From which starts and schedules are drawn.
    boxes
        Each run begins with a box of its own.
    temperatures
        Each run has a schedule of its own.
    strains
        Each cell oscillates in its own way.
    part
        Number of the first run.

    Raises
    ------
    DataError
        What is drawn does not go with the ensemble, or the number of runs is impossible.

    Examples
    --------
    ``boxes = RandomBoxes({"Al": 1})``;
    ``example = MolecularDynamics("melt", boxes.draw(), steps=250_000, temperature=300)``;
    ``DrawnDynamics(example, 1000, boxes=boxes, temperatures=NonequilibriumTemperatures())``
    """

    dynamics: MolecularDynamics
    runs: int = 1
    seed: int = 0
    boxes: RandomBoxes | None = None
    temperatures: NonequilibriumTemperatures | None = None
    strains: OscillatingStrains | None = None
    part: int = 0

    def __post_init__(self) -> None:
        STRUCTURES.check("runs", self.runs, DataError)
        if self.temperatures is not None and self.dynamics.ensemble == "nve":
            raise DataError(
                f"molecular dynamics {self.name!r}: nve keeps no temperature, and a schedule would "
                "change nothing after its start; take nvt or npt"
            )
        if self.strains is not None and self.dynamics.ensemble == "npt":
            raise DataError(
                f"molecular dynamics {self.name!r}: the barostat of npt sets the cell; take nvt or "
                "nve for strains that oscillate"
            )
        if self.strains is not None and not self.dynamics.structures.pbc.all():
            flat = int((~self.dynamics.structures.pbc.all(axis=1)).argmax())
            raise DataError(
                f"molecular dynamics {self.name!r}: structure {flat} is not periodic in three "
                "directions and has no cell to strain; leave out the strain, or give it a cell"
            )

    @property
    def name(self) -> str:
        """Name of the scenario."""
        return self.dynamics.name

    @property
    def structures(self) -> Dataset:
        """Structures of the example; `drawn` says with which one a run begins."""
        return self.dynamics.structures

    @property
    def total_steps(self) -> int:
        """Steps of all runs."""
        return self.runs * self.dynamics.steps

    def split(self) -> tuple[DrawnDynamics, ...]:
        """Return one scenario for each run."""
        return tuple(replace(self, runs=1, part=self.part + index) for index in range(self.runs))

    def drawn(self) -> MolecularDynamics:
        """Draw the first run.

        Raises
        ------
        DataError
            The box cannot be filled.
        """
        dynamics = self.dynamics
        start = dynamics.structures.select([self.part % len(dynamics.structures)])
        if self.boxes is not None:
            start = Dataset.from_atoms([self.boxes.box(self._generator(_START))])
        change: dict[str, Any] = {"structures": start, "part": self.part}
        length = dynamics.steps, dynamics.timestep_fs
        if self.temperatures is not None:
            generator = self._generator(_TEMPERATURE)
            change["temperature"] = self.temperatures.draw(generator, *length)
        if self.strains is not None:
            change["cell"] = self.strains.draw(self._generator(_STRAIN), *length)
        return replace(dynamics, **change)

    def run(
        self,
        calculator: Calculator,
        thresholds: Thresholds,
        *,
        seed: int,
        progress: Progress | None = None,
    ) -> SamplingResult:
        """Run the dynamics of the one run; see `Scenario.run`.

        Raises
        ------
        DataError
            There are several runs: `split` comes first.
        """
        if self.runs != 1:
            raise DataError(
                f"molecular dynamics {self.name!r}: has {self.runs} runs; run each part of split()"
            )
        return self.drawn().run(calculator, thresholds, seed=seed, progress=progress)

    def _generator(self, of: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(self.name.encode()), self.part, of])
