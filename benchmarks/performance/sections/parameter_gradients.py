"""Gradients of energies by all parameters (rows for selection), against an evaluation.

The write alone, the same number of bytes into memory that is already there, says what no method can
save.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from maxvolt.potentials.mtp.binding import kernels
from performance.cases import bcc_crystal, labelled_crystals, random_potential
from performance.context import Context
from performance.results import Case, Findings, Measurement
from performance.timing import smallest_times

__all__ = ["ENERGY_RATIO", "SITE_RATIO", "measure"]

_LEVELS = (8, 12, 16, 20, 24, 28)
_QUICK_LEVELS = (8, 16, 20)
_STRUCTURES = 40
SITE, ENERGY = "rows of site energies", "rows of energies"
SITE_RATIO = f"{SITE} / (evaluation + write)"
ENERGY_RATIO = f"{ENERGY} / evaluation of a dataset"


def measure(context: Context) -> Findings:
    """Time each level, one thread."""
    found: list[Measurement] = []
    for level in _QUICK_LEVELS if context.quick else _LEVELS:
        context.say(f"rows, level {level}")
        found += _one(context, level)
    return Findings(tuple(found))


def _one(context: Context, level: int) -> list[Measurement]:
    potential, atoms, dataset = (
        random_potential(level),
        bcc_crystal(2_000),
        labelled_crystals(_STRUCTURES),
    )
    neighborhoods = potential.neighborhoods(atoms)
    rows = np.empty((len(atoms), potential.n_parameters))
    works: dict[str, Callable[[], object]] = {
        "evaluation": lambda: kernels.evaluate(potential.core, neighborhoods, threads=1),
        SITE: lambda: kernels.site_gradients(potential.core, neighborhoods, threads=1),
        "write alone": lambda: rows.fill(1.0),
        "evaluation of a dataset": lambda: potential.evaluate_dataset(dataset, threads=1),
        ENERGY: lambda: potential.energy_gradients(dataset, threads=1),
    }
    times = smallest_times(works, 0.25 * context.seconds)
    found = []
    for name, time in times.items():
        n = dataset.n_atoms if name in (ENERGY, "evaluation of a dataset") else len(atoms)
        case: Case = {"level": level, "work": name}
        found.append(Measurement("time per atom", 1e6 * time / n, "us", case))
    ratios = {
        SITE_RATIO: times[SITE] / (times["evaluation"] + times["write alone"]),
        ENERGY_RATIO: times[ENERGY] / times["evaluation of a dataset"],
    }
    found += [Measurement(name, ratio, "", {"level": level}) for name, ratio in ratios.items()]
    return found
