"""g(r) and S(q): of an ideal gas, where both are 1, and of crystals, where shells are counted."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk
from nearest_bonds import NearestBonds

from maxvolt.errors import SettingsError
from maxvolt.properties import compute_property
from maxvolt.properties.dynamic.pair_distribution import largest_radius, pair_distribution
from maxvolt.properties.dynamic.structure import StructureSettings
from maxvolt.properties.dynamic.structure_factor import structure_factor, wave_vectors

CELL = np.array([[12.0, 0.0, 0.0], [2.0, 11.0, 0.0], [0.0, 1.0, 13.0]])


def gas(frames: int, atoms: int = 100) -> list[np.ndarray]:
    generator = np.random.default_rng(4)
    return [generator.random((atoms, 3)) @ CELL for _ in range(frames)]


def test_of_an_ideal_gas_both_are_one():
    numbers = np.repeat([13, 29], 50)
    found = pair_distribution(gas(200), CELL, numbers, width=0.25, blocks=10)
    assert found.radii[-1] < largest_radius(CELL)
    shells = 4 * np.pi * found.radii**2 * (found.radii[1] - found.radii[0])
    pairs = {None: 100 * 99 / 2, (13, 13): 50 * 49 / 2, (13, 29): 50 * 50, (29, 29): 50 * 49 / 2}
    assert set(found.partial) == set(pairs) - {None}
    for pair, number in pairs.items():
        blocks = found.total if pair is None else found.partial[pair]
        counted = 200 * number * shells / abs(np.linalg.det(CELL))
        chosen = counted > 50  # else Poisson's distribution is not Gauss's
        pulls = ((blocks.mean(axis=0) - 1) * np.sqrt(counted))[chosen]
        assert np.abs(pulls).max() < 4
        assert np.sqrt(np.mean(pulls**2)) < 1.6
    lengths, factors = structure_factor(gas(200), CELL, largest=6.0, width=0.2, blocks=10)
    _, bins, _ = wave_vectors(CELL, 6.0, 0.2)
    # |sum of phases|^2 / N has an exponential distribution: its deviation is its mean.
    pulls = (factors.mean(axis=0) - 1) * np.sqrt(200 * np.bincount(bins))
    assert np.abs(pulls).max() < 4
    assert 0.5 < np.sqrt(np.mean(pulls**2)) < 1.5
    assert (np.diff(lengths) > 0).all()


def test_shells_of_a_crystal_are_counted():
    atoms = bulk("Al", a=4.0, cubic=True) * (4, 4, 4)
    cell = atoms.cell.array
    found = pair_distribution([atoms.positions], cell, atoms.numbers, width=0.1, blocks=1)
    width = found.radii[1] - found.radii[0]
    counts = found.total[0] * 4 * np.pi * found.radii**2 * width * 4 / 4.0**3
    for distance, number in ((4 / np.sqrt(2), 12), (4.0, 6), (4 * np.sqrt(1.5), 24)):
        near = np.abs(found.radii - distance) < 0.15
        assert counts[near].sum() * 255 / 256 == pytest.approx(number, rel=0.01)


def test_bragg_peaks_have_the_number_of_atoms():
    atoms = bulk("Al", a=4.0, cubic=True) * (2, 2, 2)
    cell = atoms.cell.array
    indices, bins, lengths = wave_vectors(cell, 4.0, 0.01)
    assert len(np.unique(np.vstack([indices, -indices]), axis=0)) == 2 * len(indices)
    assert np.bincount(bins).max() <= 40
    _, factors = structure_factor([atoms.positions], cell, largest=4.0, width=0.01, blocks=1)
    # Of the cubic cell: all indices even or all odd, in a cell that is twice as long.
    halves = indices // 2
    peaks = (indices % 2 == 0).all(axis=1) & (
        (halves % 2 == 0).all(axis=1) | (halves % 2 == 1).all(axis=1)
    )
    expected = 32 * np.bincount(bins, peaks) / np.bincount(bins)
    assert np.allclose(factors[0], expected, atol=1e-9)
    first = lengths[np.flatnonzero(expected)[0]]
    assert first == pytest.approx(np.sqrt(3) * 2 * np.pi / 4.0)


def test_the_crystal_of_a_calculator_has_its_neighbours():
    settings = {"atoms": 108, "equilibration_time": 0.3, "production_time": 2.1, "temperature": 100}
    found = compute_property("structure", NearestBonds(), bulk("Cu"), settings)
    assert found["coordination"] == pytest.approx(12.0, abs=0.05)
    nearest = (4 * found["volume"]) ** (1 / 3) / np.sqrt(2)
    assert found["first peak of g(r)"] == pytest.approx(nearest, abs=0.03)
    assert found.values["first peak of g(r)"].statistical_error < 0.02
    assert {curve.y_label for curve in found.curves} == {"g(r)", "S(q)"}
    assert found["temperature"] == pytest.approx(100.0, rel=0.2)


def test_settings_of_bins_are_checked():
    with pytest.raises(SettingsError, match="bin_width"):
        StructureSettings(bin_width=0.0)
