"""Densities of states by flat walks, against all arrangements of small lattices."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations
from math import comb
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.units import kB
from scipy.special import logsumexp

from ising_model import ising_model
from maxvolt.errors import FileFormatError, SettingsError
from maxvolt.potentials.lattice import Chain, Hamiltonian, ParentLattice, Supercell
from maxvolt.properties.lattice.flat_histogram import (
    WangLandauSettings,
    thermodynamics,
    wang_landau,
)
from maxvolt.properties.lattice.flat_histogram.density_of_states import (
    joined,
    logarithm_of_arrangements,
)
from maxvolt.properties.lattice.flat_histogram.energy_range import energy_range

SQUARE = ising_model(2)
SMALL = Supercell.of([5, 4, 1])
"""184,756 arrangements of ten spins up."""

BEGIN = np.arange(20) % 2
LEVELS = WangLandauSettings(bins=21, lowest=-42.0, highest=42.0, final_step=2e-6, seed=2)
"""Energies are multiples of four."""


def all_energies() -> np.ndarray:
    neighbors = SQUARE.environments[0].neighbors(SQUARE.parent, SMALL)[:, 1:]
    up = np.array(list(combinations(range(20), 10)))
    spins = np.ones((len(up), 20))
    np.put_along_axis(spins, up, -1.0, axis=1)
    return -0.5 * sum((spins * spins[:, neighbors[:, k]]).sum(axis=1) for k in range(4))


ENERGIES = all_energies()


@pytest.mark.parametrize("windows", [1, 3])
def test_numbers_of_arrangements_are_those_of_a_count(windows: int) -> None:
    levels, counts = np.unique(ENERGIES.round(6), return_counts=True)
    assert counts.sum() == comb(20, 10)
    (found,) = wang_landau(SQUARE, SMALL, BEGIN, replace(LEVELS, windows=windows))
    assert found.energies == pytest.approx(levels)
    assert logsumexp(found.logarithms) == pytest.approx(np.log(counts.sum()))
    assert found.logarithms == pytest.approx(np.log(counts), abs=0.12)  # errors of 0.03
    many = counts > 1000
    assert found.logarithms[many] == pytest.approx(np.log(counts[many]), abs=0.04)


def test_thermodynamics_are_those_of_all_arrangements() -> None:
    densities = wang_landau(SQUARE, SMALL, BEGIN, replace(LEVELS, chains=6))
    temperatures = np.array([0.8, 1.5, 2.3, 4.0, 50.0]) / kB
    for one in thermodynamics(densities, temperatures):
        thermal = kB * one.temperature
        exponents = -ENERGIES / thermal
        total = logsumexp(exponents)
        weights = np.exp(exponents - total)
        energy = weights @ ENERGIES
        capacity = weights @ (ENERGIES - energy) ** 2 / thermal**2
        free = -thermal * total
        for value, error, exact, small in (
            (one.energy, one.energy_error, energy / 20, 0.004),
            (one.heat_capacity, one.heat_capacity_error, capacity / 20, 0.01),
            (one.free_energy, one.free_energy_error, free / 20, 0.003 * thermal),
            (one.entropy, one.entropy_error, (energy - free) / thermal / 20, 0.004),
        ):
            assert error < small
            assert abs(value - exact) < 4.8 * error + 1e-12  # of six walks: Student's t
        assert one.highest < 1e-3
    hot = thermodynamics(densities, [1e9])[0]
    assert hot.entropy == pytest.approx(np.log(comb(20, 10)) / 20, abs=1e-6)


def test_ranges_are_found() -> None:
    lowest, highest = energy_range(Chain(Hamiltonian.of(SQUARE, SMALL), BEGIN, 1))
    bottom, top = ENERGIES.min(), ENERGIES.max()
    assert bottom - 0.05 * (top - bottom) < lowest < bottom
    assert highest == pytest.approx(top)
    found = wang_landau(SQUARE, SMALL, BEGIN, WangLandauSettings(bins=300, final_step=1e-5))[0]
    levels, counts = np.unique(ENERGIES.round(6), return_counts=True)
    assert found.energies == pytest.approx(levels, abs=found.width / 2 * 1.001)
    assert found.logarithms == pytest.approx(np.log(counts), abs=0.1)
    nothing = replace(SQUARE, trains=(SQUARE.trains[0].without(0),))
    with pytest.raises(SettingsError, match="the same energy"):
        wang_landau(nothing, SMALL, BEGIN, WangLandauSettings())


def test_results_do_not_depend_on_threads_nor_on_kills(tmp_path: Path) -> None:
    supercell = Supercell.of([6, 6, 1])
    begin = np.arange(36) % 2
    settings = WangLandauSettings(bins=40, windows=2, final_step=2e-5)
    whole = wang_landau(SQUARE, supercell, begin, settings, threads=1)[0]

    class Killed(Exception):  # noqa: N818
        pass

    told: list[float] = []

    def kill(part: float) -> None:
        told.append(part)
        if len(told) == 12:
            raise Killed

    with pytest.raises(Killed):
        wang_landau(SQUARE, supercell, begin, settings, folder=tmp_path, progress=kill, threads=1)
    (kept,) = tmp_path.iterdir()
    again = wang_landau(SQUARE, supercell, begin, settings, folder=tmp_path, threads=2)[0]
    assert json.dumps(again.to_dict()) == json.dumps(whole.to_dict())
    assert len(list(tmp_path.iterdir())) == 2
    kept.write_bytes(b"PK")
    with pytest.raises(FileFormatError, match="no walk that was kept"):
        wang_landau(SQUARE, supercell, begin, settings, folder=tmp_path)


def test_windows_are_joined_where_they_overlap() -> None:
    whole = np.array([0.0, 3.0, 5.0, 6.0, 6.5])
    bins = np.array([0, 2, 3, 4, 7])
    found, logarithms = joined([(bins[:3], whole[:3] + 1.0), (bins[1:], whole[1:] - 20.0)])
    assert found.tolist() == bins.tolist()
    assert logarithms - logarithms[0] == pytest.approx(whole)
    with pytest.raises(SettingsError, match="no energy in common"):
        joined([(bins[:2], whole[:2]), (bins[2:], whole[2:])])


def test_arrangements_are_counted_by_kind_of_site() -> None:
    salt = bulk("MgO", "rocksalt", a=4.2)
    parent = ParentLattice.of(salt, {"Mg": ["Mg", "Ca"], "O": ["O", "S"]})
    number = {symbol: parent.species.index(symbol) for symbol in parent.species}
    cells = [["Mg", "O"]] * 3 + [["Ca", "S"]] + [["Mg", "S"]]
    occupation = np.array([number[symbol] for cell in cells for symbol in cell])
    assert logarithm_of_arrangements(parent, occupation) == pytest.approx(
        np.log(comb(5, 1) * comb(5, 2))
    )
    mixed = ParentLattice.of(salt, {"Mg": ["Mg", "X"], "O": ["O", "X"]})
    with pytest.raises(SettingsError, match="have species in common"):
        logarithm_of_arrangements(mixed, np.zeros(8, int))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"bins": 1}, "bins"), ({"windows": 0}, "windows"), ({"final_step": 0.0}, "final_step"),
     ({"flatness": 1.0}, "flatness"), ({"lowest": float("nan")}, "lowest"),
     ({"bins": 3, "windows": 2}, "two bins")],
)  # fmt: skip
def test_settings_that_make_no_sense(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        WangLandauSettings(**wrong)  # type: ignore[arg-type]


def test_ranges_without_arrangements_are_refused() -> None:
    with pytest.raises(SettingsError, match="is empty"):
        wang_landau(SQUARE, SMALL, BEGIN, WangLandauSettings(lowest=5.0, highest=-5.0))
