"""Let several Python threads use one calculator, and one potential, at the same time.

Each thread has structures of its own whose energies and forces are known; all must come out right,
from the calculator, from the potential itself, from an active set and from a committee.
"""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np
from ase import Atoms

from attacks.finding import FindingError
from attacks.potentials import random_potential, random_structure
from maxvolt import ActiveSet, Committee, Dataset, Ensemble
from maxvolt.calculators import MaxvoltCalculator

THREADS = 4
ROUNDS = 12


def trial(seed: int, scratch: Path) -> str:
    """Evaluate known structures from several threads."""
    random = np.random.default_rng(seed)
    structures = [random_structure(random, int(random.integers(1, 60))) for _ in range(THREADS)]
    data = Dataset.from_atoms(structures)
    active, committee = _queries()
    query = (None, active, committee)[int(random.integers(3))]
    potential = committee.ensemble if query is committee else active.potential
    kept = MaxvoltCalculator(
        potential, query=query, threads=int(random.integers(1, 3)), skin=random.choice([None, 0.3])
    )
    expected = [_known(MaxvoltCalculator(potential, query=query, threads=1), s) for s in structures]
    grades = {id(one): one.grade(data, threads=1) for one in (active, committee)}

    def work(number: int) -> None:
        for _ in range(ROUNDS):
            atoms = structures[number].copy()
            atoms.calc = kept
            _same(expected[number], _known(kept, atoms), "shared calculator")
            alone = potential.evaluate(atoms, threads=2).energy
            if abs(alone - expected[number][0]) > 1e-9 * max(1.0, abs(alone)):
                raise FindingError(f"shared potential: {alone} for {expected[number][0]}")
            for one in (active, committee):
                grade, known = one.grade(atoms, threads=2)[0], grades[id(one)][number]
                if not np.isclose(grade, known, rtol=1e-9, atol=1e-9):
                    raise FindingError(f"shared {type(one).__name__}: {grade} for {known}")
            for other in (copy.copy(kept), pickle.loads(pickle.dumps(kept))):
                _same(expected[number], _known(other, atoms), "copy made meanwhile")

    _from_threads(work)
    return f"held, {type(query).__name__}"


def _from_threads(work: Callable[[int], None]) -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # threads change places as often as they can
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(work, range(THREADS)))
    finally:
        sys.setswitchinterval(interval)


@lru_cache(maxsize=1)
def _queries() -> tuple[ActiveSet, Committee]:
    random = np.random.default_rng(0)
    data = Dataset.from_atoms([random_structure(random, 20) for _ in range(4)])
    ensemble = Ensemble(tuple(random_potential(seed, 4) for seed in range(2)))
    active = ActiveSet.from_dataset(ensemble.members[0], data, mode="neighborhood", threads=1)
    return active, Committee.from_dataset(ensemble, data, threads=1)


def _known(calculator: MaxvoltCalculator, atoms: Atoms) -> tuple[float, ...]:
    """Energy, force on the first atom and, where there is one, the grade."""
    numbers = [calculator.get_property("energy", atoms)]
    numbers += calculator.get_property("forces", atoms)[0].tolist()
    if calculator.query is not None:
        numbers.append(calculator.get_property("grade", atoms))
    return tuple(numbers)


def _same(expected: tuple[float, ...], found: tuple[float, ...], what: str) -> None:
    """Equal but for the order of sums, which depends on when the list was built."""
    if not np.allclose(found, expected, rtol=1e-8, atol=1e-8):
        raise FindingError(f"{what}: {found} instead of {expected}")
