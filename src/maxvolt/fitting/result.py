"""What a fit gives: potentials, their errors, and what a user should know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from maxvolt.dataset import Dataset
from maxvolt.fitting.contract import FittedMembers, MemberFit
from maxvolt.fitting.error_statistics import EnsembleErrors, ErrorReport, errors_html
from maxvolt.fitting.prediction_errors import compute_ensemble_errors
from maxvolt.fitting.response import check_response
from maxvolt.fitting.robust_weights import RobustReport, robust_report
from maxvolt.fitting.settings import FitSettings
from maxvolt.html_tables import described_table
from maxvolt.parallel.ranks import ONE_PROCESS, Ranks
from maxvolt.potentials.ensemble import Ensemble
from maxvolt.potentials.protocol import Potential
from maxvolt.potentials.stepped import DatasetPotential, SteppedPotential

__all__ = ["FitResult", "fit_result"]


@dataclass(frozen=True, slots=True)
class FitResult:
    """A trained potential, or an ensemble of them, and how good it is.

    Attributes
    ----------
    potential : Potential
        What was fitted, of the family of what was given; an `Ensemble` where more than one was
        asked for.
    members : tuple of MemberFit
        How each fit went.
    training_errors : ErrorReport
        Of the potential, or of the mean of the ensemble.
    validation_errors : ErrorReport or None
    ensemble_training_errors, ensemble_validation_errors : EnsembleErrors or None
        Errors of every member, with mean and two standard deviations; None for one potential.
    robust : RobustReport or None
        Which labels a robust loss counts less; None without it.
    warnings : tuple of str
        What a user should know: a fit stopped by its iteration limit, labels that look wrong,
        an ensemble whose spread is no measure of its error.
    """

    potential: Potential
    members: tuple[MemberFit, ...]
    training_errors: ErrorReport
    validation_errors: ErrorReport | None
    ensemble_training_errors: EnsembleErrors | None
    ensemble_validation_errors: EnsembleErrors | None
    warnings: tuple[str, ...]
    robust: RobustReport | None = None

    def _repr_html_(self) -> str:
        facts = {
            f"potential {number}" if len(self.members) > 1 else "fit": (
                f"loss {fit.losses[0]:.4g} to {fit.losses[-1]:.4g} in "
                f"{len(fit.losses) - 1} iterations, {fit.finished}"
            )
            for number, fit in enumerate(self.members)
        }
        reports = {"training": self.training_errors}
        if self.validation_errors is not None:
            reports["validation"] = self.validation_errors
        remarks = [f"Warning: {text}" for text in self.warnings]
        remarks += [] if self.robust is None else self.robust.lines()
        return described_table("Fit", facts, remarks) + errors_html(reports)


def fit_result(
    fitted: FittedMembers,
    settings: FitSettings,
    dataset: Dataset,
    validation: Dataset | None,
    doubts: Sequence[str],
    *,
    threads: int,
    ranks: Ranks = ONE_PROCESS,
) -> FitResult:
    """Take fitted potentials, refuse what cannot be used, measure errors.

    Parameters
    ----------
    fitted
        By the family.
    settings, dataset, validation, threads, ranks
        As of `fit`.
    doubts
        Warnings of the data.

    Raises
    ------
    FitError
        A potential that the data do not determine.
    """
    members = fitted.potentials
    responses = [
        check_response(member, dataset, fitted.simplification, threads=threads)
        for member in members
    ]
    asked: Sequence[DatasetPotential] = members
    if ranks.size > 1:
        asked = [SteppedPotential(member, ranks=ranks) for member in members]
    training = compute_ensemble_errors(asked, dataset, threads=threads)
    checked = None
    if validation is not None:
        checked = compute_ensemble_errors(asked, validation, threads=threads)
    warnings = [
        *_of_limits(fitted, settings),
        *_of_species(members[0], dataset),
        *fitted.warnings,
        *doubts,
        *[text for text in responses if text is not None][:1],
    ]
    several = len(members) > 1
    if several:
        warnings += _of_spread(training, checked)
    return FitResult(
        potential=Ensemble(members) if several else members[0],
        members=fitted.histories,
        training_errors=training.mean_prediction,
        validation_errors=None if checked is None else checked.mean_prediction,
        ensemble_training_errors=training if several else None,
        ensemble_validation_errors=checked if several else None,
        warnings=tuple(warnings),
        robust=robust_report(dataset, found) if (found := fitted.label_factors) else None,
    )


def _of_limits(fitted: FittedMembers, settings: FitSettings) -> list[str]:
    limited = sum(history.reached_limit for history in fitted.histories)
    if not limited:
        return []
    return [
        f"{limited} of {len(fitted.histories)} fits reached the limit of {settings.max_iterations} "
        "iterations before they converged; allow more (max_iterations, --max-iterations)"
    ]


def _of_species(potential: Potential, dataset: Dataset) -> list[str]:
    absent = [symbol for symbol in potential.species if symbol not in dataset.species]
    if not absent:
        return []
    return [
        f"the training set has no {', '.join(absent)}: the predictions of the potential for "
        f"{'it' if len(absent) == 1 else 'them'} are meaningless"
    ]


def _of_spread(training: EnsembleErrors, validation: EnsembleErrors | None) -> list[str]:
    errors, name = (training, "training") if validation is None else (validation, "validation")
    text = errors.doubt(name)
    return [] if text is None else [text]
