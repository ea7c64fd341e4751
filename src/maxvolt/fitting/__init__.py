"""Fitting: the loss, its solver, and errors of potentials."""

from maxvolt.fitting.errors import ErrorReport, compute_errors
from maxvolt.fitting.fit import fit
from maxvolt.fitting.objective import Scaling, Weights
from maxvolt.fitting.result import FitProgress, FitResult, MemberFit
from maxvolt.fitting.settings import FitSettings

__all__ = [
    "ErrorReport",
    "FitProgress",
    "FitResult",
    "FitSettings",
    "MemberFit",
    "Scaling",
    "Weights",
    "compute_errors",
    "fit",
]
