"""What a fit keeps on disk and tells its user after each iteration."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from time import perf_counter

from maxvolt.fitting.progress import FitProgress, Pace, Progress, iterations_to_go
from maxvolt.fitting.settings import FitSettings
from maxvolt.fitting.variable_projection.checkpoint import Checkpoint, write_checkpoint
from maxvolt.fitting.variable_projection.levenberg_marquardt import (
    ITERATION_LIMIT,
    QUIET_STEPS,
    FitState,
)
from maxvolt.fitting.variable_projection.problem import Problem, root_mean_squares

__all__ = ["AGAIN", "Journal", "is_whole_fit"]

AGAIN = ".again"
"""End of the names of fits that take the place of a potential's first."""


class Journal:
    """States and losses of all fits of one call, by name.

    "2" is the fit of potential 2; "2.0.part1" and "2.0.whole" are those of its first random start,
    on part of the data and on all; "2.1.again" is its fit from other starts, see `MemberFits`.

    Parameters
    ----------
    settings
        As of `fit`.
    equations
        Of the problem on all structures; starts have smaller ones.
    checkpoint
        File to keep the states in, or None.
    progress
        Whom to tell of each iteration, or None.
    known
        States to go on from.
    """

    def __init__(
        self,
        settings: FitSettings,
        equations: int,
        checkpoint: str | Path | None,
        progress: Progress | None,
        known: Checkpoint,
    ) -> None:
        self.states = {
            name: _reopened(name, state, settings) for name, state in known.states.items()
        }
        self.losses = dict(known.losses)
        self._settings = settings
        self._checkpoint = checkpoint
        self._progress = progress
        self._signature = known.signature
        self._began = perf_counter()
        self._pace = Pace(settings, equations)

    def begin(self, name: str, state: FitState) -> None:
        """Note where a fit begins."""
        self._keep(name, state, (state.loss,))

    def note(self, name: str, state: FitState, seconds: float, equations: int) -> None:
        """Note an iteration on so many equations and the time it took."""
        self._keep(name, state, (*self.losses[name], state.loss))
        self._pace.note(int(name.split(".")[0]), seconds, equations)

    def _keep(self, name: str, state: FitState, losses: tuple[float, ...]) -> None:
        self.states[name], self.losses[name] = state, losses
        if self._checkpoint is not None:
            known = Checkpoint(self._signature, self.states, self.losses)
            write_checkpoint(self._checkpoint, known)

    def tell(self, name: str, problem: Problem, most_iterations: int) -> None:
        """Report the latest iteration of a fit."""
        if self._progress is None:
            return
        state, settings = self.states[name], self._settings
        member, *of_start = name.split(".")
        errors = root_mean_squares(problem, state.radial, state.linear)
        starts = settings.n_starts
        if is_whole_fit(name):
            of_start = []
        self._progress(
            FitProgress(
                member=int(member),
                members=settings.ensemble,
                start=int(of_start[0]) if of_start else starts,
                starts=starts,
                iteration=state.iteration,
                most_iterations=most_iterations,
                loss=state.loss,
                energy_rmse=errors.energy,
                force_rmse=errors.force,
                stress_rmse=errors.stress,
                elapsed=perf_counter() - self._began,
                remaining=self._pace.remaining(
                    int(member), None if of_start else self._iterations_left(name)
                ),
                finished=state.finished,
            )
        )

    def _iterations_left(self, name: str) -> int:
        state, settings = self.states[name], self._settings
        if state.finished:
            return 0
        most = settings.max_iterations - state.iteration
        return iterations_to_go(self.losses[name], settings.tolerance, QUIET_STEPS, most)


def _reopened(name: str, state: FitState, settings: FitSettings) -> FitState:
    """Let a fit that an earlier, lower limit of iterations has ended go on."""
    limited = state.finished == ITERATION_LIMIT and state.iteration < settings.max_iterations
    return replace(state, finished="") if limited and is_whole_fit(name) else state


def is_whole_fit(name: str) -> bool:
    """Whether a fit is that of a potential, and not of one of its starts."""
    return name.isdigit() or name.endswith(AGAIN)
