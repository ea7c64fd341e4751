"""Fitting: the loss, its solvers, and errors of potentials.

Names are imported when they are first used, so that settings cost nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maxvolt.fitting.contract import MemberFit
    from maxvolt.fitting.error_statistics import EnsembleErrors, ErrorReport
    from maxvolt.fitting.fit_potential import fit
    from maxvolt.fitting.prediction_errors import compute_ensemble_errors, compute_errors
    from maxvolt.fitting.progress import FitProgress
    from maxvolt.fitting.result import FitResult
    from maxvolt.fitting.settings import FitSettings, Scaling, SolverSettings, Weights

__all__ = [
    "EnsembleErrors",
    "ErrorReport",
    "FitProgress",
    "FitResult",
    "FitSettings",
    "MemberFit",
    "Scaling",
    "SolverSettings",
    "Weights",
    "compute_ensemble_errors",
    "compute_errors",
    "fit",
]

_HOME = {
    "EnsembleErrors": "error_statistics",
    "ErrorReport": "error_statistics",
    "FitProgress": "progress",
    "FitResult": "result",
    "FitSettings": "settings",
    "MemberFit": "contract",
    "Scaling": "settings",
    "SolverSettings": "settings",
    "Weights": "settings",
    "compute_ensemble_errors": "prediction_errors",
    "compute_errors": "prediction_errors",
    "fit": "fit_potential",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'maxvolt.fitting' has no attribute {name!r}")
    value = getattr(import_module(f"maxvolt.fitting.{_HOME[name]}"), name)
    globals()[name] = value
    return value
