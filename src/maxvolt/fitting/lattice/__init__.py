"""Fits of low-rank potentials of alloys on a lattice."""

from maxvolt.fitting.lattice.arrangements import Arrangement
from maxvolt.fitting.lattice.ensemble_fit import LowRankEnsembleFit, fit_low_rank_ensemble
from maxvolt.fitting.lattice.labelled import Labelled, labelled_arrangements
from maxvolt.fitting.lattice.low_rank_fit import (
    LowRankFit,
    LowRankSettings,
    cross_validated,
    fit_low_rank,
)
from maxvolt.fitting.lattice.scan import Scan, Scanned, random_folds, scan

__all__ = [
    "Arrangement",
    "Labelled",
    "LowRankEnsembleFit",
    "LowRankFit",
    "LowRankSettings",
    "Scan",
    "Scanned",
    "cross_validated",
    "fit_low_rank",
    "fit_low_rank_ensemble",
    "labelled_arrangements",
    "random_folds",
    "scan",
]
