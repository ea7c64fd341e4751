"""Evaluate on several numbers of threads and hold the results against those of one, bit by bit.

Energies, forces, stresses, shares in the stress, gradients by the parameters and grades of sites
and structures, of one structure of many windows and of data sets, in double and single precision;
windows of other sizes may change the last digits and no more.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from attacks.finding import FindingError
from attacks.potentials import random_potential, random_structure
from maxvolt import MTP, ActiveSet, Dataset
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials.mtp.binding import kernels
from maxvolt.potentials.mtp.binding.windows import windows_of

Arrays = dict[str, NDArray[np.float64]]


def trial(seed: int, scratch: Path) -> str:
    """Compare one random set of structures."""
    random = np.random.default_rng(seed)
    level = int(random.choice([4, 8]))
    potential = random_potential(int(random.integers(4)), level)
    sizes = random.choice([1, 2, 7, 30, 300, 1500], size=random.integers(1, 5))
    data = Dataset.from_atoms([random_structure(random, int(size)) for size in sizes])
    windows = int(random.choice([8, 64, 256]))
    threads = [int(t) for t in random.choice([2, 3, 5, 16], size=2, replace=False)]
    neighborhoods = potential.neighborhoods(data)
    cut = potential.neighborhoods(data)
    windows_of(cut, windows)  # of few atoms: as many ranges of them as in structures far too large
    _compare(lambda number: _evaluated(potential, cut, number), threads)
    _close(_evaluated(potential, cut, 1), _evaluated(potential, neighborhoods, 1))
    mode = "neighborhood" if random.integers(2) else "configuration"
    small = data.select(np.flatnonzero(data.counts <= 300))
    if len(small):
        active = ActiveSet.from_dataset(potential, small, mode=mode, threads=1)
        _compare(lambda number: _graded(active, small, number), threads)
    return f"held, {mode}"


def _evaluated(potential: MTP, neighborhoods: Neighborhoods, threads: int) -> Arrays:
    found = potential.evaluate_neighborhoods(neighborhoods, threads=threads)
    single = potential.evaluate_neighborhoods(neighborhoods, threads=threads, precision="single")
    return {
        "energies": found.site_energies,
        "forces": found.forces,
        "virials": found.virials,
        "single forces": single.forces,
        "shares": potential.atomic_virials(neighborhoods, threads=threads),
        "gradients": kernels.structure_gradients(potential.core, neighborhoods, threads=threads),
        "site gradients": kernels.site_gradients(potential.core, neighborhoods, threads=threads),
    }


def _graded(active: ActiveSet, data: Dataset, threads: int) -> Arrays:
    grades = active.grade_dataset(data, threads=threads)
    again = ActiveSet.from_dataset(active.potential, data, mode=active.mode, threads=threads)
    sites = {} if grades.sites is None else {"site grades": grades.sites}
    return {"grades": grades.structures, "active set": again.matrix, **sites}


def _compare(compute: Callable[[int], Arrays], threads: list[int]) -> None:
    expected = compute(1)
    for number in threads:
        for name, values in compute(number).items():
            if not np.array_equal(values, expected[name]):
                raise FindingError(f"{name} differ on {number} threads")


def _close(found: Arrays, expected: Arrays) -> None:
    for name, values in found.items():
        scale = max(1.0, float(np.abs(expected[name]).max()))
        allowed = 1e-5 if name.startswith("single") else 1e-10
        worst = float(np.abs(values - expected[name]).max())
        if not worst <= allowed * scale:
            raise FindingError(f"{name} change by {worst:g} of {scale:g} with the size of windows")
