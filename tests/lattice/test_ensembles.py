"""Ensembles of low-rank potentials: means and spreads, resampling, threads, files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk

from maxvolt.errors import FileFormatError, FitError, SettingsError
from maxvolt.fitting.lattice import (
    Arrangement,
    LowRankSettings,
    fit_low_rank,
    fit_low_rank_ensemble,
)
from maxvolt.potentials.lattice import (
    Hamiltonian,
    LowRankEnsemble,
    LowRankPotential,
    ParentLattice,
    Supercell,
    TensorTrain,
    read_low_rank,
    read_low_rank_ensemble,
    write_low_rank,
)
from maxvolt.potentials.lattice.environments import environments_of

BCC = ParentLattice.of(bulk("W", "bcc", a=3.2), ["Mo", "W"])
SETTINGS = LowRankSettings(rank=2, symmetric=False, ridge=1e-4, starts=1, sweeps=8, iterations=6)


def random_member(seed: int, parent: ParentLattice = BCC, rank: int = 2) -> LowRankPotential:
    generator = np.random.default_rng(seed)
    (kind,) = environments_of(parent, 1)
    train = TensorTrain.random(kind.length, len(parent.species), rank, generator).scaled_to(0.1)
    return LowRankPotential(parent, 1, False, generator.normal(size=(1, 2)), (train,))


def data(count: int, seed: int = 0) -> list[Arrangement]:
    known, generator = random_member(99, rank=3), np.random.default_rng(seed)
    found = []
    while len(found) < count:
        edges = generator.integers(-2, 3, (3, 3))
        if 0.5 < abs(np.linalg.det(edges)) < 8.5:
            supercell = Supercell.of(edges)
            occupation = generator.integers(0, 2, supercell.n_cells)
            energy = known.energy(supercell, occupation)
            found.append(Arrangement(supercell, occupation, energy))
    return found


def test_the_mean_is_one_potential_and_the_spread_that_of_the_members() -> None:
    members = tuple(random_member(seed) for seed in range(4))
    ensemble = LowRankEnsemble(members)
    for one in data(10):
        each = [member.energy(one.supercell, one.occupation) for member in members]
        assert ensemble.energy(one.supercell, one.occupation) == pytest.approx(np.mean(each))
        spread = np.sqrt(np.sum((np.array(each) - np.mean(each)) ** 2) / 3)
        assert ensemble.spread(one.supercell, one.occupation) == pytest.approx(spread)
        of_mean = ensemble.mean.energy(one.supercell, one.occupation)
        assert of_mean == pytest.approx(np.mean(each), abs=1e-11)
        of_core = Hamiltonian.of(ensemble.mean, one.supercell).energy(one.occupation)
        assert of_core == pytest.approx(np.mean(each), abs=1e-10)
    # Ranks of two species: 2, 4, 8 from each end; those of four members of rank 2 in between.
    assert ensemble.mean.trains[0].ranks == (1, 2, 4, 8, 8, 8, 8, 4, 2, 1)
    assert LowRankEnsemble(members[:1]).mean is members[0]
    assert LowRankEnsemble(members[:1]).spread(one.supercell, one.occupation) == 0


def test_members_differ_most_where_there_are_no_data() -> None:
    known = random_member(99, rank=3)
    # Nearly pure crystals are all that is known.
    generator = np.random.default_rng(1)
    supercell, poor = Supercell.of([3, 3, 3]), []
    for number in range(40):
        occupation = np.full(27, number % 2)
        occupation[generator.choice(27, 3, replace=False)] = 1 - number % 2
        poor.append(Arrangement(supercell, occupation, known.energy(supercell, occupation)))
    fit = fit_low_rank_ensemble(BCC, poor, SETTINGS, members=5)
    mixed = [generator.permutation(np.arange(27) % 2) for _ in range(20)]
    outside = np.mean([fit.ensemble.spread(supercell, one) for one in mixed]) / 27
    assert outside > 5 * fit.spreads.mean()
    found = [fit.ensemble.spread(one.supercell, one.occupation) / 27 for one in poor]
    assert fit.spreads == pytest.approx(found, abs=1e-10)


def test_the_first_member_is_that_of_a_single_fit_and_threads_change_nothing() -> None:
    known = data(60)
    alone = fit_low_rank(BCC, known, SETTINGS)
    by_one, by_three = (
        fit_low_rank_ensemble(BCC, known, SETTINGS, members=4, threads=threads)
        for threads in (1, 3)
    )
    assert by_one.ensemble.members[0].digest == alone.potential.digest
    assert by_three.ensemble.digest == by_one.ensemble.digest
    assert len({one.digest for one in by_one.ensemble.members}) == 4
    told: list[tuple[int, int]] = []
    fit_low_rank_ensemble(
        BCC, known, SETTINGS, members=2, progress=lambda done, total: told.append((done, total))
    )
    assert told == [(1, 2), (2, 2)]


@pytest.mark.parametrize("resampling", ["weights", "bootstrap"])
def test_members_have_data_of_their_own(resampling: str) -> None:
    known = data(60)
    # An exact potential exists, but for one wrong label, which some members do not see or see less.
    wrong = [*known[:-1], Arrangement(known[-1].supercell, known[-1].occupation, 5.0)]
    same, other = (
        fit_low_rank_ensemble(BCC, wrong, SETTINGS, members=4, resampling=how)
        for how in ("none", resampling)
    )
    assert other.ensemble.digest != same.ensemble.digest
    losses = [fit.losses[0] for fit in other.fits]
    assert max(losses) > 2 * min(losses)
    again = fit_low_rank_ensemble(BCC, wrong, SETTINGS, members=4, resampling=resampling)  # type: ignore[arg-type]
    assert again.ensemble.digest == other.ensemble.digest


def test_files_keep_all_members_and_those_of_one_are_as_before(tmp_path: Path) -> None:
    ensemble = LowRankEnsemble(tuple(random_member(seed) for seed in range(3)))
    path = tmp_path / "pot.lattice.npz"
    write_low_rank(ensemble, path)
    assert read_low_rank_ensemble(path).digest == ensemble.digest
    assert read_low_rank(path).digest == ensemble.mean.digest
    whole = path.read_bytes()
    for cut in (whole[:100], whole[:-50]):
        path.write_bytes(cut)
        with pytest.raises(FileFormatError, match=r"pot\.lattice"):
            read_low_rank_ensemble(path)
    write_low_rank(random_member(7), path)
    with np.load(path) as archive:
        assert sorted(archive.files) == ["atomic", "cell", "head", "places", "train_0"]
        assert b'"version": 1' in archive["head"].tobytes()
    (single,) = read_low_rank_ensemble(path).members
    assert single.digest == random_member(7).digest


def test_what_makes_no_ensemble_is_refused() -> None:
    other = ParentLattice.of(bulk("W", "bcc", a=3.3), ["Mo", "W"])
    for members in ((), (random_member(0), random_member(1, other))):
        with pytest.raises(SettingsError, match="ensemble"):
            LowRankEnsemble(members)
    with pytest.raises(FitError, match="members"):
        fit_low_rank_ensemble(BCC, data(5), SETTINGS, members=0)
    with pytest.raises(FitError, match="resampling"):
        fit_low_rank_ensemble(BCC, data(5), SETTINGS, members=2, resampling="jackknife")  # type: ignore[arg-type]
