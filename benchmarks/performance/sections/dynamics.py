"""Where the time of molecular dynamics goes: neighbour list, kernel, all else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from time import process_time

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import all_changes
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution
from ase.md.verlet import VelocityVerlet
from numpy.typing import NDArray

import maxvolt
from maxvolt.calculators.ase import NeighborhoodPotential
from maxvolt.calculators.verlet import VerletNeighbors
from maxvolt.native.kernels import Energies
from maxvolt.native.neighborhoods import Neighborhoods
from maxvolt.neighbors import NeighborList
from performance.cases import bcc_crystal
from performance.context import Context
from performance.results import Case, Findings, Measurement

__all__ = ["measure"]

_POTENTIAL = "reference/mlip3/active_set/m3_08_trained.almtp"  # level 8
_TEMPERATURES = (300, 2000)  # K
_TIME_STEP = 2.0  # fs
_ATOMS = 2_000
_EQUILIBRATION = 20  # steps


def measure(context: Context) -> Findings:
    """Molybdenum at two temperatures, level 8, one thread."""
    found: list[Measurement] = []
    for temperature in _TEMPERATURES:
        context.say(f"dynamics at {temperature} K")
        found += _run(context, temperature, steps=100 if context.quick else 500)
    return Findings(tuple(found))


class _TimedNeighbors(VerletNeighbors):
    """A neighbour list that knows how long it took."""

    seconds = 0.0

    def update(
        self, positions: NDArray[np.float64], cell: NDArray[np.float64], pbc: NDArray[np.bool_]
    ) -> NeighborList:
        began = process_time()
        pairs = super().update(positions, cell, pbc)
        self.seconds += process_time() - began
        return pairs


class _TimedPotential:
    """A potential that knows how long its kernel took."""

    def __init__(self, potential: NeighborhoodPotential) -> None:
        self.potential = potential
        self.species = potential.species
        self.cutoff = potential.cutoff
        self.seconds = 0.0

    def evaluate_neighborhoods(
        self, where: Neighborhoods, *, threads: int | None = None
    ) -> Energies:
        began = process_time()
        energies = self.potential.evaluate_neighborhoods(where, threads=threads)
        self.seconds += process_time() - began
        return energies


class _TimedCalculator(maxvolt.Calculator):
    """A calculator that notes what each calculation took, part by part."""

    def __init__(self, potential: NeighborhoodPotential) -> None:
        self.kernel = _TimedPotential(potential)
        super().__init__(self.kernel, threads=1)
        self.search = _TimedNeighbors(self.neighbors.cutoff, self.neighbors.skin)
        self.neighbors = self.search
        self.steps: list[_Step] = []

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        search, kernel, builds = self.search.seconds, self.kernel.seconds, self.search.n_builds
        began = process_time()
        super().calculate(atoms, properties, system_changes)
        total = process_time() - began
        search, kernel = self.search.seconds - search, self.kernel.seconds - kernel
        self.steps.append(
            _Step(search, kernel, total - search - kernel, self.search.n_builds > builds)
        )


@dataclass(frozen=True, slots=True)
class _Step:
    """Seconds of one calculation: update of the list, kernel, the rest of the calculator."""

    search: float
    kernel: float
    around: float
    rebuilt: bool


@dataclass(frozen=True, slots=True)
class _Parts:
    """Seconds of many steps."""

    neighbours: float
    kernel: float
    rest: float


def _parts(steps: Sequence[_Step], total: float) -> _Parts:
    """Where the time of all steps went.

    A new list is also laid out for the kernels. That is part of its cost, and the calculator does
    it outside `update`: it is what the rest of the calculator takes longer where a list is new.
    """
    new = [step.around for step in steps if step.rebuilt]
    old = [step.around for step in steps if not step.rebuilt]
    laying_out = len(new) * max(mean(new) - mean(old), 0.0) if new and old else 0.0
    neighbours = sum(step.search for step in steps) + laying_out
    kernel = sum(step.kernel for step in steps)
    return _Parts(neighbours, kernel, total - neighbours - kernel)


def _run(context: Context, temperature: int, steps: int) -> list[Measurement]:
    """NVE from a crystal whose atoms have twice the temperature in kinetic energy."""
    potential = maxvolt.read_potential(context.reference(_POTENTIAL), ["Mo"])
    if not isinstance(potential, maxvolt.MTP):
        raise TypeError(f"{_POTENTIAL} holds no single potential")
    calculator = _TimedCalculator(potential)
    atoms = bcc_crystal(_ATOMS)
    atoms.calc = calculator
    MaxwellBoltzmannDistribution(atoms, temperature_K=2 * temperature, rng=np.random.default_rng(1))
    dynamics = VelocityVerlet(atoms, _TIME_STEP * units.fs)
    dynamics.run(_EQUILIBRATION)
    calculator.steps.clear()
    began = process_time()
    dynamics.run(steps)
    parts = _parts(calculator.steps, process_time() - began)
    case: Case = {"temperature": temperature, "level": 8}
    named = {"neighbour list": parts.neighbours, "kernel": parts.kernel, "rest": parts.rest}
    per_atom = 1e6 / (steps * len(atoms))
    found = [
        Measurement("time per atom and step", seconds * per_atom, "us", {**case, "part": name})
        for name, seconds in named.items()
    ]
    share = parts.neighbours / parts.kernel
    rebuilds = sum(step.rebuilt for step in calculator.steps)
    return [
        *found,
        Measurement("neighbour list / kernel", share, "", case),
        Measurement("steps per rebuild", steps / max(rebuilds, 1), "", case, "neither"),
        Measurement("final temperature", atoms.get_temperature(), "K", case, "neither"),
    ]
