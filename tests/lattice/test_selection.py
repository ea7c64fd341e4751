"""Selection of arrangements: tangent spaces, active sets, committees."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from ase.build import bulk

from maxvolt.errors import SettingsError
from maxvolt.fitting.lattice import Arrangement, LowRankSettings, fit_low_rank
from maxvolt.fitting.lattice.arrangements import counted
from maxvolt.potentials.lattice import (
    LowRankEnsemble,
    LowRankPotential,
    ParentLattice,
    Supercell,
    TangentSpace,
    TensorTrain,
)
from maxvolt.potentials.lattice.environments import environments_of
from maxvolt.selection.lattice import LatticeActiveSet, LatticeCommittee
from promises import needs

BCC = ParentLattice.of(bulk("W", "bcc", a=3.2), ["Mo", "W"])


def random_potential(seed: int = 0, parent: ParentLattice = BCC, rank: int = 2) -> LowRankPotential:
    generator = np.random.default_rng(seed)
    c = len(parent.species)
    trains = tuple(
        TensorTrain.random(kind.length, c, rank, generator).scaled_to(0.1)
        for kind in environments_of(parent, 1)
    )
    return LowRankPotential(parent, 1, False, generator.normal(size=parent.may_have.shape), trains)


def in_another_gauge(train: TensorTrain, seed: int = 0) -> TensorTrain:
    """Matrices that give the same values, and are far from orthogonal."""
    generator, cores = np.random.default_rng(seed), list(train.cores)
    for place in range(train.length - 1):
        rank = cores[place].shape[2]
        change = generator.normal(size=(rank, rank)) + 2 * np.eye(rank)
        cores[place] = cores[place] @ change
        cores[place + 1] = np.linalg.inv(change) @ cores[place + 1]
    return TensorTrain(tuple(cores))


def arrangements(
    count: int, seed: int = 0, shares: tuple[float, float] = (0, 1)
) -> list[Arrangement]:
    generator, found = np.random.default_rng(seed), []
    for number in range(count):
        supercell = Supercell.of([(2, 2, 2), (2, 2, 3), (1, 2, 4)][number % 3])
        n = supercell.n_cells
        share = generator.uniform(*shares)
        found.append(Arrangement(supercell, (generator.random(n) < share).astype(np.int64)))
    return found


def test_changes_are_orthonormal_and_all_that_the_matrices_can_do() -> None:
    train = TensorTrain.random(5, 3, 2, np.random.default_rng(0))
    every = np.array(list(product(range(3), repeat=5)))
    space = TangentSpace.of(train)
    values = np.concatenate(list(space.changes(every)), axis=1)
    # Entries of the matrices less those of the changes of gauge.
    assert space.dimension == train.n_parameters - 4 * 2**2 == values.shape[1]
    assert values.T @ values == pytest.approx(np.eye(space.dimension), abs=1e-12)
    h, generator = 1e-6, np.random.default_rng(1)
    for _ in range(5):
        step = generator.normal(size=train.n_parameters)
        above, below = (
            train.with_vector(train.vector() + sign * h * step).values(every) for sign in (1, -1)
        )
        slope = (above - below) / (2 * h)
        assert values @ (values.T @ slope) == pytest.approx(slope, abs=1e-8 * abs(slope).max())


def test_rows_are_derivatives_of_the_energy_per_site() -> None:
    salt = bulk("MgO", "rocksalt", a=4.2)
    parent = ParentLattice.of(salt, {"Mg": ["Mg", "Ca"], "O": ["O", "S"]})
    needs("lattice")
    potential = random_potential(3, parent)
    generator = np.random.default_rng(2)
    supercell = Supercell.of([2, 1, 2])
    allowed = [np.flatnonzero(row) for row in parent.may_have]
    n = parent.n_sites(supercell)
    occupation = np.array([generator.choice(allowed[site % 2]) for site in range(n)])
    one = Arrangement(supercell, occupation)
    given = counted(parent, potential.environments, [one])
    for kind, (train, counts) in enumerate(zip(potential.trains, given.counts, strict=True)):
        space = TangentSpace.of(train)
        row = space.rows(counts, given.environments[kind])[0]
        # The last place may change freely: its matrices are the last coordinates.
        last = space.left.cores[-1]
        change = generator.normal(size=last.shape)
        h = 1e-5
        energies = [
            replace(
                potential,
                trains=tuple(
                    TensorTrain((*space.left.cores[:-1], last + sign * h * change))
                    if other == kind
                    else same
                    for other, same in enumerate(potential.trains)
                ),
            ).energy(supercell, occupation)
            for sign in (1, -1)
        ]
        slope = (energies[0] - energies[1]) / (2 * h * n)
        assert row[-last.size :] @ change.reshape(-1) == pytest.approx(slope, abs=1e-9)


def test_members_of_the_set_are_interpolated_and_new_environments_are_not() -> None:
    known = arrangements(60, shares=(0.9, 1.0))
    active = LatticeActiveSet(random_potential(), tuple(known))
    assert active.grade(known).max() < 1.0011
    assert 2 < active.rank <= len(known)
    supercell = Supercell.of([2, 2, 2])
    # B2 and a random arrangement are unlike a few atoms in tungsten.
    ordered = Arrangement(supercell, supercell.offsets().sum(axis=1) % 2)
    generator, large = np.random.default_rng(3), Supercell.of([3, 3, 3])
    mixed = [Arrangement(large, generator.permutation(np.arange(27) % 2)) for _ in range(5)]
    new = [ordered, *mixed]
    assert active.grade(new).min() > 1.5
    assert LatticeActiveSet(random_potential(), (*known, *new)).grade(new).max() < 1.0011
    assert active.grade([]).shape == (0,)
    # A species that the set has never seen is off by any measure.
    pure = Arrangement(supercell, np.ones(8, np.int64))
    alone = LatticeActiveSet(random_potential(), (pure,))
    assert alone.grade([ordered])[0] > 1e4


def with_different_rows(potential: LowRankPotential, given: list[Arrangement]) -> list[Arrangement]:
    """Without those that differ from an earlier one by symmetry alone: either may be chosen."""
    rows = LatticeActiveSet(potential, tuple(given)).rows(given)
    apart = np.linalg.norm(rows[:, None] - rows, axis=2)
    return [one for k, one in enumerate(given) if not (apart[k, :k] < 1e-9).any()]


def test_grades_do_not_depend_on_the_matrices_that_make_a_tensor() -> None:
    potential = random_potential()
    known, others = (with_different_rows(potential, arrangements(*n)) for n in ((25,), (40, 1)))
    assert len(known) > 15
    turned = replace(potential, trains=tuple(map(in_another_gauge, potential.trains)))
    one, other = (LatticeActiveSet(each, tuple(known)) for each in (potential, turned))
    assert abs(turned.trains[0].vector() - potential.trains[0].vector()).max() > 0.1
    assert other.grade(others) == pytest.approx(one.grade(others), rel=1e-6)
    assert np.array_equal(other.active, one.active)
    chosen = [each.select(others, threshold=1.0).indices for each in (one, other)]
    assert chosen[0].size
    assert np.array_equal(*chosen)


def test_selected_candidates_make_the_others_interpolated() -> None:
    known, others = arrangements(8), arrangements(80, 1)
    active = LatticeActiveSet(random_potential(), tuple(known))
    selection = active.select(others, threshold=1.2)
    assert selection.grades == pytest.approx(active.grade(others))
    assert 0 < len(selection.indices) < (selection.grades > 1.2).sum()
    assert (selection.grades[selection.indices] > 1.2).all()
    chosen = [others[number] for number in selection.indices]
    after = LatticeActiveSet(active.potential, (*known, *chosen))
    above = [one for one, grade in zip(others, selection.grades, strict=True) if grade > 1.2]
    # The axes of another set of rows are others, and with them the rows of the damping.
    assert after.grade(above).max() < 1.3 < active.grade(above).max()
    few = active.select(others, threshold=1.2, limit=3)
    assert len(few.indices) == 3
    assert len(active.select(others, threshold=1.2, limit=0).indices) == 0
    assert len(active.select(known, threshold=1.2).indices) == 0


def test_volumes_are_larger_than_those_of_random_choices() -> None:
    known, others = arrangements(6), arrangements(60, 1)
    active = LatticeActiveSet(random_potential(), tuple(known))
    chosen = active.select(others, threshold=1.0, limit=6).indices
    rows = np.concatenate([active.rows(known), np.eye(active.rows(known).shape[1])])

    def volume(numbers: np.ndarray) -> float:
        whole = np.concatenate([rows, active.rows([others[k] for k in numbers])])
        return float(np.linalg.slogdet(whole.T @ whole)[1])

    generator = np.random.default_rng(0)
    drawn = [volume(generator.choice(60, 6, replace=False)) for _ in range(30)]
    assert volume(chosen) > max(drawn)


def test_a_committee_grades_by_the_spread() -> None:
    ensemble = LowRankEnsemble(tuple(random_potential(seed) for seed in range(3)))
    committee, others = LatticeCommittee(ensemble, 0.02), arrangements(20)
    grades = committee.grade(others)
    expected = [
        ensemble.spread(one.supercell, one.occupation) / len(one.occupation) / 0.02
        for one in others
    ]
    assert grades == pytest.approx(expected)
    threshold = float(np.median(grades))
    assert np.array_equal(
        committee.select(others, threshold=threshold).indices, np.flatnonzero(grades > threshold)
    )
    assert committee.select(others, threshold=threshold, limit=1).indices == np.argmax(grades)
    assert committee.grade([]).size == 0


def test_grades_tell_where_a_fit_is_wrong() -> None:
    known = random_potential(9, rank=3)
    data = [
        replace(one, energy=known.energy(one.supercell, one.occupation))
        for one in (*arrangements(40, shares=(0.85, 1.0)), *arrangements(60, 5))
    ]
    chosen = LowRankSettings(rank=3, symmetric=False, ridge=1e-6, starts=1)
    found = fit_low_rank(BCC, data[:40], chosen).potential
    active = LatticeActiveSet(found, tuple(data[:40]))
    grades = active.grade(data[40:])
    errors = np.array(
        [
            abs(found.energy(one.supercell, one.occupation) - one.energy) / len(one.occupation)
            for one in data[40:]
        ]
    )
    inside = grades < np.quantile(grades, 0.25)
    assert errors[inside].mean() < 0.3 * errors[~inside].mean()


def test_what_makes_no_selection_is_refused() -> None:
    with pytest.raises(SettingsError, match="two potentials"):
        LatticeCommittee(LowRankEnsemble((random_potential(),)), 1.0)
    two = LowRankEnsemble((random_potential(), random_potential(1)))
    with pytest.raises(SettingsError, match="scale"):
        LatticeCommittee(two, 0.0)
    with pytest.raises(SettingsError, match="damping"):
        LatticeActiveSet(random_potential(), tuple(arrangements(2)), damping=0.0)
    with pytest.raises(SettingsError, match="one arrangement"):
        LatticeActiveSet(random_potential(), ())
