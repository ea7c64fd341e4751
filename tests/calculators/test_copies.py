"""Calculators, and atoms that carry one, are copied, pickled and sent to other processes."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from time import sleep

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io.jsonio import encode

import maxvolt
from maxvolt.calculators import MaxvoltCalculator, VerletNeighbors
from maxvolt.labels import labels_of_atoms


def random_potential(seed: int, level: int = 6) -> maxvolt.MTP:
    random = np.random.default_rng(seed)
    start = maxvolt.MTP(level=level, species=["Cu", "Au"], cutoff=4.5, min_dist=2.0)
    model = start.model
    return start.with_coefficients(
        0.1 * random.normal(size=model.radial_coeffs.shape),
        random.normal(size=model.species_coeffs.shape),
        0.1 * random.normal(size=model.moment_coeffs.shape),
    )


def crystal(seed: int = 0) -> Atoms:
    atoms = bulk("Cu", cubic=True)
    atoms.symbols[2] = "Au"
    atoms.positions += 0.1 * np.random.default_rng(seed).normal(size=(4, 3))
    return atoms


def calculators() -> dict[str, MaxvoltCalculator]:
    potential = random_potential(0, 2)
    data = maxvolt.Dataset.from_atoms([crystal(seed) for seed in range(3)])
    active = maxvolt.ActiveSet.from_dataset(potential, data, mode="neighborhood")
    ensemble = maxvolt.Ensemble((random_potential(1), random_potential(2)))
    committee = maxvolt.Committee.from_dataset(ensemble, data)
    return {
        "potential": MaxvoltCalculator(random_potential(0), skin=0.3, threads=1),
        "single precision": MaxvoltCalculator(random_potential(0, 10), precision="single"),
        "ensemble": MaxvoltCalculator(ensemble),
        "active set": MaxvoltCalculator(potential, query=active),
        "committee": MaxvoltCalculator(ensemble, query=committee),
    }


WAYS: dict[str, Callable[[object], object]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda what: pickle.loads(pickle.dumps(what)),
    "old pickle": lambda what: pickle.loads(pickle.dumps(what, protocol=2)),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", calculators())
def test_a_used_calculator_is_copied_with_its_results(kind: str, way: str) -> None:
    calculator, atoms = calculators()[kind], crystal()
    before = calculator.get_property("forces", atoms)
    copied = WAYS[way](calculator)
    assert isinstance(copied, MaxvoltCalculator)
    assert copied.neighbors is not calculator.neighbors
    assert not copied.calculation_required(atoms, ["forces", "energy"])
    np.testing.assert_array_equal(copied.get_property("forces", atoms), before)
    assert encode(copied.todict()) == encode(calculator.todict())  # grades are arrays
    moved = crystal(1)
    np.testing.assert_allclose(
        copied.get_property("forces", moved),
        type(calculator)(calculator.potential, precision=calculator.precision).get_property(
            "forces", moved
        ),
        rtol=1e-10,
        atol=1e-10,
    )
    # What the copy did is nothing to the original.
    assert not calculator.calculation_required(atoms, ["forces", "energy"])
    if calculator.query is not None:
        assert copied.query is not None
        assert copied.get_property("grade", atoms) == pytest.approx(
            calculator.get_property("grade", atoms)
        )
        # Grades and forces are still computed in one pass.
        assert copied.query.members == copied.members


@pytest.mark.parametrize("way", ["deepcopy", "pickle", "old pickle"])
def test_atoms_that_carry_a_used_calculator_are_copied(way: str) -> None:
    atoms = crystal()
    atoms.calc = MaxvoltCalculator(random_potential(0))
    energy = atoms.get_potential_energy()
    copied = WAYS[way](atoms)
    assert isinstance(copied, Atoms)
    assert copied.calc is not None
    assert copied.get_potential_energy() == energy
    copied.positions[0] += 0.1
    assert copied.get_potential_energy() != pytest.approx(energy, abs=1e-6)
    assert atoms.get_potential_energy() == energy


def test_copies_do_not_share_a_neighbour_list() -> None:
    first = MaxvoltCalculator(random_potential(0), skin=0.5)
    first.get_property("energy", crystal())
    second = copy.copy(first)
    second.get_property("energy", crystal() * 2)
    assert first.neighbors.n_builds == 1
    first.get_property("energy", crystal(1))
    assert first.neighbors.n_builds == 1


def test_neighbour_lists_and_neighbourhoods_are_pickled() -> None:
    potential, atoms = random_potential(0), crystal()
    where = potential.neighborhoods(atoms)
    kept = VerletNeighbors(4.5, 0.3)
    kept.update(atoms.positions, atoms.cell.array, atoms.pbc)
    again = pickle.loads(pickle.dumps(where))
    expected = potential.evaluate_neighborhoods(where).forces
    np.testing.assert_array_equal(potential.evaluate_neighborhoods(again).forces, expected)
    assert pickle.loads(pickle.dumps(kept)).skin == 0.3


def test_a_potential_that_cannot_change_is_not_copied() -> None:
    potential = random_potential(0)
    assert copy.copy(potential) is potential
    assert copy.deepcopy(potential) is potential


_SPAWNING = """
import multiprocessing, pickle, sys
from concurrent.futures import ProcessPoolExecutor

