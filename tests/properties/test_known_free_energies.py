"""Free energies that are known, what corrects them, and where two of them cross."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk, make_supercell
from ase.neighborlist import neighbor_list
from hypothesis import given
from hypothesis import strategies as st
from scipy import constants

from maxvolt.errors import DataError, SettingsError
from maxvolt.properties.free_energy import (
    FreeEnergies,
    FreeEnergy,
    FreeEnergySettings,
    State,
    crossing,
    draw_free_energies,
    free_energy_correction,
)
from maxvolt.properties.free_energy.analytic import (
    HBAR,
    einstein_crystal,
    frequencies,
    harmonic_crystal,
    ideal_gas,
    quantum_correction,
)
from maxvolt.properties.free_energy.finite_size import (
    endless_crystal,
    frequencies_between,
    leading_finite_size,
)
from maxvolt.properties.free_energy.simulations import Phonons, _real_between
from maxvolt.properties.free_energy.thermodynamic_integration import _harmonic
from maxvolt.properties.statistics import SeriesMean

PASCAL = constants.electron_volt / constants.angstrom**3


def test_entropy_of_argon_is_that_of_the_tables() -> None:
    """Sackur and Tetrode: 154.85 J/mol/K at 298.15 K and 1 bar (CODATA key values)."""
    t, step = 298.15, 0.5
    density = 1e5 / PASCAL / (units.kB * t)
    free = [ideal_gas(one, 39.948, density) for one in (t + step, t - step)]
    entropy = -(free[0] - free[1]) / (2 * step) / units.kB * constants.gas_constant
    assert entropy == pytest.approx(154.85, abs=0.01)


def test_few_atoms_of_an_ideal_gas_are_counted_with_stirling() -> None:
    """V^N / (N! wave^(3 N)), from which the gas without end is kT ln(2 pi N) / (2 N) away."""
    n, volume, kt = 40, 1000.0, units.kB * 300.0
    wave = HBAR * np.sqrt(2 * np.pi / (20.0 * kt))
    exact = -kt * (n * np.log(volume / wave**3) - np.log(np.arange(1, n + 1)).sum()) / n
    stirling = kt * np.log(2 * np.pi * n) / (2 * n)
    assert ideal_gas(300.0, 20.0, n / volume) + stirling == pytest.approx(
        exact, abs=kt / (10 * n**2)
    )


@given(st.integers(2, 40), st.floats(10.0, 2000.0), st.floats(0.01, 0.5))
def test_einstein_crystal_is_the_textbook_one(atoms, temperature, frequency) -> None:
    """3 N oscillators, less the centre of mass on its spring, plus it in the volume of an atom."""
    mass, volume = 27.0, 17.0
    kt = units.kB * temperature
    oscillators = 3 * atoms * kt * np.log(HBAR * frequency / kt)
    spread = 2 * np.pi * kt / (atoms * mass * frequency**2)
    expected = oscillators - kt * np.log(volume / spread**1.5)
    found = einstein_crystal(temperature, np.full(atoms, mass), frequency, volume * atoms)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_frequencies_of_a_chain_in_a_ring() -> None:
    """Three chains of springs, along each direction: 2 sqrt(k/m) |sin(pi n / N)|."""
    count, k, mass = 6, 2.0, 5.0
    ring = (
        k
        / mass
        * (2 * np.eye(count) - np.roll(np.eye(count), 1, 0) - np.roll(np.eye(count), -1, 0))
    )
    matrix = np.kron(ring, np.eye(3))
    expected = np.sort(
        np.repeat(2 * np.sqrt(k / mass) * np.sin(np.pi * np.arange(1, count) / count), 3)
    )
    assert frequencies(matrix) == pytest.approx(expected, rel=1e-9)


SPRING, REACH, HOT = 2.0, 3.0, 900.0
"""eV/A^2, of the nearest neighbours of aluminium; A; K."""


def spring_matrix(atoms: Atoms) -> np.ndarray:
    """Dynamical matrix of a crystal with springs between nearest neighbours."""
    masses = atoms.get_masses()
    found = np.zeros((len(atoms), 3, len(atoms), 3))
    for i, j, way in zip(*neighbor_list("ijD", atoms, REACH), strict=True):
        along = SPRING * np.outer(way, way) / (way @ way)
        found[i, :, j, :] -= along / np.sqrt(masses[i] * masses[j])
        found[i, :, i, :] += along / masses[i]
    return found.reshape(3 * len(atoms), -1)


def spring_crystal_without_end() -> float:
    """Free energy of an atom, from all waves of the primitive cell, eV."""
    crystal, waves = bulk("Al"), 24
    ways = neighbor_list("D", crystal, REACH)
    along = ways / np.linalg.norm(ways, axis=1)[:, None]
    grid = (np.arange(waves) + 0.5) / waves
    q = np.array(list(product(grid, repeat=3))) @ crystal.cell.reciprocal() * 2 * np.pi
    matrices = np.einsum("qn,na,nb->qab", 1 - np.cos(q @ ways.T), along, along)
    squares = np.linalg.eigvalsh(SPRING / crystal.get_masses()[0] * matrices)
    kt = units.kB * HOT
    return float(kt * np.log(HBAR * np.sqrt(squares) / kt).sum(axis=1).mean())


@pytest.mark.parametrize(
    ("crystal", "within"),
    [
        (bulk("Al", cubic=True) * 2, 1e-3),
        (bulk("Al", cubic=True) * 3, 3e-5),
        (bulk("Al") * 4, 1e-3),  # without right angles
    ],
)
def test_few_atoms_give_the_free_energy_of_a_crystal_without_end(crystal, within) -> None:
    """What is added leaves a fiftieth of what they lack, or less."""
    matrix, masses, volume = spring_matrix(crystal), crystal.get_masses(), crystal.get_volume()
    waves = frequencies(matrix)
    few = harmonic_crystal(HOT, waves, masses, volume)
    between = frequencies_between(matrix, crystal)
    assert len(between) == 21 * len(crystal)
    added = endless_crystal(HOT, waves, between, masses, volume)
    exact = spring_crystal_without_end()
    kt = units.kB * HOT
    assert (few + added) / len(crystal) == pytest.approx(exact, abs=within * kt)
    assert abs(few / len(crystal) - exact) > 0.05 * kt
    assert 0 < leading_finite_size(HOT, len(crystal)) < added


def test_waves_between_those_of_a_cell_are_those_of_the_cell_twice_as_long() -> None:
    """Of two elements, along the three axes at once."""
    crystal = bulk("Al", cubic=True)
    crystal.symbols[0] = "Cu"
    crystal *= 2
    twice = crystal * 2
    few, many = (spring_matrix(each) for each in (crystal, twice))
    between = frequencies_between(few, crystal)
    found = np.sort(np.concatenate([frequencies(few), between]))
    assert found == pytest.approx(frequencies(many), abs=1e-6)


def test_waves_between_those_of_an_oblique_cell() -> None:
    """Its vectors are not the shortest: rounding along them would miss nearest neighbors."""
    crystal = make_supercell(bulk("Al"), [[3, 0, 0], [3, 3, 0], [-3, 3, 3]])
    few, many = (spring_matrix(each) for each in (crystal, crystal * 2))
    found = np.sort(np.concatenate([frequencies(few), frequencies_between(few, crystal)]))
    assert found == pytest.approx(frequencies(many), abs=1e-6)


def test_waves_between_are_imaginary_where_those_of_a_cell_are_not() -> None:
    """Squares are sums of 2 (1 - cos q) - 0.8 (1 - cos 2 q): 0, 0.4, 4 in the cell, else -0.2."""
    crystal = bulk("Po", "sc", a=1.0) * 4
    matrix = np.zeros((len(crystal),) * 2)
    for reach, spring in ((1, 1.0), (2, -0.4)):
        for i, j, way in zip(*neighbor_list("ijD", crystal, 2.1), strict=True):
            if np.count_nonzero(np.abs(way) > 0.1) == 1 and round(np.linalg.norm(way)) == reach:
                matrix[i, j] -= spring
                matrix[i, i] += spring
    matrix = np.kron(matrix, np.eye(3))
    assert frequencies(matrix).min() == pytest.approx(np.sqrt(0.4))
    with pytest.raises(DataError, match="imaginary"):
        frequencies_between(matrix, crystal)
    assert _real_between(matrix, crystal) == []


@pytest.mark.parametrize("stable", [True, False])
def test_a_crystal_with_imaginary_waves_between_keeps_its_own(stable) -> None:
    """Of four atoms, whose harmonic crystal then has the leading term alone in addition."""
    crystal, kt = bulk("Cu", cubic=True), units.kB * 300.0
    vibrations = np.linspace(0.1, 0.3, 9)
    between = np.linspace(0.1, 0.35, 84) if stable else np.empty(0)
    state = State(crystal, SeriesMean(0, 0, 0.5, 0, 1), 0.0, 0.0, (), Path("none"), "")
    made_up = SimpleNamespace(phonons=lambda *at: Phonons(vibrations, between, -12.0))
    harmonic, added, remarks = _harmonic(made_up, state, 300.0)
    own = harmonic_crystal(300.0, vibrations, crystal.get_masses(), crystal.get_volume())
    assert harmonic.free_energy == pytest.approx((-12.0 + own + added) / 4)
    assert harmonic.quantum == pytest.approx(quantum_correction(300.0, vibrations) / 4)
    assert len(remarks) == (0 if stable else 1)
    if not stable:
        assert added == pytest.approx(kt * np.log(4) / 2)
        assert "use more atoms" in remarks[0]


def test_an_unstable_crystal_is_refused() -> None:
    with pytest.raises(DataError, match="not stable"):
        frequencies(np.diag([1e-12, 1e-12, 1e-12, -0.5, 1.0, 1.0]))


def test_quantum_oscillators_at_rest_and_when_hot() -> None:
    cold, omega = 1.0, 0.3
    at_rest = quantum_correction(cold, [omega]) + units.kB * cold * np.log(
        HBAR * omega / (units.kB * cold)
    )
    assert at_rest == pytest.approx(HBAR * omega / 2, rel=1e-9)
    hot = 5000.0
    assert quantum_correction(hot, [omega]) == pytest.approx(
        (HBAR * omega) ** 2 / (24 * units.kB * hot), rel=1e-3
    )


def test_a_stiffer_spring_by_perturbation() -> None:
    """Snapshots of an oscillator, and one that is stiffer: kT/2 ln of the ratio, for each of 20."""
    temperature, ratio, many = 300.0, 1.1, 20
    kt = units.kB * temperature
    x = np.random.default_rng(1).normal(0, np.sqrt(kt), (4000, many))
    found = free_energy_correction((ratio - 1) * (x**2).sum(axis=1) / 2, temperature, many)
    exact = kt / 2 * np.log(ratio)
    assert 0 < found.error < 0.002 * kt
    assert abs(found.value - exact) < 4 * found.error
    assert found.second_order == pytest.approx(exact, abs=0.0005 * kt + 4 * found.error)
    assert found.snapshots == 4000


def test_a_constant_is_taken_over_whatever_its_size() -> None:
    found = free_energy_correction(np.full(5, 1e5), 10.0, 10)
    assert (found.value, found.error, found.spread) == pytest.approx((1e4, 0.0, 0.0))


@pytest.mark.parametrize("given_values", [[1.0, 2.0, 3.0], [1.0, np.nan, 2.0, 3.0], [[1.0] * 4]])
def test_too_few_or_strange_differences_are_refused(given_values) -> None:
    with pytest.raises(DataError, match="at least 4 finite"):
        free_energy_correction(given_values, 300.0, 10)


def phase(gibbs: dict[float, float], error: float = 1e-4, pressure: float = 0.0) -> FreeEnergies:
    states = tuple(
        FreeEnergy(t, pressure, 100, 17.0, g, error, g, 0.0, 1e-5, 0.0, 1e-5, None, ())
        for t, g in gibbs.items()
    )
    return FreeEnergies("solid", "made up", states)


def test_two_lines_cross_where_they_do() -> None:
    temperatures = (800.0, 900.0, 1000.0)
    one = phase({t: -3.0 - 4e-4 * (t - 925) for t in temperatures})
    other = phase({t: -3.0 - 5e-4 * (t - 925) for t in temperatures})
    found = crossing(one, other)
    assert found.temperature == pytest.approx(925.0)
    assert found.entropy == pytest.approx(1e-4)
    # By propagation through the parabola, whose weights at 925 K are those of Lagrange.
    weights = np.array([-25 * 75 / 20000, 125 * 75 / 10000, 125 * 25 / 20000])
    expected = np.sqrt(2) * 1e-4 * np.linalg.norm(weights) / 1e-4
    assert found.error == pytest.approx(expected)


def test_of_two_crossings_that_in_the_middle_counts() -> None:
    temperatures = (800.0, 900.0, 1000.0)
    one = phase(dict.fromkeys(temperatures, -3.0))
    other = phase({t: -3.0 + 1e-6 * (t - 880) * (t - 1040) for t in temperatures})
    assert crossing(one, other).temperature == pytest.approx(880.0)
    with pytest.raises(DataError, match="do not cross"):
        crossing(one, one)


def test_what_cannot_be_compared_is_refused() -> None:
    one = phase({800.0: -3.0, 900.0: -3.1})
    with pytest.raises(DataError, match="two or more temperatures"):
        crossing(one, phase({800.0: -3.0, 850.0: -3.0}))
    with pytest.raises(DataError, match="different pressures"):
        crossing(one, phase({800.0: -3.0, 900.0: -3.1}, pressure=1.0))
    with pytest.raises(DataError, match="do not cross"):
        crossing(one, phase({800.0: -2.0, 900.0: -2.1}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"temperatures": ()}, "one or more different"),
        ({"temperatures": (300.0, 300.0)}, "one or more different"),
        ({"temperatures": (0.0,)}, "above 0 K"),
        ({"phase": "gas"}, "solid or liquid"),
        ({"seeds": ()}, "seeds"),
        ({"seeds": (-1,)}, "seeds"),
        ({"switching_time": 0.0}, "switching_time"),
        ({"atoms": 0}, "atoms"),
        ({"snapshots": -1}, "snapshots"),
    ],
)
def test_settings_without_sense_are_refused(changes, message) -> None:
    with pytest.raises(SettingsError, match=message):
        FreeEnergySettings(**{"temperatures": (300.0,), **changes})


def test_warnings_say_what_to_do() -> None:
    slow = phase({300.0: -3.0}, error=1e-5)
    assert "of one seed" in slow.warnings[0]
    state = slow.states[0]
    fast = FreeEnergies(
        "solid",
        "made up",
        # Of one seed, whose dissipation stands in the place of an error.
        (FreeEnergy(300.0, 0.0, 100, 17.0, -3.0, 5e-3, -3.0, 0.0, 5e-3, 0.0, 0.0, None, ()),),
    )
    assert state.entropy == pytest.approx(0.01)
    assert "longer switching_time" in fast.warnings[0]


def test_harmonic_free_energy_falls_with_the_volume_of_the_centre_of_mass() -> None:
    masses, found = np.full(8, 27.0), np.full(21, 0.2)
    small, large = (harmonic_crystal(300.0, found, masses, v) for v in (100.0, 200.0))
    assert small - large == pytest.approx(units.kB * 300.0 * np.log(2))


def test_phases_are_drawn_side_by_side() -> None:
    one, other = phase({800.0: -3.0, 900.0: -3.1}), phase({800.0: -2.9, 900.0: -3.2})
    axes = draw_free_energies([one, other]).axes
    assert [len(each.containers) for each in axes] == [2, 2, 0]
    assert axes[0].get_ylabel() == "Gibbs energy (eV/atom)"
    assert len(one.plot().axes) == 3


def test_entropy_of_a_harmonic_crystal_is_the_slope_of_its_free_energy() -> None:
    """Also what goes with the number of atoms, here four."""
    crystal = bulk("Cu", cubic=True)
    vibrations = np.linspace(0.1, 0.3, 9)
    state = State(crystal, SeriesMean(0, 0, 0.5, 0, 1), 0.0, 0.0, (), Path("none"), "")
    between = np.linspace(0.1, 0.35, 84)
    made_up = SimpleNamespace(phonons=lambda *at: Phonons(vibrations, between, -12.0))
    low, found, high = (_harmonic(made_up, state, t)[0] for t in (299.0, 300.0, 301.0))
    assert found.entropy == pytest.approx((low.free_energy - high.free_energy) / 2, rel=1e-5)
