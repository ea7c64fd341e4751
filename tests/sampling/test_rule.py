"""Thresholds, limits and what is looked for along a trajectory."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError, SpeciesError
from maxvolt.neighbors import minimum_distances
from maxvolt.sampling.batch import Batch
from maxvolt.sampling.batch_neighbors import BatchNeighbors
from maxvolt.sampling.rule import Limits, StopReason, Thresholds, distance_table
from maxvolt.sampling.watch import BatchWatch, Watch


@pytest.mark.parametrize("wrong", [(0.0, 10.0), (3.0, 2.0), (-1.0, 1.0), (np.nan, 10.0)])
def test_thresholds_that_make_no_sense_are_refused(wrong):
    with pytest.raises(DataError, match="0 < select <= break"):
        Thresholds(*wrong)


def test_two_thresholds():
    thresholds = Thresholds(2.0, 10.0)
    assert thresholds.check(None) is None
    assert thresholds.check(9.99) is None
    assert thresholds.check(10.0).reason is StopReason.GRADE
    assert thresholds.check(np.nan).reason is StopReason.NOT_FINITE
    assert thresholds.check(np.inf).reason is StopReason.GRADE
    assert [thresholds.keeps(grade) for grade in (None, 1.9, 2.0, 20.0)] == [
        False,
        False,
        True,
        True,
    ]


def test_distances_of_pairs():
    table = distance_table({"Al-Cu": 2.0, "Al-Al": 2.4})
    assert table[13, 29] == table[29, 13] == 2.0
    assert table[13, 13] == 2.4
    assert table[29, 29] == 0.5
    for wrong in ({"Al": 2.0}, {"Al-Xy": 2.0}):
        with pytest.raises(SpeciesError, match="pair of elements"):
            distance_table(wrong)
    with pytest.raises(DataError, match="shortest distance"):
        Limits(minimum_distance=-1.0)
    with pytest.raises(DataError, match="isolation"):
        Limits(isolation=0.0)


def test_atoms_of_one_pair_come_too_close():
    atoms = Atoms("AlCuAl", [[0, 0, 0], [3, 0, 0], [0, 3, 0]], cell=[9, 9, 9], pbc=True)
    watch = Watch(Limits({"Al-Cu": 2.0}), atoms.numbers)
    assert watch.check(atoms) is None
    atoms.positions[2] = [0, 1.5, 0]  # Al to Al may
    assert watch.check(atoms) is None
    atoms.positions[1] = [9.0 - 1.9, 0, 0]  # through the boundary
    stop = watch.check(atoms)
    assert stop.reason is StopReason.TOO_CLOSE
    assert "1.9 A" in stop.message
    assert "Al 0" in stop.message
    assert "Cu 1" in stop.message


def test_a_cell_that_shrinks_brings_images_too_close():
    atoms = bulk("Al", a=4.05)
    watch = Watch(Limits(2.0), atoms.numbers)
    for length in np.linspace(4.05, 2.9, 20):
        atoms.set_cell(bulk("Al", a=length).cell, scale_atoms=True)
        assert watch.check(atoms) is None
    atoms.set_cell(bulk("Al", a=2.8).cell, scale_atoms=True)
    assert watch.check(atoms).reason is StopReason.TOO_CLOSE


@pytest.mark.parametrize("pbc", [True, False, (True, True, False)])
def test_nothing_too_close_is_missed(pbc):
    generator = np.random.default_rng(5)
    atoms = bulk("Cu", cubic=True) * (2, 2, 2)
    atoms.pbc = pbc
    watch = Watch(Limits(1.9, isolation=np.inf), atoms.numbers)
    reasons = set()
    for _ in range(60):
        atoms.positions += 0.06 * generator.normal(size=atoms.positions.shape)
        shortest = minimum_distances(Dataset.from_atoms([atoms])).overall
        stop = watch.check(atoms)
        assert (stop is not None) == (shortest < 1.9)
        reasons.add(stop and stop.reason)
    assert reasons == {None, StopReason.TOO_CLOSE}


def test_lost_atoms():
    atoms = bulk("Cu", cubic=True) * (2, 2, 2)
    atoms.pbc = False
    atoms += Atoms("Cu", [[-20.0, 0, 0]])  # alone from the start
    watch = Watch(Limits(isolation=6.0), atoms.numbers)
    found = []
    for _ in range(40):
        found.append(watch.check(atoms))
        atoms.positions[5] += [0, 0, 0.7]
    first = next(k for k, stop in enumerate(found) if stop is not None)
    assert found[first].reason is StopReason.LOST_ATOM
    assert "atom 5" in found[first].message
    atoms.positions[5, 2] += 0.7 * (first - 40)
    left = np.linalg.norm(np.delete(atoms.positions, 5, axis=0) - atoms.positions[5], axis=1)
    assert 6.0 < left.min() < 6.0 + 1.0


@pytest.mark.parametrize("where", ["positions", "cell"])
def test_numbers_that_are_none(where):
    atoms = bulk("Cu", cubic=True)
    watch = Watch(Limits(), atoms.numbers)
    assert watch.check(atoms) is None
    if where == "cell":
        atoms.cell[1, 1] = np.nan
    else:
        atoms.positions[2, 0] = np.inf
    assert watch.check(atoms).reason is StopReason.NOT_FINITE


def test_a_collapsed_cell_fails_with_its_reason():
    atoms = bulk("Cu", cubic=True)
    watch = Watch(Limits(), atoms.numbers)
    assert watch.check(atoms) is None
    atoms.cell[2] = atoms.cell[1]
    stop = watch.check(atoms)
    assert stop.reason is StopReason.FAILED
    assert "linearly dependent" in stop.message


def test_atoms_that_meet_while_the_cell_grows() -> None:
    """Growth leaves the neighbours complete for longer, but not the pairs near the limit."""
    neighbors = BatchNeighbors(cutoff=5.0, skin=1.0)
    watch = BatchWatch(Limits(minimum_distance=0.5), neighbors)
    neighbors.add(np.array([2]))
    watch.add(1)
    stops = []
    for ends, side in (((0.0, 1.55), 20.0), ((0.9, 1.04), 25.0)):
        atoms = Atoms("Al2", [[x, 0, 0] for x in ends], cell=[side] * 3, pbc=True)
        batch = Batch.from_atoms(atoms)
        stops.append(neighbors.update(batch) | watch.check(batch))
    assert stops[0] == {}
    assert stops[1][0].reason is StopReason.TOO_CLOSE
