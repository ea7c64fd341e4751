"""Levenberg-Marquardt over the radial coefficients, the linear ones always at their best.

A step is tried by solving for the linear coefficients at its end, half a pass over the data; the
other half, the derivatives by the radial coefficients, follows for steps that are accepted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import FitError
from maxvolt.fitting.settings import SolverSettings
from maxvolt.fitting.variable_projection.elimination import (
    Elimination,
    Reduced,
    eliminate,
    radial_step,
    reduce,
)
from maxvolt.fitting.variable_projection.normal_equations import LinearEquations, RadialEquations
from maxvolt.parallel.blocks import Blocks

__all__ = [
    "FIRST_DAMPING",
    "ITERATION_LIMIT",
    "QUIET_STEPS",
    "FitState",
    "LeastSquares",
    "first_state",
    "iterate",
]

FIRST_DAMPING = 1e-2
_LEAST_DAMPING = 1e-9
_MOST_DAMPING = 1e8
_LEAST_RATIO = 1e-3  # of the fall of the loss to what was predicted, for a step to be accepted
QUIET_STEPS = 3
"""Successive iterations without a fall of the loss that end a fit."""

ITERATION_LIMIT, CONVERGED = "iteration limit", "converged"

_NEGLIGIBLE = 0.01
"""Fall of the loss that is predicted, relative to the tolerance, below which no step is tried."""

Array = NDArray[np.float64]


class LeastSquares(Protocol):
    """Gives the equations of a least-squares problem."""

    def linear_equations(self, radial: Array) -> LinearEquations:
        """Of the linear coefficients at given radial ones."""

    def radial_equations(
        self, radial: Array, linear: Array, rows: Blocks[Array | None]
    ) -> RadialEquations:
        """Of the radial coefficients; `rows` are those of the linear equations."""


@dataclass(frozen=True, slots=True, eq=False)
class FitState:
    """Everything that the rest of a fit depends on.

    Attributes
    ----------
    radial : shape (R,)
        Radial coefficients.
    linear : shape (L,)
        Best linear coefficients at these.
    loss : float
        Loss with both.
    damping, growth : float
        Of the next step; factor by which damping grows when it fails.
    iteration : int
        Accepted steps so far.
    quiet : int
        Latest successive steps that changed the loss by less than the tolerance.
    finished : str
        Why the fit ended; "" while it goes on.
    reference : shape (R + L,), or (0,)
        Coefficients whose errors the weights of a robust fit follow, see `reweighting`.
    reweighted : int
        Iteration at which they were the latest ones.
    """

    radial: Array
    linear: Array
    loss: float
    damping: float = FIRST_DAMPING
    growth: float = 2.0
    iteration: int = 0
    quiet: int = 0
    finished: str = ""
    reference: Array = field(default_factory=lambda: np.zeros(0))
    reweighted: int = 0


def first_state(problem: LeastSquares, radial: Array, ridge: float) -> FitState:
    """Solve for the linear coefficients of a start.

    Raises
    ------
    FitError
        The equations cannot be solved.
    """
    start = eliminate(problem.linear_equations(radial), ridge)
    return FitState(radial, start.linear, start.loss)


def iterate(problem: LeastSquares, state: FitState, settings: SolverSettings) -> Iterator[FitState]:
    """Yield the state after each accepted step, until the fit ends.

    Parameters
    ----------
    problem
        What is fitted.
    state
        Where to begin; the states that follow depend on it alone.
    settings
        Limits and tolerances.

    Raises
    ------
    FitError
        The equations cannot be solved.
    """
    if state.finished:
        return
    here = _reduced(problem, state.radial, problem.linear_equations(state.radial), settings.ridge)
    while not state.finished:
        if _at_the_end(state, here, settings):
            yield replace(state, finished=CONVERGED)
            return
        accepted = _accepted_step(problem, state, here, settings)
        if accepted is None:
            state = replace(state, finished="no step lowers the loss further")
        else:
            state, equations = accepted
            if not state.finished:
                here = _reduced(problem, state.radial, equations, settings.ridge)
            del accepted, equations  # their rows are large, and the next ones need the room
        yield state


def _at_the_end(state: FitState, here: Reduced, settings: SolverSettings) -> bool:
    """Whether even a step that is hardly damped is predicted to lower the loss by next to nothing.

    Near the end the loss is flat to rounding, and steps would be tried in vain.
    """
    step = radial_step(here, min(state.damping, FIRST_DAMPING))
    return step.predicted < _NEGLIGIBLE * settings.tolerance * state.loss


def _reduced(
    problem: LeastSquares, radial: Array, equations: LinearEquations, ridge: float
) -> Reduced:
    solved = eliminate(equations, ridge)
    return reduce(solved, problem.radial_equations(radial, solved.linear, equations.rows))


def _accepted_step(
    problem: LeastSquares, state: FitState, here: Reduced, settings: SolverSettings
) -> tuple[FitState, LinearEquations] | None:
    """Raise the damping until a step lowers the loss; None where no step does."""
    while state.damping < _MOST_DAMPING:
        step = radial_step(here, state.damping)
        radial = state.radial + step.radial
        equations = problem.linear_equations(radial)
        there = _try_to_eliminate(equations, settings.ridge)
        ratio = -1.0
        if there is not None and step.predicted > 0:
            ratio = (state.loss - there.loss) / step.predicted
        if there is not None and ratio > _LEAST_RATIO:
            after = replace(state, radial=radial, linear=there.linear, loss=there.loss, growth=2.0)
            return _after_step(state, after, ratio, settings), equations
        del equations
        state = replace(state, damping=state.damping * state.growth, growth=2.0 * state.growth)
    return None


def _try_to_eliminate(equations: LinearEquations, ridge: float) -> Elimination | None:
    """Eliminate, or give None where a trial step leads to equations that cannot be solved."""
    try:
        return eliminate(equations, ridge)
    except FitError:
        return None


def _after_step(
    before: FitState, state: FitState, ratio: float, settings: SolverSettings
) -> FitState:
    """Damping of the next step, and whether the fit ends."""
    fall = (before.loss - state.loss) / before.loss
    quiet = before.quiet + 1 if fall < settings.tolerance else 0
    iteration = before.iteration + 1
    finished = ""
    if quiet >= QUIET_STEPS:
        finished = CONVERGED
    elif iteration >= settings.max_iterations:
        finished = ITERATION_LIMIT
    return replace(
        state,
        damping=max(state.damping * max(0.2, 1.0 - (2.0 * ratio - 1.0) ** 3), _LEAST_DAMPING),
        iteration=iteration,
        quiet=quiet,
        finished=finished,
    )
