"""Replica exchange, and several chains."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from ase.units import kB

from ising_model import SPINS, ising_model
from maxvolt.errors import FileFormatError, SettingsError
from maxvolt.potentials.lattice.supercells import Supercell
from maxvolt.potentials.lattice.tensor_train import TensorTrain
from maxvolt.properties.lattice.annealing import AnnealingSettings, anneal, random_occupation
from maxvolt.properties.lattice.replica_exchange import (
    ReplicaExchange,
    replica_exchange,
    round_trips,
)
from maxvolt.properties.lattice.seeds import seed_of_chain
from maxvolt.properties.lattice.several_chains import anneal_chains, mean_of_chains
from maxvolt.properties.lattice.side_by_side import side_by_side

SQUARE = ising_model(2)
SMALL = Supercell.of([4, 4, 1])
FLIPS = (0.0, 0.0)


def exact(temperatures: tuple[float, ...], up: int | None) -> np.ndarray:
    """Energy per site and heat capacity of all states of 4 x 4 sites, by temperature."""
    neighbors = SQUARE.environments[0].neighbors(SQUARE.parent, SMALL)
    states = np.array(list(product((0, 1), repeat=16)), np.int64)
    if up is not None:
        states = states[states.sum(axis=1) == up]
    spins = SPINS[states]
    energies = -0.5 * sum((spins * spins[:, neighbors[:, k]]).sum(axis=1) for k in range(1, 5))
    found = []
    for temperature in temperatures:
        weights = np.exp(-(energies - energies.min()) / (kB * temperature))
        weights /= weights.sum()
        mean = energies @ weights
        variance = (energies - mean) ** 2 @ weights
        found.append((mean / 16, variance / 16 / (kB * temperature) ** 2))
    return np.array(found)


def same(one: ReplicaExchange, other: ReplicaExchange) -> bool:
    ends = all(
        np.array_equal(a.occupation, b.occupation)
        and np.array_equal(a.random_state, b.random_state)
        for a, b in zip(one.temperatures, other.temperatures, strict=True)
    )
    return ends and json.dumps(one.to_dict()) == json.dumps(other.to_dict())


@pytest.mark.parametrize("flips", [True, False])
def test_averages_are_those_of_all_states(flips: bool) -> None:
    temperatures = tuple(float(one) / kB for one in (3.5, 2.8, 2.2, 1.8))
    settings = AnnealingSettings(
        temperatures, equilibration=200, production=40_000, shells=1, snapshots=40, seed=5,
        chemical_potentials=FLIPS if flips else None,
    )  # fmt: skip
    begin = np.arange(16) % 2
    found = replica_exchange(SQUARE, SMALL, begin, settings, every=10)
    expected = exact(temperatures, None if flips else 8)
    for one, (energy, capacity) in zip(found.temperatures, expected, strict=True):
        assert one.energy_error < 0.01
        assert abs(one.energy - energy) < 3.5 * one.energy_error
        assert one.heat_capacity_error < 0.05 * capacity
        assert abs(one.heat_capacity - capacity) < 3.5 * one.heat_capacity_error
    assert (found.exchanged > 0.5).all()
    assert (found.exchanged < 1).all()
    assert found.round_trips > 100


def test_exchanges_are_accepted_as_often_as_two_temperatures_overlap() -> None:
    # Mean of min(1, exp((b1 - b2)(E1 - E2))) over pairs of states of two temperatures.
    neighbors = SQUARE.environments[0].neighbors(SQUARE.parent, SMALL)
    spins = SPINS[np.array(list(product((0, 1), repeat=16)), np.int64)]
    energies = -0.5 * sum((spins * spins[:, neighbors[:, k]]).sum(axis=1) for k in range(1, 5))
    levels, counts = np.unique(energies.round(6), return_counts=True)
    betas = np.array([0.3, 0.5])
    weights = counts * np.exp(-betas[:, None] * (levels - levels.min()))
    weights /= weights.sum(axis=1, keepdims=True)
    exponent = (betas[0] - betas[1]) * (levels[:, None] - levels)
    expected = weights[0] @ np.exp(np.minimum(0, exponent)) @ weights[1]
    settings = AnnealingSettings(
        tuple(1 / (kB * betas)), equilibration=100, production=30_000, shells=1,
        chemical_potentials=FLIPS,
    )  # fmt: skip
    found = replica_exchange(SQUARE, SMALL, np.zeros(16, int), settings, every=5)
    # 3000 attempts, of which those within a few sweeps are alike.
    assert found.exchanged[0] == pytest.approx(expected, abs=4 * np.sqrt(0.25 / 3000))


def test_results_do_not_depend_on_threads_nor_on_kills(tmp_path: Path) -> None:
    supercell = Supercell.of([8, 8, 1])
    begin = random_occupation(SQUARE.parent, supercell, {"Co": 1, "Fe": 1})
    settings = AnnealingSettings(
        (40_000.0, 33_000.0, 27_000.0), equilibration=25, production=100, shells=1, snapshots=10
    )
    whole = replica_exchange(SQUARE, supercell, begin, settings, every=5, threads=1)
    assert same(whole, replica_exchange(SQUARE, supercell, begin, settings, every=5, threads=3))

    class Killed(Exception):  # noqa: N818
        pass

    def kill(done: int, _: int) -> None:
        if done == 7:
            raise Killed

    def again(**more: object) -> ReplicaExchange:
        return replica_exchange(
            SQUARE, supercell, begin, settings, every=5, folder=tmp_path, **more  # type: ignore[arg-type]
        )  # fmt: skip

    with pytest.raises(Killed):
        again(progress=kill)
    assert len(list(tmp_path.iterdir())) == 7
    assert same(whole, again())
    files = sorted(tmp_path.iterdir())
    assert len(files) == 13
    assert same(whole, again())
    files[4].write_bytes(files[4].read_bytes()[:200])
    with pytest.raises(FileFormatError, match="no piece that is done"):
        again()
    other = replace(settings, seed=1)
    assert not same(whole, replica_exchange(SQUARE, supercell, begin, other, every=5))


def test_plain_chains_agree_in_a_system_of_many_states() -> None:
    # At constant composition on 10 x 10 sites, above the transition, where plain chains do well.
    supercell = Supercell.of([10, 10, 1])
    begin = random_occupation(SQUARE.parent, supercell, {"Co": 1, "Fe": 1})
    settings = AnnealingSettings(
        tuple(float(one) / kB for one in (4.0, 3.2)), equilibration=200, production=10_000, shells=1
    )
    by_exchange = replica_exchange(SQUARE, supercell, begin, settings).temperatures
    for one, other in zip(anneal(SQUARE, supercell, begin, settings), by_exchange, strict=True):
        error = np.hypot(one.energy_error, other.energy_error)
        assert error < 0.01
        assert abs(one.energy - other.energy) < 3.5 * error
        error = np.hypot(one.order_error, other.order_error)[0, 0, 1]
        assert abs(one.order - other.order)[0, 0, 1] < 3.5 * error


def test_settings_that_make_no_sense() -> None:
    one = AnnealingSettings((300.0,), production=100, snapshots=10)
    with pytest.raises(SettingsError, match="two temperatures"):
        replica_exchange(SQUARE, SMALL, np.zeros(16, int), one)
    two = replace(one, temperatures=(300.0, 200.0))
    with pytest.raises(SettingsError, match="10 snapshots times the 4 sweeps"):
        replica_exchange(SQUARE, SMALL, np.zeros(16, int), two, every=4)
    with pytest.raises(SettingsError, match="no chain"):
        anneal_chains(SQUARE, SMALL, [], two)


def test_failures_of_one_chain_stop_the_others() -> None:
    begun: list[int] = []

    def work(number: int, check: Callable[[], None]) -> None:
        begun.append(number)
        if number == 1:
            raise SettingsError("broken")
        while True:
            check()

    with pytest.raises(SettingsError, match="broken"):
        side_by_side(work, 6, 2)
    assert begun[:2] == [0, 1]
    assert len(begun) < 6


def test_round_trips_are_counted_there_and_back() -> None:
    places = np.array([[0, 1, 2], [1, 0, 2], [2, 0, 1], [2, 1, 0], [1, 2, 0], [0, 2, 1]])
    assert round_trips(places) == 1  # of the first replica alone
    assert round_trips(places[:5]) == 0


def test_several_chains_are_those_of_their_seeds(tmp_path: Path) -> None:
    supercell = Supercell.of([8, 8, 1])
    settings = AnnealingSettings(
        (40_000.0, 30_000.0), equilibration=10, production=100, shells=1, seed=3
    )
    begin = [
        random_occupation(SQUARE.parent, supercell, {"Co": 1, "Fe": 1}, seed) for seed in range(4)
    ]
    told: list[tuple[int, int]] = []
    chains = anneal_chains(
        SQUARE, supercell, begin, settings, threads=2, folder=tmp_path,
        progress=lambda *one: told.append(one),
    )  # fmt: skip
    assert told == [(number, 8) for number in range(1, 9)]
    assert len(list(tmp_path.iterdir())) == 8
    seeds = [seed_of_chain(3, chain) for chain in range(4)]
    assert seeds[0] == 3
    assert len(set(seeds)) == 4
    alone = anneal(SQUARE, supercell, begin[0], settings)
    assert [one.energy for one in alone] == [one.energy for one in chains[0]]
    found = mean_of_chains(chains)
    for number, one in enumerate(found):
        energies = [chain[number].energy for chain in chains]
        assert one.energy == pytest.approx(np.mean(energies))
        assert one.energy_error == pytest.approx(np.std(energies, ddof=1) / 2)
    assert [one.energy for one in mean_of_chains(chains[:1])] == [one.energy for one in alone]


def test_errors_of_chains_and_of_blocks_agree() -> None:
    supercell = Supercell.of([8, 8, 1])
    settings = AnnealingSettings((3.0 / kB,), equilibration=100, production=2_000, shells=1,
                                 chemical_potentials=FLIPS)  # fmt: skip
    begin = [np.arange(64) % 2] * 24
    chains = anneal_chains(SQUARE, supercell, begin, settings)
    (one,) = mean_of_chains(chains)
    by_blocks = np.sqrt(np.mean([chain[0].energy_error ** 2 for chain in chains]) / 24)
    assert one.energy_error == pytest.approx(by_blocks, rel=0.5)  # 15 % by 24 chains, twice


def test_chains_that_order_differently_say_so() -> None:
    # Rock salt is the ground state of the antiferromagnet on a simple cubic lattice.
    potential = ising_model(3)
    supercell = Supercell.of([8, 8, 8])
    begin = random_occupation(potential.parent, supercell, {"Co": 1, "Fe": 1})
    cold = AnnealingSettings((0.5 / kB,), equilibration=1, production=10, shells=1, snapshots=5)
    ordered = supercell.offsets().sum(axis=1) % 2
    hot = AnnealingSettings((50.0 / kB,), equilibration=20, production=50, shells=1)
    (one,) = anneal(potential, supercell, begin, hot)
    assert one.state is not None
    assert one.state.text == "disordered"
    cores = potential.trains[0].cores
    antiferromagnet = replace(potential, trains=(TensorTrain((-cores[0], *cores[1:])),))
    (other,) = anneal(antiferromagnet, supercell, ordered, cold)
    assert other.state is not None
    assert other.state.text == "B1(Co; Fe)"
    (both,) = mean_of_chains([[other], [one], [other]])
    assert both.state is not None
    assert both.state.text == "B1(Co; Fe) in 2 of 3, disordered in 1 of 3"
    peaks = {peak.star: peak for peak in both.state.peaks}
    assert 0 < peaks["(1/2 1/2 1/2)"].cumulant < 2 / 3
