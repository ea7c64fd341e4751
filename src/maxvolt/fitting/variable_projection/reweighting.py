"""Robust fits: weights follow the errors, between the steps of Levenberg-Marquardt.

Weights are computed from the errors of a reference, the coefficients of some earlier state, and
kept for a few steps; then the latest state is the reference. With the reference a fit that was cut
off goes on to the same last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from maxvolt.fitting.robust_weights import LabelErrors, factors, scales
from maxvolt.fitting.settings import SolverSettings
from maxvolt.fitting.training_set import Portion, TrainingSet
from maxvolt.fitting.variable_projection.elimination import eliminate
from maxvolt.fitting.variable_projection.levenberg_marquardt import (
    ITERATION_LIMIT,
    FitState,
    first_state,
    iterate,
)
from maxvolt.fitting.variable_projection.problem import Problem
from maxvolt.potentials.mtp.binding import kernels
from maxvolt.potentials.mtp.model import Model, compile_model
from maxvolt.units import VOIGT_COUNTS

__all__ = ["first_robust_state", "iterate_robustly", "label_factors", "robustly_weighted"]

_FIRST_ROUNDS = 20
"""Most solutions for the linear coefficients of a start, each with weights of the one before."""

_SETTLED = 0.01
"""Relative change of the usual errors that ends these."""

_STEPS = 5
"""Steps with the same weights."""

Array = NDArray[np.float64]


def first_robust_state(problem: Problem, radial: Array, ridge: float) -> FitState:
    """Solve for the linear coefficients of a start, again and again until the weights settle.

    Raises
    ------
    FitError
        The equations cannot be solved.
    """
    state, before = first_state(problem, radial, ridge), None
    for _ in range(_FIRST_ROUNDS):
        reference = np.concatenate([state.radial, state.linear])
        weighted, usual = _reweighted(problem, reference)
        state = replace(first_state(weighted, radial, ridge), reference=reference)
        if before is not None and np.allclose(usual, before, rtol=_SETTLED, atol=0.0):
            break
        before = usual
    return state


def iterate_robustly(
    problem: Problem, state: FitState, settings: SolverSettings
) -> Iterator[FitState]:
    """Yield the state after each accepted step, until the fit ends and its weights have settled.

    Parameters
    ----------
    problem
        What is fitted, with the weights that labels have without errors.
    state
        Where to begin, as `first_robust_state` or this function gives it.
    settings
        Limits and tolerances.

    Raises
    ------
    FitError
        The equations cannot be solved.
    """
    while not state.finished:
        weighted, _ = _reweighted(problem, state.reference)
        for state in iterate(weighted, state, settings):  # noqa: B020 (the latest is the next)
            due = state.iteration - state.reweighted >= _STEPS
            if due or state.finished not in ("", ITERATION_LIMIT):
                state = _with_new_weights(problem, state, settings)
                yield state
                break
            yield state


def _with_new_weights(problem: Problem, state: FitState, settings: SolverSettings) -> FitState:
    """Take a state as the reference; it goes on, unless the new weights change nothing."""
    reference = np.concatenate([state.radial, state.linear])
    weighted, _ = _reweighted(problem, reference)
    solved = eliminate(weighted.linear_equations(state.radial), settings.ridge)
    settled = abs(solved.loss - state.loss) <= settings.tolerance * abs(state.loss)
    finished = state.finished
    # Without a step since the weights before, only the weights move, and they have converged.
    if not settled and state.iteration > state.reweighted:
        finished = ITERATION_LIMIT if state.iteration >= settings.max_iterations else ""
    return replace(
        state,
        linear=solved.linear,
        loss=solved.loss,
        reference=reference,
        reweighted=state.iteration,
        quiet=state.quiet if settled else 0,
        finished=finished,
    )


def label_factors(problem: Problem, state: FitState) -> LabelErrors:
    """Factors of the weights of all labels at the end of a robust fit, brought here."""
    errors = _errors(problem, np.concatenate([state.radial, state.linear]))
    return factors(errors, scales(errors))


def _reweighted(problem: Problem, reference: Array) -> tuple[Problem, tuple[float, float, float]]:
    """The same problem with the weights that the errors of a reference give, and usual errors."""
    usual = scales(_errors(problem, reference))
    model = _model(problem, reference)
    weighted = copy(problem)  # what was found when it was made does not depend on weights
    training_set = _with_factors(problem.training_set, model, usual, problem.threads)
    object.__setattr__(weighted, "training_set", training_set)
    if problem.sample is not None:
        sample = _with_factors(problem.sample, model, usual, problem.threads)
        object.__setattr__(weighted, "sample", sample)
    return weighted, usual


def robustly_weighted(
    model: Model, parts: Sequence[TrainingSet], *, threads: int
) -> list[TrainingSet]:
    """Parts of a training set with the weights of a robust fit that ended with this model.

    Parameters
    ----------
    model
        Its energies are relative to the baseline of the parts.
    parts
        With the weights that labels have without errors.
    threads
        Number of threads.
    """
    sizes = [part.portions.each(partial(_sizes, model), threads=threads) for part in parts]
    usual = scales(LabelErrors.joined([one for part in sizes for one in part]))
    return [_with_factors(part, model, usual, threads) for part in parts]


def _with_factors(
    training_set: TrainingSet, model: Model, usual: tuple[float, float, float], threads: int
) -> TrainingSet:
    weighted = training_set.portions.kept(partial(_weighted, model, usual), threads=threads)
    return replace(training_set, portions=weighted)


def _model(problem: Problem, coefficients: Array) -> Model:
    n_radial = problem.potential.model.n_radial
    return problem.model(coefficients[:n_radial], coefficients[n_radial:])


def _errors(problem: Problem, coefficients: Array) -> LabelErrors:
    found = problem.training_set.portions.each(
        partial(_sizes, _model(problem, coefficients)), threads=problem.threads
    )
    return LabelErrors.joined(list(found))


def _sizes(model: Model) -> Callable[[Portion], LabelErrors]:
    core = compile_model(model)

    def work(portion: Portion) -> LabelErrors:
        neighborhoods, used = portion.neighborhoods, portion.weights > 0
        found = portion.rows(kernels.evaluate(core, neighborhoods, threads=1))
        errors = np.where(used, found - portion.labels, np.nan)
        energies, forces, virials = portion.split(errors)
        atoms = np.bincount(neighborhoods.structures, minlength=neighborhoods.n_structures)
        root = np.sqrt(np.maximum(atoms, 1))
        return LabelErrors(
            np.abs(energies) / root,
            np.linalg.norm(forces, axis=1),
            np.sqrt(virials**2 @ VOIGT_COUNTS) / root,
        )

    return work


def _weighted(model: Model, usual: tuple[float, float, float]) -> Callable[[Portion], Portion]:
    sizes = _sizes(model)

    def work(portion: Portion) -> Portion:
        by_label = factors(sizes(portion), usual)
        rows = np.concatenate(
            [by_label.energies, np.repeat(by_label.forces, 3), np.repeat(by_label.stresses, 6)]
        )
        # What has no label has no weight, and no factor.
        weights = np.where(portion.weights > 0, portion.weights * rows, 0.0)
        return replace(portion, weights=weights)

    return work
