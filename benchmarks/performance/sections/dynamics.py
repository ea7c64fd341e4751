"""Where the time of molecular dynamics goes: neighbour list, kernel, all else."""

from __future__ import annotations

from pathlib import Path
from time import process_time

import numpy as np
from ase import units
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution
from ase.md.verlet import VelocityVerlet
from numpy.typing import NDArray

import maxvolt
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.neighbors.verlet import VerletNeighbors
from maxvolt.potentials import NeighborhoodPotential
from maxvolt.potentials.results import Energies, Precision
from performance.cases import bcc_crystal
from performance.context import Context
from performance.results import Case, Findings, Measurement

__all__ = ["measure"]

_POTENTIAL = "reference/mlip3/active_set/m3_08_trained.almtp"  # level 8
_TEMPERATURES = (300, 1000, 2000, 4000)  # K; molybdenum melts at 2896 K
_TIME_STEP = 2.0  # fs
_ATOMS = 2_000
_EQUILIBRATION = 200  # steps; the skin of the list finds its length, too


def measure(context: Context) -> Findings:
    """Molybdenum at several temperatures, level 8, one thread."""
    found: list[Measurement] = []
    for temperature in _TEMPERATURES:
        context.say(f"dynamics at {temperature} K")
        found += _run(context, temperature, steps=200 if context.quick else 2000)
    return Findings(tuple(found))


class _TimedNeighbors(VerletNeighbors):
    """A neighbour list that knows how long it took."""

    seconds = 0.0

    def neighborhoods(
        self,
        positions: NDArray[np.float64],
        cell: NDArray[np.float64],
        pbc: NDArray[np.bool_],
        types: NDArray[np.int32],
    ) -> Neighborhoods:
        """Check the list, search and lay it out anew where atoms have moved too far."""
        began = process_time()
        found = super().neighborhoods(positions, cell, pbc, types)
        self.seconds += process_time() - began
        return found


class _TimedPotential(NeighborhoodPotential):
    """A potential that knows how long its kernel took."""

    def __init__(self, potential: maxvolt.MTP) -> None:
        self.potential = potential
        self.species = potential.species
        self.seconds = 0.0

    @property
    def cutoff(self) -> float:
        return self.potential.cutoff

    @property
    def digest(self) -> str:
        return self.potential.digest

    def write(self, path: str | Path) -> None:
        self.potential.write(path)

    def evaluate_neighborhoods(
        self,
        neighborhoods: Neighborhoods,
        *,
        threads: int | None = None,
        precision: Precision = "double",
    ) -> Energies:
        began = process_time()
        energies = self.potential.evaluate_neighborhoods(
            neighborhoods, threads=threads, precision=precision
        )
        self.seconds += process_time() - began
        return energies


def _run(context: Context, temperature: int, steps: int) -> list[Measurement]:
    """NVE from a crystal whose atoms have twice the temperature in kinetic energy."""
    potential = maxvolt.read_potential(context.reference(_POTENTIAL), ["Mo"])
    kernel = _TimedPotential(potential)
    calculator = maxvolt.Calculator(kernel, threads=1)
    search = _TimedNeighbors(calculator.neighbors.cutoff)
    calculator.neighbors = search
    atoms = bcc_crystal(_ATOMS)
    atoms.calc = calculator
    MaxwellBoltzmannDistribution(atoms, temperature_K=2 * temperature, rng=np.random.default_rng(1))
    dynamics = VelocityVerlet(atoms, _TIME_STEP * units.fs)
    dynamics.run(_EQUILIBRATION)
    kernel.seconds = search.seconds = 0.0
    builds = search.n_builds
    began = process_time()
    dynamics.run(steps)
    total = process_time() - began
    case: Case = {"temperature": temperature, "level": 8}
    named = {
        "neighbour list": search.seconds,
        "kernel": kernel.seconds,
        "rest": total - search.seconds - kernel.seconds,
    }
    per_atom = 1e6 / (steps * len(atoms))
    found = [
        Measurement("time per atom and step", seconds * per_atom, "us", {**case, "part": name})
        for name, seconds in named.items()
    ]
    share = search.seconds / kernel.seconds
    rebuilds = search.n_builds - builds
    return [
        *found,
        Measurement("neighbour list / kernel", share, "", case),
        Measurement("neighbour list / all", search.seconds / total, "", case),
        Measurement("steps per rebuild", steps / max(rebuilds, 1), "", case, "neither"),
        Measurement("final temperature", atoms.get_temperature(), "K", case, "neither"),
    ]
