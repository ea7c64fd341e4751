"""Perturbed and random structures."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk, molecule
from hypothesis import given, settings
from hypothesis import strategies as st

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError, SpeciesError
from maxvolt.neighbors import minimum_distances
from maxvolt.sampling import random_structures, rattle, strain, substitution, vacancy


def aluminium() -> Dataset:
    atoms = bulk("Al", cubic=True) * (2, 2, 2)
    atoms.info["config_type"] = "fcc"
    atoms.info["energy"] = -1.0
    return Dataset.from_atoms([atoms, atoms])


def test_rattle():
    dataset = rattle(aluminium(), 0.1, copies=3, seed=4)
    assert len(dataset) == 6
    assert [info["origin"] for info in dataset.infos] == [0, 0, 0, 1, 1, 1]
    assert set(dataset.groups) == {"fcc"}
    assert not dataset.has_energy.any()
    moved = dataset.positions - np.tile(aluminium().positions[:32], (6, 1))
    assert moved.std() == pytest.approx(0.1, rel=0.1)
    assert abs(moved[:32] - moved[32:64]).max() > 0.05
    assert (rattle(aluminium(), 0.1, seed=4).positions[:32] == dataset.positions[:32]).all()


def test_strain():
    dataset = strain(aluminium().select([0]), 0.05, copies=40)
    cells = dataset.cells @ np.linalg.inv(aluminium().cells[0]) - np.eye(3)
    assert abs(cells - cells.transpose(0, 2, 1)).max() < 1e-12
    assert 0.045 < abs(cells).max() < 0.05
    scaled = np.linalg.solve(dataset.cells[3].T, dataset.positions[96:128].T)
    np.testing.assert_allclose(
        scaled, np.linalg.solve(aluminium().cells[0].T, aluminium().positions[:32].T), atol=1e-12
    )
    volumes = strain(aluminium().select([0]), 0.02, volume=0.2, copies=40).volumes
    relative = volumes / aluminium().volumes[0]
    assert relative.min() > 0.8
    assert relative.max() < 1.2
    assert np.ptp(relative) > 0.3


def test_vacancy_and_substitution():
    dataset = vacancy(aluminium(), 2, copies=2)
    assert dataset.counts.tolist() == [30] * 4
    before = {tuple(x) for x in aluminium().positions.round(6)}
    assert {tuple(x) for x in dataset.positions.round(6)} <= before
    alloy = substitution(aluminium(), {"Al": "Mg"}, 5)
    assert [(atoms.numbers == 12).sum() for atoms in alloy] == [5, 5]
    swapped = substitution(alloy, {"Al": "Mg", "Mg": "Al"}, 32)
    assert [(atoms.numbers == 12).sum() for atoms in swapped] == [27, 27]


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: rattle(aluminium(), 0.0), "amplitude must be"),
        (lambda: rattle(aluminium(), 0.1, copies=0), "copies must be"),
        (lambda: strain(molecule("H2O"), 0.1), "structure 0 is not periodic"),
        (lambda: strain(aluminium(), 0.1, volume=1.0), "relative change"),
        (lambda: strain(aluminium(), 5.0, copies=9), "inside out"),
        (lambda: vacancy(bulk("Al"), 1), "has 1 atoms"),
        (lambda: substitution(aluminium(), {"Mg": "Al"}), "has 0 atoms of Mg"),
    ],
)
def test_impossible_changes_are_refused(make, complaint):
    with pytest.raises(DataError, match=complaint):
        make()


def test_unknown_elements_are_refused():
    with pytest.raises(SpeciesError, match="'Xy'"):
        substitution(aluminium(), {"Al": "Xy"})
    with pytest.raises(SpeciesError, match="Xy"):
        random_structures({"Xy": 1}, 4, 15.0, count=1)


@given(seed=st.integers(0, 10**6), atoms=st.integers(1, 12))
@settings(max_examples=12, deadline=None)
def test_random_structures_keep_their_distances(seed, atoms):
    limits = {"Al-Al": 2.4, "Al-Cu": 2.2, "Cu-Cu": 2.0}
    dataset = random_structures(
        {"Al": 1, "Cu": 1},
        (1, atoms),
        (14.0, 20.0),
        count=3,
        minimum_distance=limits,
        seed=seed,
    )
    assert len(dataset) == 3
    for pair, distance in minimum_distances(dataset).pairs.items():
        assert distance >= limits["-".join(pair)] - 1e-9
    per_atom = dataset.volumes / dataset.counts
    assert ((per_atom >= 14.0 - 1e-9) & (per_atom <= 20.0 + 1e-9)).all()
    for structure in dataset:
        assert abs(int((structure.numbers == 13).sum()) - len(structure) / 2) <= 0.5


def test_random_structures_follow_their_seed():
    def make(count, seed):
        return random_structures({"Cu": 1}, (2, 8), (11, 14), count=count, seed=seed)

    few, many = make(3, 1), make(5, 1)
    assert (many.select([0, 1, 2]).positions == few.positions).all()
    assert not np.array_equal(make(3, 2).positions, few.positions)
    assert minimum_distances(few).overall >= 0.75 * 2 * 1.32 - 1e-9


def test_what_does_not_fit_is_refused():
    with pytest.raises(DataError, match="do not fit"):
        random_structures({"Al": 1}, 2, 10.0, count=1, minimum_distance=3.6)
    with pytest.raises(DataError, match="the least and the most"):
        random_structures({"Al": 1}, 8, (20.0, 10.0), count=1)
