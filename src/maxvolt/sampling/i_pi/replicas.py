"""The replicas that i-PI moves, beads of a ring polymer or others: each with a neighbour list."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator
from numpy.typing import NDArray

from maxvolt.errors import MaxvoltError
from maxvolt.sampling.results import frame
from maxvolt.sampling.rule import Limits, Stop, StopReason, Thresholds, not_finite
from maxvolt.sampling.watch import Watch
from maxvolt.sampling.workers import CalculatorFactory

__all__ = ["BrokenOffError", "Evaluation", "Keep", "Replica", "Replicas"]

Keep = Callable[[Atoms], None]
"""Takes a structure that is to be kept for selection, without labels."""


class BrokenOffError(MaxvoltError):
    """A structure is beyond what the potential can be trusted for; the message says which."""


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What i-PI gets for a structure.

    Attributes
    ----------
    energy : eV
    forces : shape (N, 3), eV/Angstrom
    virial : shape (3, 3), eV
        Minus volume times stress; zero without a cell periodic in three directions.
    extra
        Numbers that i-PI may write to files.
    """

    energy: float
    forces: NDArray[np.float64]
    virial: NDArray[np.float64]
    extra: Mapping[str, float | int]


@dataclass(slots=True, eq=False)
class Replica:
    """One of the structures that i-PI moves.

    Attributes
    ----------
    index
        As i-PI counts them.
    atoms
        As it was evaluated last, with its calculator.
    watch
        Looks after its geometry.
    evaluations
        How often it was evaluated.
    kept
        How many structures of it were kept.
    largest_grade
        NaN where there are no grades.
    """

    index: int
    atoms: Atoms
    watch: Watch
    evaluations: int = 0
    kept: int = 0
    largest_grade: float = math.nan


@dataclass(slots=True, eq=False)
class Replicas:
    """Evaluates structures of replicas under the two-threshold rule.

    The beads of a ring polymer come one after the other, an Angstrom apart from each other: only
    with a calculator for each does a neighbour list serve more than one evaluation.

    Parameters
    ----------
    structure
        Elements and periodicity; cell and positions are those of i-PI.
    calculator_factory
        Makes the calculator of a replica; they may share a potential.
    thresholds
        Where structures are kept and where it ends.
    limits
        Distances at which it ends.
    record_every
        Of each replica every so many structures may be kept, and the one at the end.
    keep
        Takes what is kept; None: nothing is kept.
    name
        Of what is kept, its group.
    """

    structure: Atoms
    calculator_factory: CalculatorFactory
    thresholds: Thresholds = field(default_factory=Thresholds)
    limits: Limits = field(default_factory=Limits)
    record_every: int = 1
    keep: Keep | None = None
    name: str = "i-PI"
    _known: dict[int, Replica] = field(default_factory=dict, init=False, repr=False)

    @property
    def all(self) -> list[Replica]:
        """Those that were evaluated so far, in their order."""
        return [self._known[index] for index in sorted(self._known)]

    def evaluate(
        self, index: int, cell: NDArray[np.float64], positions: NDArray[np.float64]
    ) -> Evaluation:
        """Evaluate a replica where it is now.

        Parameters
        ----------
        index
            Which replica.
        cell : shape (3, 3), Angstrom
        positions : shape (N, 3), Angstrom

        Raises
        ------
        BrokenOffError
            The rule says that this must end; the structure was kept.
        MaxvoltError
            The potential has no numbers for it.
        """
        replica = self._replica(index)
        replica.atoms.set_cell(cell)
        replica.atoms.positions[:] = positions
        stop = replica.watch.check(replica.atoms)
        if stop is not None:
            raise self._broken(replica, stop)
        results = self._results(replica)
        grade = results.get("grade")
        self._judge(replica, None if grade is None else float(grade), results)
        replica.evaluations += 1
        return Evaluation(
            float(results["energy"]),
            np.asarray(results["forces"]),
            _virial(replica.atoms, results),
            {"replica": index, **_extra(results)},
        )

    def _replica(self, index: int) -> Replica:
        if index not in self._known:
            atoms = self.structure.copy()
            atoms.set_constraint()  # i-PI has its own
            atoms.calc = self.calculator_factory()
            self.thresholds.check_unit(getattr(atoms.calc, "query", None))
            self._known[index] = Replica(index, atoms, Watch(self.limits, atoms.numbers))
        return self._known[index]

    def _judge(self, replica: Replica, grade: float | None, results: Mapping[str, Any]) -> None:
        stop = not_finite(results) or self.thresholds.check(grade)
        if grade is not None and math.isfinite(grade):
            replica.largest_grade = float(np.fmax(replica.largest_grade, grade))
        recorded = replica.evaluations % self.record_every == 0
        if self.thresholds.keeps(grade) and (recorded or stop is not None):
            replica.kept += 1
            if self.keep is not None:
                atoms = replica.atoms
                self.keep(frame(atoms, self.name, replica.index, replica.evaluations, grade))
        if stop is not None:
            raise self._broken(replica, stop)

    def _results(self, replica: Replica) -> Mapping[str, Any]:
        atoms = replica.atoms
        calculator: Calculator = atoms.calc
        try:
            atoms.get_potential_energy()
            atoms.get_forces()
            if atoms.pbc.all():
                atoms.get_stress()
        except MaxvoltError as error:
            raise self._broken(replica, Stop(StopReason.FAILED, str(error))) from error
        results: Mapping[str, Any] = calculator.results
        return results

    def _broken(self, replica: Replica, stop: Stop) -> BrokenOffError:
        return BrokenOffError(
            f"replica {replica.index}, structure {replica.evaluations}, both counted from 0: "
            f"{stop.message}"
        )


def _virial(atoms: Atoms, results: Mapping[str, Any]) -> NDArray[np.float64]:
    if not atoms.pbc.all():
        return np.zeros((3, 3))
    return np.asarray(-atoms.get_volume() * atoms.get_stress(voigt=False))


def _extra(results: Mapping[str, Any]) -> dict[str, float]:
    """Numbers beyond energy, forces and virial: grade, spread of an ensemble."""
    extra = {name: float(results[name]) for name in ("grade", "energy_std") if name in results}
    if "forces_std" in results:
        spread = np.linalg.norm(np.asarray(results["forces_std"]), axis=1)
        extra["largest_force_std"] = float(spread.max())
    return extra
