"""Ensembles of low-rank potentials: fits of the same arrangements from different starts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import FitError
from maxvolt.fitting.lattice.arrangements import Arrangement, Equations, equations
from maxvolt.fitting.lattice.low_rank_fit import LowRankFit, LowRankSettings, fit_samples
from maxvolt.fitting.settings import check_choice
from maxvolt.limits import MEMBERS
from maxvolt.potentials.lattice.ensemble import LowRankEnsemble
from maxvolt.potentials.lattice.environments import environments_of
from maxvolt.potentials.lattice.parent import ParentLattice

__all__ = ["LowRankEnsembleFit", "Resampling", "fit_low_rank_ensemble"]

Resampling = Literal["none", "weights", "bootstrap"]

_OF_SAMPLES = 1
"""Keeps random numbers of samples apart from those of starts."""


@dataclass(frozen=True, slots=True, eq=False)
class LowRankEnsembleFit:
    """A fitted ensemble.

    Attributes
    ----------
    ensemble
        The potentials.
    fits
        Of the members; errors and losses are those on the data of each.
    rmse : eV per site
        Of the mean, on all arrangements.
    spreads : shape (S,), eV per site
        Sample standard deviations over the members, of all arrangements.
    """

    ensemble: LowRankEnsemble
    fits: tuple[LowRankFit, ...]
    rmse: float
    spreads: NDArray[np.float64]


def fit_low_rank_ensemble(
    parent: ParentLattice,
    arrangements: Sequence[Arrangement],
    settings: LowRankSettings,
    members: int = 10,
    *,
    resampling: Resampling = "none",
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> LowRankEnsembleFit:
    """Fit several potentials to energies of arrangements, on all cores.

    Parameters
    ----------
    parent
        The lattice.
    arrangements
        Labelled.
    settings
        Of each potential and of its fit; the starts of the members differ. The first member of an
        ensemble without resampling is that of `fit_low_rank`.
    members
        Number of potentials.
    resampling
        Data of each member: the same ("none"); with random weights of the arrangements from an
        exponential distribution ("weights"); drawn with replacement ("bootstrap").
    threads
        By default one for each core; numbers do not depend on it.
    progress
        Is told how many starts of how many are done.

    Raises
    ------
    FitError
        There are no arrangements, an energy is not finite, or an argument is out of range.

    References
    ----------
    B. Efron, Ann. Stat. 7, 1 (1979); D. B. Rubin, Ann. Stat. 9, 130 (1981): resampling.
    """
    MEMBERS.check("members", members, FitError)
    check_choice("resampling", resampling, Resampling)
    kinds = environments_of(parent, settings.shells, symmetric=settings.symmetric)
    given = equations(parent, kinds, arrangements)
    samples = [_sample(given, resampling, settings.seed, member) for member in range(members)]
    fits = fit_samples(parent, samples, settings, threads=threads, progress=progress)
    found = np.array([given.energies_by(fit.potential) for fit in fits])
    spreads = found.std(axis=0, ddof=1) if members > 1 else np.zeros(len(arrangements))
    return LowRankEnsembleFit(
        LowRankEnsemble(tuple(fit.potential for fit in fits)),
        tuple(fits),
        float(np.sqrt(np.mean((found.mean(axis=0) - given.energies) ** 2))),
        spreads,
    )


def _sample(given: Equations, resampling: Resampling, seed: int, member: int) -> Equations:
    if resampling == "none":
        return given
    generator, n = np.random.default_rng([seed, member, _OF_SAMPLES]), len(given.energies)
    if resampling == "weights":
        return given.weighted(generator.exponential(size=n))
    counts = np.bincount(generator.integers(n, size=n), minlength=n)
    return given.weighted(counts.astype(float))
