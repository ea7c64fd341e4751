"""Time of one evaluation (energy, forces, stress) at every level, beside motep's C engine.

Both evaluate the same potential files on the same structures on one thread. A whole ASE calculation
is taken after an atom has moved a little; maxvolt's kernel alone, with known neighbours, as well.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from ase import Atoms

import maxvolt
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials.mtp.binding import kernels
from performance import motep_engine
from performance.cases import STRUCTURES, reference_potential, reference_structure
from performance.context import Context, NotMeasuredError
from performance.results import Case, Findings, Measurement
from performance.timing import smallest_times

__all__ = ["CALL", "KERNEL", "MOTEP", "SINGLE", "calculation", "measure"]

KERNEL, CALL, MOTEP = "maxvolt, kernel", "maxvolt, ASE call", "motep, ASE call"
SINGLE = "maxvolt, kernel, single precision"

_LEVELS = tuple(range(2, 29, 2))
_QUICK_LEVELS = (8, 16, 20, 28)
_LARGEST_DIFFERENCE = 1e-8  # of the forces of the two programs, relative to the largest


def measure(context: Context) -> Findings:
    """Time both programs on both structures."""
    found: list[Measurement] = []
    missing = []
    try:
        motep_engine.require_motep()
    except NotMeasuredError as reason:
        missing.append(f"times of motep and ratios to them: {reason}")
    for structure in STRUCTURES:
        for level in _QUICK_LEVELS if context.quick else _LEVELS:
            context.say(f"{structure}, level {level}")
            found += _one(context, structure, level, with_motep=not missing)
    return Findings(tuple(found), not_measured=tuple(missing))


def _one(context: Context, structure: str, level: int, *, with_motep: bool) -> list[Measurement]:
    atoms = reference_structure(context, structure)
    potential = reference_potential(context, level, STRUCTURES[structure])
    neighborhoods = potential.neighborhoods(atoms)
    own = atoms.copy()
    own.calc = maxvolt.Calculator(potential, threads=1)
    works: dict[str, Callable[[], object]] = {
        KERNEL: lambda: kernels.evaluate(potential.core, neighborhoods, threads=1),
        SINGLE: lambda: kernels.evaluate(
            potential.core, neighborhoods, threads=1, precision="single"
        ),
        CALL: calculation(own),
    }
    if with_motep:
        other = motep_engine.typed_copy(atoms, potential.species)
        path = context.reference(f"reference/mlip3/cases/L{level:02d}_1sp.mtp")
        other.calc = motep_engine.calculator(path)
        _require_equal_forces(own, other, f"{structure}, level {level}")
        works[MOTEP] = calculation(other)
    times = smallest_times(works, 0.5 * context.seconds)
    case: Case = {"structure": structure, "level": level}
    found = [
        Measurement("time per atom", 1e6 * time / len(atoms), "us", {**case, "program": name})
        for name, time in times.items()
    ]
    found.append(
        Measurement("force error, single precision", _error(potential, neighborhoods), "", case)
    )
    if with_motep:
        found += [
            Measurement(
                "motep / maxvolt", times[MOTEP] / times[name], "", {**case, "of": name}, "higher"
            )
            for name in (KERNEL, CALL)
        ]
    return found


def calculation(atoms: Atoms) -> Callable[[], object]:
    """A whole ASE calculation, after the first atom has moved a little."""

    def work() -> None:
        atoms.positions[0, 0] += 1e-6
        atoms.get_forces()
        atoms.get_stress()

    return work


def _error(potential: maxvolt.MTP, neighborhoods: Neighborhoods) -> float:
    """Root mean square error of the forces in single precision, by that of the forces."""
    double = kernels.evaluate(potential.core, neighborhoods, threads=1).forces
    single = kernels.evaluate(potential.core, neighborhoods, threads=1, precision="single").forces
    return float(np.sqrt(np.mean((single - double) ** 2) / np.mean(double**2)))


def _require_equal_forces(own: Atoms, other: Atoms, what: str) -> None:
    forces = own.get_forces()
    difference = abs(forces - other.get_forces()).max() / abs(forces).max()
    if difference > _LARGEST_DIFFERENCE:
        raise RuntimeError(f"{what}: forces of the two programs differ by {difference:.1e}")
