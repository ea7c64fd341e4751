"""What a fit gives."""

from __future__ import annotations

from dataclasses import dataclass

from maxvolt.fitting.errors import EnsembleErrors, ErrorReport
from maxvolt.potentials import MTP, Ensemble

__all__ = ["FitProgress", "FitResult", "MemberFit"]


@dataclass(frozen=True, slots=True)
class FitProgress:
    """News of a fit, after each iteration.

    Attributes
    ----------
    member, members : int
        Potential of the ensemble that is being fitted, from 0, and their number.
    start, starts : int
        Random start, from 0, and their number; `start == starts` once the best goes on.
    iteration, most_iterations : int
        Accepted steps and their limit.
    loss : float
    energy_rmse : float, eV/atom
    force_rmse : float, eV/Angstrom
        Per component. NaN where there are no labels.
    stress_rmse : float, eV/Angstrom^3
    elapsed, remaining : float, s
        Time since the fit began; time that it will likely go on, from how its loss falls. Until
        that can be told, all iterations allowed count. NaN where no time is known.
    finished : str
        Why this potential's fit ended; "" while it goes on.
    """

    member: int
    members: int
    start: int
    starts: int
    iteration: int
    most_iterations: int
    loss: float
    energy_rmse: float
    force_rmse: float
    stress_rmse: float
    elapsed: float
    remaining: float
    finished: str


@dataclass(frozen=True, slots=True)
class MemberFit:
    """How the fit of one potential went.

    Attributes
    ----------
    losses : tuple of float
        Loss at the start and after each iteration.
    finished : str
        Why it ended.
    """

    losses: tuple[float, ...]
    finished: str


@dataclass(frozen=True, slots=True)
class FitResult:
    """A trained potential, or an ensemble of them, and how good it is.

    Attributes
    ----------
    potential : MTP or Ensemble
        What was fitted; an ensemble where more than one was asked for.
    members : tuple of MemberFit
        How each fit went.
    training_errors : ErrorReport
        Of the potential, or of the mean of the ensemble.
    validation_errors : ErrorReport or None
    ensemble_training_errors, ensemble_validation_errors : EnsembleErrors or None
        Errors of every member, with mean and two standard deviations; None for one potential.
    warnings : tuple of str
        What a user should know: a fit stopped by its iteration limit, distances below `min_dist`,
        labels that look wrong, an ensemble whose spread is no measure of its error.
    """

    potential: MTP | Ensemble
    members: tuple[MemberFit, ...]
    training_errors: ErrorReport
    validation_errors: ErrorReport | None
    ensemble_training_errors: EnsembleErrors | None
    ensemble_validation_errors: EnsembleErrors | None
    warnings: tuple[str, ...]
