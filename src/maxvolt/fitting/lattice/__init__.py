"""Fits of low-rank potentials of alloys on a lattice."""

from maxvolt.fitting.lattice.arrangements import Arrangement
from maxvolt.fitting.lattice.ensemble_fit import LowRankEnsembleFit, fit_low_rank_ensemble
from maxvolt.fitting.lattice.labelled import (
    Labelled,
    OnSites,
    labelled_arrangements,
    structures_on_sites,
)
from maxvolt.fitting.lattice.low_rank_fit import LowRankFit, LowRankSettings, fit_low_rank
from maxvolt.fitting.lattice.predicted import (
    LatticeErrors,
    LatticePredictions,
    lattice_errors,
    predicted_energies,
)
from maxvolt.fitting.lattice.scan import Scan, Scanned, cross_validated, random_folds, scan

__all__ = [
    "Arrangement",
    "Labelled",
    "LatticeErrors",
    "LatticePredictions",
    "LowRankEnsembleFit",
    "LowRankFit",
    "LowRankSettings",
    "OnSites",
    "Scan",
    "Scanned",
    "cross_validated",
    "fit_low_rank",
    "fit_low_rank_ensemble",
    "labelled_arrangements",
    "lattice_errors",
    "predicted_energies",
    "random_folds",
    "scan",
    "structures_on_sites",
]
