"""Fits of low-rank potentials of alloys on a lattice."""

from maxvolt.fitting.lattice.arrangements import Arrangement
from maxvolt.fitting.lattice.ensemble_fit import LowRankEnsembleFit, fit_low_rank_ensemble
from maxvolt.fitting.lattice.low_rank_fit import (
    LowRankFit,
    LowRankSettings,
    cross_validated,
    fit_low_rank,
)

__all__ = [
    "Arrangement",
    "LowRankEnsembleFit",
    "LowRankFit",
    "LowRankSettings",
    "cross_validated",
    "fit_low_rank",
    "fit_low_rank_ensemble",
]
