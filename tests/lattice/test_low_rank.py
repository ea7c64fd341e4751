"""Low-rank potentials: tensors, invariances, fits, files."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from hypothesis import given, settings
from hypothesis import strategies as st

from ising_model import ising_model
from maxvolt.errors import FileFormatError, FitError, SettingsError
from maxvolt.fitting.lattice.arrangements import Arrangement, equations
from maxvolt.fitting.lattice.low_rank_fit import (
    LowRankSettings,
    fit_low_rank,
)
from maxvolt.fitting.lattice.scan import cross_validated
from maxvolt.fitting.lattice.tensor_equations import gradients, loss_of
from maxvolt.potentials.lattice.chain import Chain
from maxvolt.potentials.lattice.environments import environments_of
from maxvolt.potentials.lattice.files import read_low_rank, write_low_rank
from maxvolt.potentials.lattice.hamiltonian import Hamiltonian
from maxvolt.potentials.lattice.parent import ParentLattice
from maxvolt.potentials.lattice.potential import LowRankPotential
from maxvolt.potentials.lattice.supercells import Supercell
from maxvolt.potentials.lattice.tensor_train import TensorTrain
from maxvolt.properties.lattice.short_range_order import ShellPairs
from promises import needs

BCC = ParentLattice.of(bulk("W", "bcc", a=3.2), ["Mo", "Nb", "W"])


def random_potential(
    parent: ParentLattice = BCC, *, symmetric: bool = False, rank: int = 3, shells: int = 1
) -> LowRankPotential:
    generator = np.random.default_rng(5)
    c = len(parent.species)
    trains = tuple(
        TensorTrain.random(kind.length, c, rank, generator).scaled_to(0.1)
        for kind in environments_of(parent, shells, symmetric=symmetric)
    )
    atomic = generator.normal(size=parent.may_have.shape)
    return LowRankPotential(parent, shells, symmetric, atomic, trains)


def arrangements(
    potential: LowRankPotential, count: int, most: int = 8, seed: int = 0
) -> list[Arrangement]:
    generator = np.random.default_rng(seed)
    found: list[Arrangement] = []
    while len(found) < count:
        edges = generator.integers(-2, 3, (3, 3))
        if not 0.5 < abs(np.linalg.det(edges)) < most + 0.5:
            continue
        supercell = Supercell.of(edges)
        n = potential.parent.n_sites(supercell)
        occupation = generator.integers(0, len(potential.species), n)
        found.append(Arrangement(supercell, occupation, potential.energy(supercell, occupation)))
    return found


def test_tables_and_trains_say_the_same() -> None:
    train = TensorTrain.random(4, 3, 2, np.random.default_rng(0))
    every = np.array(list(product(range(3), repeat=4)))
    assert train.table() == pytest.approx(train.values(every), abs=1e-13)
    assert train.mean_square() == pytest.approx(np.mean(train.values(every) ** 2), rel=1e-12)
    for place in range(4):
        centred = train.centred_at(place)
        assert centred.values(every) == pytest.approx(train.values(every), abs=1e-13)
        norm = np.linalg.norm(centred.cores[place]) ** 2
        assert norm == pytest.approx(81 * train.mean_square(), rel=1e-12)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_a_supercell_repeated_has_as_many_times_the_energy(seed: int) -> None:
    potential = random_potential()
    generator = np.random.default_rng(seed)
    (one,) = arrangements(potential, 1, seed=seed)
    repeats = np.diag(generator.integers(1, 3, 3))
    large = Supercell.of(repeats @ one.supercell.vectors)
    occupation = one.occupation[one.supercell.numbers(large.offsets())]
    times = large.n_cells // one.supercell.n_cells
    assert potential.energy(large, occupation) == pytest.approx(times * one.energy, abs=1e-9)
    shifted = one.occupation[one.supercell.numbers(one.supercell.offsets() + np.array([1, -2, 1]))]
    assert potential.energy(one.supercell, shifted) == pytest.approx(one.energy, abs=1e-10)


def test_averages_over_symmetry_do_not_see_rotations() -> None:
    needs("lattice")
    potential = random_potential(symmetric=True)
    (one,) = arrangements(potential, 1, seed=3)
    turned = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]])  # a threefold axis, in primitive vectors
    supercell = Supercell.of(one.supercell.vectors @ turned)
    occupation = np.empty_like(one.occupation)
    occupation[supercell.numbers(one.supercell.offsets() @ turned)] = one.occupation
    assert potential.energy(supercell, occupation) == pytest.approx(one.energy, abs=1e-10)
    plain = random_potential()
    differs = plain.energy(supercell, occupation) - plain.energy(one.supercell, one.occupation)
    assert abs(differs) > 1e-4


@pytest.mark.parametrize("lattice", ["bcc", "hcp", "two kinds"])
@pytest.mark.parametrize("symmetric", [False, True])
def test_the_core_says_the_same(lattice: str, symmetric: bool) -> None:
    needs("lattice")
    if lattice == "two kinds":
        salt = bulk("MgO", "rocksalt", a=4.2)
        parent = ParentLattice.of(salt, {"Mg": ["Mg", "Ca"], "O": ["O", "S"]})
    else:
        primitive = bulk("Mg", lattice, a=3.2)
        parent = ParentLattice.of(primitive, ["Mg", "Al", "Zn"])
    # 15 sites of 3 species: matrices, not a table, unless averages are taken.
    shells = 2 if lattice == "bcc" else 1
    potential = random_potential(parent, symmetric=symmetric, shells=shells)
    supercell = Supercell.of([[3, 0, 0], [0, 3, 0], [1, 0, 2]])
    generator = np.random.default_rng(1)
    allowed = [np.flatnonzero(row) for row in parent.may_have]
    n = parent.n_sites(supercell)
    occupation = np.array([generator.choice(allowed[site % len(allowed)]) for site in range(n)])
    hamiltonian = Hamiltonian.of(potential, supercell)
    expected = potential.energy(supercell, occupation)
    assert hamiltonian.energy(occupation) == pytest.approx(expected, abs=1e-10)
    chain = Chain(hamiltonian, occupation)
    two = [0, n - 1]
    if parent.may_have[0, occupation[-1]] and parent.may_have[-1, occupation[0]]:
        changed = occupation.copy()
        changed[two] = occupation[two[::-1]]
        difference = potential.energy(supercell, changed) - expected
        assert chain.difference(two, changed[two].tolist()) == pytest.approx(difference, abs=1e-10)
    chain.run_at(1.0, 5_000)
    after = chain.occupation
    assert (after != occupation).any()
    if lattice == "two kinds":  # sites that have no species in common exchange none
        for site in (0, 1):
            assert sorted(after[site::2]) == sorted(occupation[site::2])
    assert chain.energy == pytest.approx(potential.energy(supercell, after), abs=1e-8)


def test_averages_of_matrices_are_those_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    needs("lattice")
    potential, supercell = random_potential(symmetric=True), Supercell.of([2, 3, 2])
    occupation = np.random.default_rng(0).integers(0, 3, 12)
    by_table = Hamiltonian.of(potential, supercell).energy(occupation)
    monkeypatch.setattr("maxvolt.potentials.lattice.hamiltonian._LARGEST_AVERAGE", 0)
    hamiltonian = Hamiltonian.of(potential, supercell)
    assert hamiltonian.energy(occupation) == pytest.approx(by_table, abs=1e-12)
    chain = Chain(hamiltonian, occupation)
    chain.run_at(1.0, 200)
    assert chain.energy == pytest.approx(potential.energy(supercell, chain.occupation), abs=1e-10)


def test_gradients_by_finite_differences() -> None:
    potential = random_potential()
    kinds = environments_of(BCC, 1)
    given_equations = equations(BCC, kinds, arrangements(potential, 40))
    basis = np.linalg.qr(given_equations.concentrations[:, :2])[0]
    inside = replace(
        given_equations, concentrations=basis,
        energies=given_equations.energies - basis @ (basis.T @ given_equations.energies),
    )  # fmt: skip
    train = TensorTrain.random(9, 3, 2, np.random.default_rng(2)).scaled_to(0.1)
    gradient, _ = gradients(inside, (train,), 0.05)
    step = np.random.default_rng(3).normal(size=gradient.size)
    h = 1e-5
    above, below = (
        loss_of(inside, (train.with_vector(train.vector() + sign * h * step),), 0.05)
        for sign in (1, -1)
    )
    assert 2 * gradient @ step == pytest.approx((above - below) / (2 * h), rel=1e-6)


def test_pair_interactions_are_found_exactly() -> None:
    # They are of rank 2 with two species: one number says what the centre does to each neighbour.
    known = ising_model(3)
    data = arrangements(known, 120)
    chosen = LowRankSettings(rank=2, symmetric=False, ridge=1e-12, starts=3, iterations=100)
    found = fit_low_rank(known.parent, data, chosen)
    assert found.rmse < 1e-4
    for one in arrangements(known, 30, seed=9):
        predicted = found.potential.energy(one.supercell, one.occupation)
        assert predicted == pytest.approx(one.energy, abs=2e-3 * len(one.occupation))


def test_higher_ranks_and_smaller_ridges_fit_better() -> None:
    data = arrangements(random_potential(rank=3), 150)
    kept = {"symmetric": False, "starts": 1, "iterations": 10, "sweeps": 10}
    by_rank = [
        fit_low_rank(BCC, data, LowRankSettings(rank=rank, ridge=1e-6, **kept)).rmse
        for rank in (1, 2, 3)
    ]
    assert by_rank[0] > by_rank[1] > by_rank[2]
    by_ridge = [
        fit_low_rank(BCC, data, LowRankSettings(rank=2, ridge=ridge, **kept))
        for ridge in (10, 0.01)
    ]
    assert by_ridge[0].rmse > by_ridge[1].rmse
    sizes = [one.potential.trains[0].mean_square() for one in by_ridge]
    assert sizes[0] < sizes[1]


def test_cross_validation_predicts_what_it_has_not_seen() -> None:
    known = random_potential(rank=2)
    data = arrangements(known, 200)
    folds = np.arange(200) % 4
    chosen = LowRankSettings(rank=2, symmetric=False, ridge=1e-6, starts=1, iterations=5, sweeps=8)
    predicted = cross_validated(BCC, data, chosen, folds)
    fitted = fit_low_rank(BCC, [one for one, fold in zip(data, folds, strict=True) if fold], chosen)
    one = data[0]
    of_first = fitted.potential.energy(one.supercell, one.occupation) / len(one.occupation)
    assert predicted[0] == pytest.approx(of_first, abs=1e-6)


def test_files_keep_everything(tmp_path: Path) -> None:
    potential = random_potential()
    write_low_rank(potential, tmp_path / "pot.lattice.npz")
    again = read_low_rank(tmp_path / "pot.lattice.npz")
    assert again.digest == potential.digest
    assert again.species == ("Mo", "Nb", "W")
    (one,) = arrangements(potential, 1)
    assert again.energy(one.supercell, one.occupation) == one.energy
    whole = (tmp_path / "pot.lattice.npz").read_bytes()
    for damaged in (b"", whole[:100], whole[:-50], b"MTP\n"):
        (tmp_path / "bad.npz").write_bytes(damaged)
        with pytest.raises(FileFormatError, match=r"bad\.npz"):
            read_low_rank(tmp_path / "bad.npz")


def test_what_does_not_fit_is_refused() -> None:
    potential = random_potential()
    supercell = Supercell.of([2, 2, 2])
    for wrong in ([0] * 7, [0.0] * 8, [3] * 8, [-1] * 8):
        with pytest.raises(SettingsError, match="occupation"):
            potential.energy(supercell, np.array(wrong))
    with pytest.raises(FitError, match="finite"):
        fit_low_rank(BCC, [], LowRankSettings(symmetric=False))
    for setting in ({"rank": 0}, {"shells": 0}, {"ridge": -1.0}, {"starts": 0}):
        with pytest.raises(SettingsError):
            LowRankSettings(**setting)  # type: ignore[arg-type]


def test_short_range_order_of_known_arrangements() -> None:
    parent = ParentLattice.of(bulk("W", "bcc", a=3.2), ["Mo", "W"])
    supercell = Supercell.of([4, 4, 4])
    # B2: neighbours differ by one primitive vector of bcc or by the sum of three.
    b2 = supercell.offsets().sum(axis=1) % 2
    pairs = ShellPairs(parent, supercell, 2)
    order = pairs.parameters(b2)
    assert order[0] == pytest.approx(np.array([[1.0, -1.0], [-1.0, 1.0]]))
    assert order[1] == pytest.approx(np.array([[-1.0, 1.0], [1.0, -1.0]]))
    assert pairs.distances == pytest.approx([3.2 * np.sqrt(3) / 2, 3.2])
    large = Supercell.of([24, 24, 24])
    mixed = np.random.default_rng(0).integers(0, 2, large.n_cells)
    assert np.abs(ShellPairs(parent, large, 2).parameters(mixed)).max() < 0.02
    alone = np.zeros(64, int)
    assert np.isnan(pairs.parameters(alone)[0, 1, 1])
