"""Levenberg-Marquardt over the radial coefficients, one pass over the data a step.

Each pass assembles the normal equations of all parameters at (c, x), with x what the previous step
predicted for the linear coefficients. They give both the loss at c with the best x, which decides
on the step, and the next step. Where the prediction was poor, a second pass at the best x follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import FitError
from maxvolt.fitting.normal_equations import NormalEquations
from maxvolt.fitting.settings import FitSettings
from maxvolt.fitting.variable_projection import Projection, project, radial_step

__all__ = ["ITERATION_LIMIT", "FitState", "first_state", "iterate"]

_FIRST_DAMPING = 1e-2
_LEAST_DAMPING = 1e-9
_MOST_DAMPING = 1e8
_GOOD_STEP = 0.25  # of the predicted fall; below it the linear coefficients are solved for anew
_QUIET_STEPS = 3

ITERATION_LIMIT = "iteration limit"

Array = NDArray[np.float64]
Assemble = Callable[[Array, Array], NormalEquations]


@dataclass(frozen=True, slots=True, eq=False)
class FitState:
    """Everything that the rest of a fit depends on.

    Attributes
    ----------
    radial : shape (R,)
        Radial coefficients.
    linear : shape (L,)
        Linear coefficients at which the next normal equations are taken.
    loss : float
        Loss at `radial` with the best linear coefficients.
    best_linear : shape (L,)
        Those coefficients.
    damping, growth : float
        Of the next step; factor by which damping grows when it fails.
    iteration : int
        Accepted steps so far.
    quiet : int
        Latest successive steps that changed the loss by less than the tolerance.
    finished : str
        Why the fit ended; "" while it goes on.
    """

    radial: Array
    linear: Array
    loss: float
    best_linear: Array
    damping: float = _FIRST_DAMPING
    growth: float = 2.0
    iteration: int = 0
    quiet: int = 0
    finished: str = ""

    @property
    def consistent(self) -> bool:
        """Whether the next normal equations are taken at the best linear coefficients."""
        return bool(np.array_equal(self.linear, self.best_linear))


def first_state(assemble: Assemble, radial: Array, n_linear: int, ridge: float) -> FitState:
    """Solve for the linear coefficients of a start.

    Raises
    ------
    FitError
        The equations cannot be solved.
    """
    start = project(assemble(radial, np.zeros(n_linear)), len(radial), ridge)
    return FitState(radial, start.linear, start.loss, start.linear)


def iterate(assemble: Assemble, state: FitState, settings: FitSettings) -> Iterator[FitState]:
    """Yield the state after each accepted step, until the fit ends.

    Parameters
    ----------
    assemble
        Normal equations at given radial and linear coefficients.
    state
        Where to begin; the states that follow depend on it alone.
    settings
        Limits and tolerances.

    Raises
    ------
    FitError
        The equations cannot be solved.
    """
    n_radial = len(state.radial)
    if state.finished:
        return
    here = project(assemble(state.radial, state.linear), n_radial, settings.ridge)
    while not state.finished:
        state, here = _accepted_step(assemble, state, here, settings)
        yield state


def _accepted_step(
    assemble: Assemble, state: FitState, here: Projection, settings: FitSettings
) -> tuple[FitState, Projection]:
    """Raise the damping until a step lowers the loss, or none does."""
    n_radial = len(state.radial)
    while state.damping < _MOST_DAMPING:
        step = radial_step(here, state.damping)
        radial = state.radial + step.radial
        there = _try_project(assemble(radial, step.linear), n_radial, settings.ridge)
        ratio = -1.0
        if there is not None and step.predicted > 0:
            ratio = (state.loss - there.loss) / step.predicted
        if there is not None and there.loss < state.loss and ratio > 1e-3:
            after = _after_step(state, radial, step.linear, there, ratio, settings)
            if ratio < _GOOD_STEP:  # also at the limit: a raised one goes on from this state
                after = replace(after, linear=after.best_linear)
                if not after.finished:
                    there = project(assemble(radial, after.linear), n_radial, settings.ridge)
            return after, there
        state = replace(state, damping=state.damping * state.growth, growth=2.0 * state.growth)
        if not state.consistent:
            state = replace(state, linear=state.best_linear)
            here = project(assemble(state.radial, state.linear), n_radial, settings.ridge)
    return replace(state, finished="no step lowers the loss further"), here


def _try_project(equations: NormalEquations, n_radial: int, ridge: float) -> Projection | None:
    """Project, or give None where a trial step leads to equations that cannot be solved."""
    try:
        return project(equations, n_radial, ridge)
    except FitError:
        return None


def _after_step(
    state: FitState,
    radial: Array,
    linear: Array,
    there: Projection,
    ratio: float,
    settings: FitSettings,
) -> FitState:
    fall = (state.loss - there.loss) / state.loss
    quiet = state.quiet + 1 if fall < settings.tolerance else 0
    iteration = state.iteration + 1
    finished = ""
    if quiet >= _QUIET_STEPS:
        finished = "converged"
    elif iteration >= settings.max_iterations:
        finished = ITERATION_LIMIT
    return FitState(
        radial=radial,
        linear=linear,
        loss=there.loss,
        best_linear=there.linear,
        damping=max(state.damping * max(0.2, 1.0 - (2.0 * ratio - 1.0) ** 3), _LEAST_DAMPING),
        iteration=iteration,
        quiet=quiet,
        finished=finished,
    )
