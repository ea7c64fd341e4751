"""Starts of fits: energies of pairs, and the tensor trains that sum them up."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk

from maxvolt.fitting.lattice import Arrangement, LowRankSettings, fit_low_rank
from maxvolt.fitting.lattice.pairs import train_of_pairs
from maxvolt.potentials.lattice import ParentLattice, Supercell, environments_of
from maxvolt.properties.lattice import random_occupation

SPECIES = ("Mo", "Nb", "Ta", "W")


def centred(shells: int, c: int, seed: int) -> np.ndarray:
    """Energies of pairs without what concentrations explain."""
    found = np.random.default_rng(seed).normal(size=(shells, c, c))
    found -= found.mean(axis=1, keepdims=True)
    return found - found.mean(axis=2, keepdims=True)


@pytest.mark.parametrize(("c", "rank"), [(2, 2), (3, 3), (3, 5), (4, 4)])
def test_trains_sum_up_the_energies_of_pairs(c: int, rank: int) -> None:
    shells = np.array([0, 1, 1, 1, 2, 2])
    pairs = centred(2, c, seed=c)
    generator = np.random.default_rng(0)
    train = train_of_pairs(pairs, shells, rank, noise=0.0, generator=generator)
    environments = generator.integers(c, size=(50, len(shells)))
    expected = [
        sum(
            pairs[shell - 1, one[0], other]
            for shell, other in zip(shells[1:], one[1:], strict=True)
        )
        for one in environments
    ]
    assert train.values(environments) == pytest.approx(np.array(expected), abs=1e-12)


def test_a_low_rank_holds_the_most_of_the_pairs_that_it_can() -> None:
    shells = np.array([0, 1, 1, 2])
    pairs = centred(2, 4, seed=1)
    environments = np.stack(np.meshgrid(*[range(4)] * 4, indexing="ij"), -1).reshape(-1, 4)
    values = [
        train_of_pairs(pairs, shells, rank, 0.0, np.random.default_rng(0)).values(environments)
        for rank in (1, 2, 3, 4)
    ]
    away = [float(np.mean((one - values[-1]) ** 2)) for one in values]
    assert away[0] > away[1] > away[2] > away[3] == 0


def test_pairs_of_two_shells_are_found_with_rank_four() -> None:
    parent = ParentLattice.of(bulk("W", "bcc", a=3.2), list(SPECIES))
    (kind,) = environments_of(parent, 2)
    pairs = 0.05 * centred(2, 4, seed=2)
    arrangements = []
    for seed in range(150):
        supercell = Supercell.of([(2, 2, 3), (1, 3, 4), (2, 3, 3)][seed % 3])
        shares = dict(zip(SPECIES, np.random.default_rng(seed).dirichlet([1] * 4), strict=True))
        occupation = random_occupation(parent, supercell, shares, seed)
        around = occupation[kind.neighbors(parent, supercell)]
        energies = pairs[kind.shells[1:] - 1, around[:, :1], around[:, 1:]]
        arrangements.append(Arrangement(supercell, occupation, float(energies.sum())))
    settings = LowRankSettings(shells=2, rank=4, symmetric=False, ridge=1e-8, starts=1)
    fit = fit_low_rank(parent, arrangements, settings)
    spread = np.std([one.energy / len(one.occupation) for one in arrangements])
    assert fit.rmse < 1e-3 * spread


@pytest.mark.parametrize("seed", range(2))
def test_a_product_of_functions_of_the_sites_is_found_with_rank_one(seed: int) -> None:
    parent = ParentLattice.of(bulk("W", "bcc", a=3.2), ["Mo", "W"])
    (kind,) = environments_of(parent, 1)
    factors = 1.0 + 0.3 * np.random.default_rng(1).normal(size=(kind.length, 2))
    arrangements = []
    for number in range(80):
        supercell = Supercell.of([(2, 2, 3), (1, 3, 4), (2, 3, 3)][number % 3])
        shares = {"Mo": (number + 0.5) / 80, "W": 1 - (number + 0.5) / 80}
        occupation = random_occupation(parent, supercell, shares, number)
        around = occupation[kind.neighbors(parent, supercell)]
        energies = factors[np.arange(kind.length), around].prod(axis=1)
        arrangements.append(Arrangement(supercell, occupation, float(energies.sum())))
    settings = LowRankSettings(rank=1, symmetric=False, ridge=1e-9, starts=1, seed=seed)
    fit = fit_low_rank(parent, arrangements, settings)
    spread = np.std([one.energy / len(one.occupation) for one in arrangements])
    assert fit.rmse < 1e-3 * spread
