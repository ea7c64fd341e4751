"""The result of fits: potentials, their errors, and what a user should know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from maxvolt.dataset import Dataset
from maxvolt.fitting.errors import EnsembleErrors, compute_ensemble_errors
from maxvolt.fitting.levenberg_marquardt import ITERATION_LIMIT, FitState
from maxvolt.fitting.problem import Problem
from maxvolt.fitting.response import RATTLE, check_response
from maxvolt.fitting.result import FitResult, MemberFit
from maxvolt.fitting.settings import FitSettings
from maxvolt.potentials import MTP, Ensemble

__all__ = ["fit_result"]


def fit_result(
    problem: Problem,
    settings: FitSettings,
    fitted: Sequence[tuple[FitState, MTP]],
    losses: Mapping[str, tuple[float, ...]],
    dataset: Dataset,
    validation: Dataset | None,
    doubts: Sequence[str],
) -> FitResult:
    """Take fitted potentials, refuse what cannot be used, measure errors.

    Parameters
    ----------
    problem
        On all structures.
    settings, dataset, validation
        As of `fit`.
    fitted
        Where the fits ended, and their potentials.
    losses
        By number of the potential.
    doubts
        Warnings so far.

    Raises
    ------
    FitError
        A potential that the data do not determine.
    """
    threads, level = problem.threads, problem.potential.level
    states, members = [state for state, _ in fitted], [member for _, member in fitted]
    responses = [check_response(member, dataset, level, threads=threads) for member in members]
    training = compute_ensemble_errors(members, dataset, threads=threads)
    checked = None
    if validation is not None:
        checked = compute_ensemble_errors(members, validation, threads=threads)
    warnings = [
        *_of_fits(states, settings),
        *_of_data(problem, dataset),
        *doubts,
        *[text for text in responses if text is not None][:1],
    ]
    several = len(members) > 1
    if several:
        warnings += _of_spread(training, checked)
    return FitResult(
        potential=Ensemble(tuple(members)) if several else members[0],
        members=tuple(MemberFit(losses[str(m)], state.finished) for m, state in enumerate(states)),
        training_errors=training.mean_prediction,
        validation_errors=None if checked is None else checked.mean_prediction,
        ensemble_training_errors=training if several else None,
        ensemble_validation_errors=checked if several else None,
        warnings=tuple(warnings),
    )


def _of_fits(states: Sequence[FitState], settings: FitSettings) -> list[str]:
    limited = sum(state.finished == ITERATION_LIMIT for state in states)
    if not limited:
        return []
    return [
        f"{limited} of {len(states)} fits reached the limit of {settings.max_iterations} "
        "iterations before they converged; allow more (max_iterations, --max-iterations)"
    ]


def _of_data(problem: Problem, dataset: Dataset) -> list[str]:
    found, potential = [], problem.potential
    absent = [symbol for symbol in potential.species if symbol not in dataset.species]
    if absent:
        found.append(
            f"the training set has no {', '.join(absent)}: the predictions of the potential for "
            f"{'it' if len(absent) == 1 else 'them'} are meaningless"
        )
    smallest = problem.training_set.shortest_distance
    if smallest < potential.min_dist:
        found.append(
            f"the training set has distances down to {smallest:.3f} A, below min_dist "
            f"{potential.min_dist:g} A, where the radial basis is not meant to be used"
        )
    vanishing = problem.vanishing
    if vanishing.any():
        found.append(
            f"{int(vanishing.sum())} of {len(potential.model.moment_coeffs)} scalars vanish by "
            "symmetry in all structures of the training set, so that the forces on displaced atoms "
            f"are guesses: {RATTLE}"
        )
    return found


def _of_spread(training: EnsembleErrors, validation: EnsembleErrors | None) -> list[str]:
    errors, name = (training, "training") if validation is None else (validation, "validation")
    text = errors.doubt(name)
    return [] if text is None else [text]
