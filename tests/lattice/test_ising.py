"""Monte Carlo of the Ising model: exact energies, heat capacities, cumulants, detailed balance."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from ase.units import kB
from onsager import onsager_energy, onsager_energy_by_integral, onsager_heat_capacity

from ising_model import SPINS, ising_model
from maxvolt.errors import SettingsError
from maxvolt.potentials.lattice.chain import Chain
from maxvolt.potentials.lattice.hamiltonian import Hamiltonian
from maxvolt.potentials.lattice.supercells import Supercell
from maxvolt.properties.lattice.annealing import AnnealingSettings, anneal, random_occupation
from maxvolt.properties.lattice.reweighting import (
    binder_cumulant,
    cumulant_crossing,
    reweighted,
)

FLIPS = (0.0, 0.0)


def test_energies_are_those_of_the_sum_over_pairs() -> None:
    potential, supercell = ising_model(2), Supercell.of([6, 7, 1])
    occupation = np.random.default_rng(0).integers(0, 2, 42)
    offsets = supercell.offsets()
    spins = np.zeros((6, 7))
    spins[offsets[:, 0], offsets[:, 1]] = SPINS[occupation]
    expected = -sum((spins * np.roll(spins, 1, axis)).sum() for axis in (0, 1))
    assert potential.energy(supercell, occupation) == pytest.approx(expected, abs=1e-12)
    assert Hamiltonian.of(potential, supercell).energy(occupation) == pytest.approx(
        expected, abs=1e-12
    )


def test_the_exact_energy_is_known_in_two_ways() -> None:
    for temperature in (1.9, 2.5, 3.5):
        assert onsager_energy(temperature) == pytest.approx(
            onsager_energy_by_integral(temperature), abs=1e-6
        )


@pytest.mark.parametrize("temperature", [1.8, 2.8])
def test_energy_and_heat_capacity_of_onsager(temperature: float) -> None:
    # Away from the transition a lattice of 32 x 32 is infinite within the errors.
    potential, supercell = ising_model(2), Supercell.of([32, 32, 1])
    settings = AnnealingSettings(
        (temperature / kB,), equilibration=500, production=20_000, shells=1,
        chemical_potentials=FLIPS, seed=4,
    )  # fmt: skip
    ordered = np.zeros(1024, int)
    (found,) = anneal(potential, supercell, ordered, settings)
    assert found.energy_error < 0.002
    assert abs(found.energy - onsager_energy(temperature)) < 3 * found.energy_error
    capacity = onsager_heat_capacity(temperature)
    assert found.heat_capacity_error < 0.03 * capacity
    assert abs(found.heat_capacity - capacity) < 3 * found.heat_capacity_error


def test_swaps_and_flips_visit_states_as_boltzmann_says() -> None:
    # All 512 states of 3 x 3 sites, whose energies are known, at one temperature.
    potential, supercell, beta = ising_model(2), Supercell.of([3, 3, 1]), 0.3
    hamiltonian = Hamiltonian.of(potential, supercell)
    states = np.array(list(product((0, 1), repeat=9)))
    energies = np.array([hamiltonian.energy(state) for state in states])
    for flips in (True, False):
        inside = np.ones(512, bool) if flips else states.sum(axis=1) == 4
        weights = np.where(inside, np.exp(-beta * energies), 0.0)
        expected = weights / weights.sum()
        chain = Chain(hamiltonian, states[inside][0], seed=1)
        visits = np.zeros(512)
        n = 20_000
        for _ in range(n):
            chain.run_at(beta, 200, chemical_potentials=FLIPS if flips else None)
            visits[int(chain.occupation @ 2 ** np.arange(9)[::-1])] += 1
        assert not visits[~inside].any()
        mean = n * expected[inside]
        chi_squared = ((visits[inside] - mean) ** 2 / mean).sum()
        freedom = inside.sum() - 1
        # 200 attempts on 9 sites leave no memory; five standard deviations of chi squared.
        assert chi_squared < freedom + 5 * np.sqrt(2 * freedom)


def test_chemical_potentials_make_the_composition_of_independent_sites() -> None:
    potential, supercell = ising_model(2), Supercell.of([10, 10, 1])
    free = type(potential)(
        potential.parent, 1, False, potential.atomic,
        (potential.trains[0].without(0),),
    )  # fmt: skip
    chain = Chain(Hamiltonian.of(free, supercell), np.zeros(100, int))
    samples = chain.run(1000.0, 1_000_000, every=100, chemical_potentials=(0.0, 0.1))
    share = 1.0 / (1.0 + np.exp(-0.1 / (kB * 1000.0)))
    error = np.sqrt(share * (1 - share) / (100 * 10_000 / 4))  # of four sweeps, one counts
    assert samples.counts[:, 1].mean() / 100 == pytest.approx(share, abs=4 * error)


def test_heat_capacity_at_constant_chemical_potentials_is_that_of_two_levels() -> None:
    potential, supercell, kelvin, gap = ising_model(2), Supercell.of([10, 10, 1]), 1000.0, 0.1
    free = type(potential)(
        potential.parent, 1, False, potential.atomic, (potential.trains[0].without(0),)
    )
    settings = AnnealingSettings(
        (kelvin,), equilibration=20, production=5000, shells=1, chemical_potentials=(0.0, gap)
    )
    (found,) = anneal(free, supercell, np.zeros(100, int), settings)
    share = 1.0 / (1.0 + np.exp(-gap / (kB * kelvin)))
    expected = (gap / (kB * kelvin)) ** 2 * share * (1 - share)
    assert found.energy == 0
    assert 0 < found.heat_capacity_error < 0.05 * expected
    assert abs(found.heat_capacity - expected) < 4 * found.heat_capacity_error


def test_energies_step_by_step_equal_full_ones_after_a_million_steps() -> None:
    potential, supercell = ising_model(3), Supercell.of([6, 6, 6])
    hamiltonian = Hamiltonian.of(potential, supercell)
    occupation = random_occupation(potential.parent, supercell, {"Co": 1, "Fe": 2}, seed=1)
    chain = Chain(hamiltonian, occupation, seed=2)
    samples = chain.run_at(0.2, 1_000_000, every=1_000_000)
    assert samples.energies[-1] == pytest.approx(hamiltonian.energy(chain.occupation), abs=1e-7)
    assert np.bincount(chain.occupation).tolist() == [72, 144]
    assert 0 < samples.accepted < 1


def test_reweighted_averages_are_those_of_all_states() -> None:
    # All 65,536 states of 4 x 4 sites; simulated at one temperature, averaged at two others.
    potential, supercell, beta = ising_model(2), Supercell.of([4, 4, 1]), 0.42
    neighbors = potential.environments[0].neighbors(potential.parent, supercell)
    states = np.array(list(product((0, 1), repeat=16)), np.int64)
    spins = SPINS[states]
    energies = -0.5 * sum((spins * spins[:, neighbors[:, k]]).sum(axis=1) for k in range(1, 5))
    moments = spins.sum(axis=1)
    found: dict[float, list[tuple[float, float]]] = {0.36: [], 0.48: []}
    for seed in range(8):
        chain = Chain(Hamiltonian.of(potential, supercell), states[0], seed)
        samples = chain.run_at(beta, 1_600_000, 32, FLIPS)
        moment = samples.counts[:, 0] - samples.counts[:, 1]
        for other, rows in found.items():
            energy = reweighted(samples.energies, samples.energies, beta, other)
            cumulant = binder_cumulant(moment, samples.energies, beta, other)
            rows.append((float(energy), cumulant))
    for other, rows in found.items():
        weights = np.exp(-other * energies)
        weights /= weights.sum()
        second, fourth = moments**2 @ weights, moments**4 @ weights
        exact = np.array([energies @ weights, 1 - fourth / (3 * second**2)])
        error = np.std(rows, axis=0, ddof=1) / np.sqrt(len(rows))
        assert (error < [0.05, 0.003]).all()
        assert (np.abs(np.mean(rows, axis=0) - exact) < 4.5 * error).all()  # of 8 runs: Student's t


def test_a_flat_walk_finds_the_density_of_states() -> None:
    # All 12,870 ways to put eight spins up on 4 x 4 sites, counted by energy.
    potential, supercell = ising_model(2), Supercell.of([4, 4, 1])
    neighbors = potential.environments[0].neighbors(potential.parent, supercell)
    states = np.array(list(product((0, 1), repeat=16)), np.int64)
    states = states[states.sum(axis=1) == 8]
    spins = SPINS[states]
    energies = -0.5 * sum((spins * spins[:, neighbors[:, k]]).sum(axis=1) for k in range(1, 5))
    bins = np.arange(-34.0, 35.0, 4.0)  # energies are multiples of four
    counts = np.histogram(energies, bins)[0]
    chain = Chain(Hamiltonian.of(potential, supercell), states[0], seed=3)
    logarithms = np.zeros(len(counts))
    step = 1.0
    while step > 1e-6:
        visits = np.zeros(len(counts), np.int64)
        chain.walk(bins[0], 4.0, logarithms, visits, step, 200_000)
        step /= 2
    there = counts > 0
    assert not logarithms[~there].any()
    assert visits[there].min() > 0.8 * visits[there].mean()
    found = logarithms[there] - logarithms[there].max()
    expected = np.log(counts[there] / counts.max())
    assert found == pytest.approx(expected, abs=0.1)


def test_a_crossing_that_is_not_there_is_said() -> None:
    assert cumulant_crossing(lambda b: 0.5, lambda b: b, (0.2, 0.8)) == pytest.approx(0.5)
    with pytest.raises(SettingsError, match="do not cross"):
        cumulant_crossing(lambda b: 0.5, lambda b: b, (0.6, 0.8))


def test_a_simulation_that_was_killed_goes_on_bit_for_bit(tmp_path: Path) -> None:
    potential, supercell = ising_model(2), Supercell.of([8, 8, 1])
    occupation = random_occupation(potential.parent, supercell, {"Co": 1, "Fe": 1})
    settings = AnnealingSettings(
        (40_000.0, 30_000.0, 20_000.0), equilibration=10, production=100, shells=1
    )
    whole = anneal(potential, supercell, occupation, settings, folder=tmp_path / "whole")

    class Killed(Exception):  # noqa: N818
        pass

    def kill(done: int, _: int) -> None:
        if done == 2:
            raise Killed

    with pytest.raises(Killed):
        anneal(potential, supercell, occupation, settings, folder=tmp_path / "b", progress=kill)
    assert len(list((tmp_path / "b").iterdir())) == 2
    again = anneal(potential, supercell, occupation, settings, folder=tmp_path / "b")
    for one, other in zip(whole, again, strict=True):
        assert one.energy == other.energy
        assert np.array_equal(one.occupation, other.occupation)
        assert np.array_equal(one.random_state, other.random_state)
    hotter = AnnealingSettings((50_000.0,), equilibration=10, production=100, shells=1)
    anneal(potential, supercell, occupation, hotter, folder=tmp_path / "b")
    assert len(list((tmp_path / "b").iterdir())) == 4
