"""How the time of an evaluation grows: with atoms, species, neighbours and threads.

Potentials are this package's own, with random coefficients, written to a file that motep reads.
"""

from __future__ import annotations

from collections.abc import Callable
from time import process_time

from ase import Atoms

import maxvolt
from maxvolt.potentials.mtp.binding import kernels
from maxvolt.threads import thread_count
from performance import motep_engine
from performance.cases import bcc_crystal, mean_neighbours, random_potential
from performance.context import Context, NotMeasuredError
from performance.results import Case, Findings, Measurement
from performance.sections.evaluation import CALL, KERNEL, MOTEP, calculation
from performance.timing import elapsed, smallest_times

__all__ = ["measure"]

_LEVELS = (8, 16)
_ATOMS = (1_000, 10_000, 100_000, 1_000_000)
_MOST_ATOMS_OF_MOTEP = 10_000  # its neighbour list is Python
_SPECIES = (1, 2, 4)
_CUTOFFS = (4.0, 5.0, 6.0, 7.0)
_THREADS = (1, 2)
_THREADED_ATOMS = 20_000
FIRST = "maxvolt, first call"


def measure(context: Context) -> Findings:
    """Vary one thing at a time."""
    missing = []
    try:
        motep_engine.require_motep()
    except NotMeasuredError as reason:
        missing.append(f"times of motep: {reason}")
    with_motep = not missing
    found: list[Measurement] = []
    for level in _LEVELS:
        found += _atoms(context, level, with_motep)
        found += _species(context, level, with_motep)
        found += _neighbours(context, level, with_motep)
        found += _threads(context, level, missing)
    return Findings(tuple(found), not_measured=tuple(dict.fromkeys(missing)))


def _atoms(context: Context, level: int, with_motep: bool) -> list[Measurement]:
    """Whole calculations of ever larger crystals; the first one finds the neighbours."""
    found = []
    potential = random_potential(level)
    for n in _ATOMS[:-1] if context.quick else _ATOMS:
        context.say(f"level {level}, {n} atoms")
        atoms = bcc_crystal(n)
        atoms.calc = maxvolt.Calculator(potential, threads=1)
        case: Case = {"level": level, "atoms": n}
        first = elapsed(atoms.get_forces, process_time)
        found.append(_time(first, n, {**case, "program": FIRST}))
        works = {CALL: calculation(atoms)}
        if with_motep and n <= _MOST_ATOMS_OF_MOTEP:
            works[MOTEP] = _motep_work(context, potential, atoms)
        for name, time in smallest_times(works, 0.25 * context.seconds, least=2).items():
            found.append(_time(time, n, {**case, "program": name}))
    return found


def _species(context: Context, level: int, with_motep: bool) -> list[Measurement]:
    found = []
    for n in _SPECIES:
        context.say(f"level {level}, {n} species")
        atoms, potential = bcc_crystal(2_000, n), random_potential(level, n)
        case: Case = {"level": level, "species": n}
        found += _both(context, potential, atoms, case, with_motep)
    return found


def _neighbours(context: Context, level: int, with_motep: bool) -> list[Measurement]:
    found = []
    for cutoff in _CUTOFFS:
        context.say(f"level {level}, cutoff {cutoff} A")
        atoms, potential = bcc_crystal(2_000), random_potential(level, cutoff=cutoff)
        case: Case = {"level": level, "neighbours": round(mean_neighbours(potential, atoms), 1)}
        found += _both(context, potential, atoms, case, with_motep)
    return found


def _threads(context: Context, level: int, missing: list[str]) -> list[Measurement]:
    found = []
    atoms, potential = bcc_crystal(_THREADED_ATOMS), random_potential(level)
    neighborhoods = potential.neighborhoods(atoms)
    context.say(f"level {level}, threads")
    possible = [n for n in _THREADS if n <= thread_count(None)]
    if possible != list(_THREADS):
        missing.append(f"more than {possible[-1]} threads: this process has no more cores")
    works = {
        str(n): lambda n=n: kernels.evaluate(potential.core, neighborhoods, threads=n)
        for n in possible
    }
    times = smallest_times(works, 0.5 * context.seconds, wall=True)
    for n in possible:
        case: Case = {"level": level, "threads": n}
        found.append(_time(times[str(n)], len(atoms), {**case, "program": KERNEL}))
        speedup = times["1"] / times[str(n)]
        found.append(Measurement("speed-up", speedup, "", case, "higher"))
    return found


def _both(
    context: Context,
    potential: maxvolt.MTP,
    atoms: Atoms,
    case: Case,
    with_motep: bool,
) -> list[Measurement]:
    """The kernel, and whole calls of both programs."""
    neighborhoods = potential.neighborhoods(atoms)
    atoms.calc = maxvolt.Calculator(potential, threads=1)
    works: dict[str, Callable[[], object]] = {
        KERNEL: lambda: kernels.evaluate(potential.core, neighborhoods, threads=1),
        CALL: calculation(atoms),
    }
    if with_motep:
        works[MOTEP] = _motep_work(context, potential, atoms)
    return [
        _time(time, len(atoms), {**case, "program": name})
        for name, time in smallest_times(works, 0.25 * context.seconds).items()
    ]


def _motep_work(context: Context, potential: maxvolt.MTP, atoms: Atoms) -> Callable[[], object]:
    path = context.scratch / "potential.mtp"
    potential.write(path)
    other = motep_engine.typed_copy(atoms, potential.species)
    other.calc = motep_engine.calculator(path, len(potential.species))
    return calculation(other)


def _time(seconds: float, n_atoms: int, case: Case) -> Measurement:
    return Measurement("time per atom", 1e6 * seconds / n_atoms, "us", case)
