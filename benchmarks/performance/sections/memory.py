"""Most memory held at once, each case in a process of its own.

The process's own needs (Python, its libraries, the potential) are measured before and taken off in
what is given for an atom, not in the total.
"""

from __future__ import annotations

import maxvolt
from performance.cases import bcc_crystal, labelled_crystals, random_potential
from performance.child import peak_memory, run_in_child
from performance.context import Context
from performance.results import Case, Findings, Measurement

__all__ = ["measure"]

_EVALUATION_LEVELS = (8, 16)
_ATOMS = (1_000, 10_000, 100_000, 1_000_000)
_FIT_LEVEL = 20
_STRUCTURES = (20, 200, 2_000)  # of 54 atoms
# Of a fit, each kind of step is done; later ones need what these do.
_FEW = maxvolt.FitSettings(
    max_iterations=2, starts=2, start_iterations=2, restart_from_potential=False
)
_QUICK = 3


def measure(context: Context) -> Findings:
    """Evaluate and fit ever more atoms."""
    found: list[Measurement] = []
    for level in _EVALUATION_LEVELS:
        for n in _ATOMS[:_QUICK] if context.quick else _ATOMS:
            context.say(f"memory of an evaluation, level {level}, {n} atoms")
            case: Case = {"work": "evaluation", "level": level, "atoms": n}
            found += _measurements(case, n, *run_in_child(evaluate, level, n))
    for n in _STRUCTURES[: _QUICK - 1] if context.quick else _STRUCTURES:
        context.say(f"memory of a fit, level {_FIT_LEVEL}, {54 * n} atoms")
        case = {"work": "fit", "level": _FIT_LEVEL, "atoms": 54 * n}
        found += _measurements(case, 54 * n, *run_in_child(fit, _FIT_LEVEL, n))
    return Findings(tuple(found))


def evaluate(level: int, n_atoms: int) -> tuple[int, int]:
    """Bytes held before a structure is made and at most when it has been evaluated."""
    potential = random_potential(level)
    potential.evaluate(bcc_crystal(1_000), threads=1)
    before = peak_memory()
    potential.evaluate(bcc_crystal(n_atoms))
    return before, peak_memory()


def fit(level: int, n_structures: int) -> tuple[int, int]:
    """Bytes held before a data set is made and at most after a fit to it, all cores."""
    potential = random_potential(level)
    potential.evaluate(bcc_crystal(1_000), threads=1)
    before = peak_memory()
    dataset: maxvolt.Dataset = labelled_crystals(n_structures)
    maxvolt.fit(potential, dataset, settings=_FEW)
    return before, peak_memory()


def _measurements(case: Case, n_atoms: int, before: int, most: int) -> list[Measurement]:
    return [
        Measurement("peak memory", most / 2**20, "MiB", case),
        Measurement("memory per atom", (most - before) / n_atoms / 1024, "KiB", case, "neither"),
    ]