def energy_of(atoms):
    return float(atoms.get_potential_energy())

if __name__ == "__main__":
    atoms = pickle.load(open(sys.argv[1], "rb"))
    moved = atoms.copy()
    moved.calc = atoms.calc
    moved.positions[0] += 0.05
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = list(pool.map(energy_of, [atoms, moved]))
    print(*found, energy_of(atoms), energy_of(moved))
"""


def test_atoms_go_to_processes_that_are_started_anew(tmp_path: Path) -> None:
    atoms = crystal()
    atoms.calc = MaxvoltCalculator(random_potential(0), threads=1)
    energy = atoms.get_potential_energy()
    (tmp_path / "atoms.pickle").write_bytes(pickle.dumps(atoms))
    (tmp_path / "program.py").write_text(_SPAWNING)
    printed = subprocess.run(
        [sys.executable, str(tmp_path / "program.py"), str(tmp_path / "atoms.pickle")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    first, second, here, moved = map(float, printed.split())
    assert first == here == energy
    assert second == pytest.approx(moved, rel=1e-12)
    assert abs(first - second) > 1e-6


def test_one_calculator_used_by_several_threads_gives_each_its_own_numbers() -> None:
    calculator = MaxvoltCalculator(random_potential(0), threads=1)
    structures = [crystal(seed) * (1 + seed % 2, 1, 1) for seed in range(4)]
    expected = [random_potential(0).evaluate(atoms) for atoms in structures]

    def work(number: int) -> None:
        for _ in range(100):
            atoms = structures[number].copy()
            atoms.calc = calculator
            assert atoms.get_potential_energy() == pytest.approx(expected[number].energy, rel=1e-9)
            assert atoms.get_forces() == pytest.approx(expected[number].forces, abs=1e-9)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))


def test_labels_wait_for_the_thread_that_calculates() -> None:
    calculator = MaxvoltCalculator(random_potential(0), threads=1)
    small, large = crystal(0), crystal(1) * (2, 1, 1)
    large.calc = calculator
    energy = large.get_potential_energy()
    between = Event()

    def calculates() -> None:
        with calculator.exclusive():
            kept, results = calculator.atoms, calculator.results
            # As in the middle of a calculation for another structure.
            calculator.atoms, calculator.results = None, {"forces": small.positions}
            between.set()
            sleep(0.1)
            calculator.atoms, calculator.results = kept, results

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(calculates)
        between.wait()
        assert labels_of_atoms(large).energy == energy
        done.result()
