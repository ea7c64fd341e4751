"""What sampling gives back."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.sampling.rule import StopReason

__all__ = ["RelaxationOutcome", "SamplingResult", "Trace", "frame", "spreads_of_results"]

_ORDER = (
    StopReason.GRADE,
    StopReason.NOT_FINITE,
    StopReason.TOO_CLOSE,
    StopReason.LOST_ATOM,
    StopReason.FAILED,
)


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """A trajectory in numbers, at the recorded steps; each array has shape (k,).

    Attributes
    ----------
    steps
        Steps, counted from 0, the start.
    grades
        NaN where the calculator gives none.
    temperatures : K
    potential_energies, kinetic_energies : eV
        Of the whole structure.
    volumes : Angstrom^3
        Zero without a cell.
    energy_spreads : eV
        Sample standard deviation of the energy over the members of an ensemble, over sqrt(N); NaN
        where the calculator gives none, and empty where it was not asked.
    force_spreads : eV/Angstrom
        Largest spread of the force on an atom over the members; the same.
    """

    steps: NDArray[np.int64]
    grades: NDArray[np.float64]
    temperatures: NDArray[np.float64]
    potential_energies: NDArray[np.float64]
    kinetic_energies: NDArray[np.float64]
    volumes: NDArray[np.float64]
    energy_spreads: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    force_spreads: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    @property
    def total_energies(self) -> NDArray[np.float64]:
        """Potential plus kinetic energy, eV."""
        return self.potential_energies + self.kinetic_energies


@dataclass(frozen=True, slots=True, eq=False)
class RelaxationOutcome:
    """How the relaxation of one candidate ended.

    Attributes
    ----------
    index
        Which candidate, counted from 0.
    reason, message
        CONVERGED, or why not; the message gives details.
    steps
        Steps done.
    structure
        The last structure, relaxed or not, with its energy, forces and stress where they are known.
    grade
        Grade of the last structure; NaN where the calculator gives none.
    """

    index: int
    reason: StopReason
    message: str
    steps: int
    structure: Atoms
    grade: float

    @property
    def status(self) -> str:
        """Give ``relaxed``, ``stopped`` or ``failed``."""
        if self.reason is StopReason.CONVERGED:
            return "relaxed"
        return "failed" if self.reason is StopReason.FAILED else "stopped"


@dataclass(frozen=True, slots=True, eq=False)
class SamplingResult:
    """What one scenario, or one part of it, found.

    Attributes
    ----------
    scenario, part
        Name of the scenario, and which of its parts, counted from 0.
    reason, message
        Why it ended.
    steps, total_steps
        Steps done without a break, and steps asked for. Of relaxations: candidates that ended
        without a break, and all.
    extrapolative
        Structures with a grade of at least `Thresholds.select`, without labels; each carries
        ``grade``, ``scenario``, ``part`` and ``step`` in its infos.
    last
        The structure at the end or at the break, with its velocities; the last one with finite
        numbers where they were lost.
    grades : shape (k,)
        Grades of the recorded steps; of relaxations, of the last structure of each candidate.
    seconds
        Time it took.
    trace
        Of molecular dynamics: the trajectory in numbers.
    candidates
        Of relaxations: the end of each candidate.
    findings
        Of searches: the best distinct structures with their energies, the lowest first.
    """

    scenario: str
    reason: StopReason
    message: str
    steps: int
    total_steps: int
    extrapolative: Dataset
    last: Atoms
    grades: NDArray[np.float64]
    seconds: float
    part: int = 0
    trace: Trace | None = None
    candidates: tuple[RelaxationOutcome, ...] = ()
    findings: Dataset | None = None

    @property
    def reliability(self) -> float:
        """Steps without a break over steps asked for."""
        return self.steps / self.total_steps if self.total_steps else 1.0

    @classmethod
    def of_relaxations(
        cls,
        scenario: str,
        part: int,
        candidates: Sequence[RelaxationOutcome],
        extrapolative: Sequence[Atoms],
        seconds: float,
    ) -> SamplingResult:
        """Gather the ends of candidates, in their order."""
        ordered = tuple(sorted(candidates, key=lambda outcome: outcome.index))
        counts = Counter(outcome.reason for outcome in ordered)
        breaks = [reason for reason in _ORDER if counts[reason]]
        return cls(
            scenario=scenario,
            part=part,
            reason=breaks[0] if breaks else StopReason.FINISHED,
            message=", ".join(f"{number} {reason}" for reason, number in sorted(counts.items())),
            steps=sum(not outcome.reason.is_break for outcome in ordered),
            total_steps=len(ordered),
            extrapolative=Dataset.from_atoms(extrapolative),
            last=ordered[-1].structure,
            grades=np.array([outcome.grade for outcome in ordered]),
            seconds=seconds,
            candidates=ordered,
        )


def spreads_of_results(results: Mapping[str, Any]) -> tuple[float, float]:
    """Spread of the energy over sqrt(N), eV, and largest one of forces, eV/Angstrom; or NaN.

    Parameters
    ----------
    results
        Of a calculator; that of an ensemble has ``energy_std`` and ``forces_std``.
    """
    if "energy_std" not in results:
        return math.nan, math.nan
    of_forces = np.linalg.norm(results["forces_std"], axis=1)
    return float(results["energy_std"]) / math.sqrt(len(of_forces)), float(of_forces.max())


def frame(atoms: Atoms, scenario: str, part: int, step: int, grade: float | None) -> Atoms:
    """Return a copy of a structure without labels or velocities, and where it comes from.

    What the potential predicts must not be mistaken for a label of the reference.
    """
    copied = Atoms(numbers=atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    copied.info.update(config_type=scenario, scenario=scenario, part=part, step=step)
    if grade is not None:
        copied.info["grade"] = grade
    return copied
