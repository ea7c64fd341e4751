"""The fits of one call, potential by potential, with what is kept on disk and told to the user."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import FitError
from maxvolt.fitting.checkpoint import Checkpoint, write_checkpoint
from maxvolt.fitting.levenberg_marquardt import (
    ITERATION_LIMIT,
    FitState,
    first_state,
    iterate,
)
from maxvolt.fitting.problem import Problem, root_mean_squares
from maxvolt.fitting.result import FitProgress
from maxvolt.fitting.settings import FitSettings
from maxvolt.fitting.start import random_radial_coeffs
from maxvolt.fitting.warm_start import embed_radial_coeffs

__all__ = ["EnsembleRun", "Progress", "WarmUp"]

Progress = Callable[[FitProgress], None]
WarmUp = Callable[[int], Problem]

_WARM_UP_TOLERANCE = 1e-3
_EMBEDDING = 1_000_000  # stream of random numbers of the embedding, apart from those of the starts


class EnsembleRun:
    """Fits the potentials of an ensemble one after the other.

    Parameters
    ----------
    problem
        The least-squares problem; its potential's coefficients are a start where it is trained.
    warm_up
        Problem of lower level on part of the data, by potential.
    settings, seed, members
        As of `fit`.
    checkpoint
        File to keep the states in, or None.
    progress
        Whom to tell of each iteration, or None.
    known
        States to go on from.
    """

    def __init__(
        self,
        problem: Problem,
        warm_up: WarmUp,
        settings: FitSettings,
        *,
        seed: int,
        members: int,
        checkpoint: str | Path | None,
        progress: Progress | None,
        known: Checkpoint,
    ) -> None:
        self.problem = problem
        self.warm_up = warm_up
        self.settings = settings
        self.seed = seed
        self.members = members
        self.checkpoint = checkpoint
        self.progress = progress
        self.signature = known.signature
        self.states = {name: self._reopened(name, state) for name, state in known.states.items()}
        self.losses = dict(known.losses)
        self._began = perf_counter()
        self._pace = _Pace()

    def _reopened(self, name: str, state: FitState) -> FitState:
        """Let a fit that an earlier, lower limit of iterations has ended go on."""
        limited = (
            state.finished == ITERATION_LIMIT and state.iteration < self.settings.max_iterations
        )
        return replace(state, finished="") if limited and name.isdigit() else state

    def fit_member(self, member: int) -> FitState:
        """Fit one potential of the ensemble."""
        name = str(member)
        if name not in self.states:
            self._begin(name, self.problem, self._start(member), self.settings)
        return self._follow(name, self.problem, self.settings, member, self.settings.starts)

    def _start(self, member: int) -> NDArray[np.float64]:
        """Radial coefficients: those given, for the first potential, or the best warm start."""
        model = self.problem.potential.model
        given = self.problem.potential.is_trained and self.settings.restart_from_potential
        if given and member == 0:
            return np.asarray(model.radial_coeffs * model.scaling)
        warm = self.warm_up(member)
        few = replace(
            self.settings,
            max_iterations=min(self.settings.start_iterations, self.settings.max_iterations),
            tolerance=max(_WARM_UP_TOLERANCE, self.settings.tolerance),
        )
        shape = warm.potential.model.radial_coeffs.shape
        tried, failures = [], []
        for start in range(self.settings.starts):
            name = f"{member}.{start}"
            try:
                if name not in self.states:
                    rng = np.random.default_rng([self.seed, member, start])
                    self._begin(name, warm, random_radial_coeffs(shape, rng), few)
                tried.append(self._follow(name, warm, few, member, start))
            except FitError as error:
                failures.append(error)
        if not tried:
            raise failures[0]
        best = min(tried, key=lambda state: state.loss).radial.reshape(shape)
        rng = np.random.default_rng([self.seed, member, _EMBEDDING])
        return embed_radial_coeffs(best, model.radial_coeffs.shape, rng)

    def _begin(
        self, name: str, problem: Problem, radial: NDArray[np.float64], settings: FitSettings
    ) -> None:
        state = first_state(problem.assemble, radial.ravel(), problem.n_linear, settings.ridge)
        self._keep(name, state, (state.loss,))

    def _follow(
        self, name: str, problem: Problem, settings: FitSettings, member: int, start: int
    ) -> FitState:
        """Run one fit to its end, keeping its state after each iteration."""
        began = perf_counter()
        for state in iterate(problem.assemble, self.states[name], settings):
            self._keep(name, state, (*self.losses[name], state.loss))
            self._pace.note(perf_counter() - began, whole=problem is self.problem)
            self._tell(state, problem, settings, member, start)
            began = perf_counter()
        return self.states[name]

    def _keep(self, name: str, state: FitState, losses: tuple[float, ...]) -> None:
        self.states[name], self.losses[name] = state, losses
        if self.checkpoint is not None:
            write_checkpoint(self.checkpoint, Checkpoint(self.signature, self.states, self.losses))

    def _tell(
        self, state: FitState, problem: Problem, settings: FitSettings, member: int, start: int
    ) -> None:
        if self.progress is None:
            return
        errors = root_mean_squares(problem, state.radial, state.best_linear)
        iterations = self.settings.max_iterations * (self.members - member - 1)
        if problem is self.problem and not state.finished:
            iterations += settings.max_iterations - state.iteration
        elif problem is not self.problem:
            iterations += self.settings.max_iterations
        self.progress(
            FitProgress(
                member=member,
                members=self.members,
                start=start,
                starts=self.settings.starts,
                iteration=state.iteration,
                most_iterations=settings.max_iterations,
                loss=state.loss,
                energy_rmse=errors.energy,
                force_rmse=errors.force,
                stress_rmse=errors.stress,
                elapsed=perf_counter() - self._began,
                remaining=self._pace.seconds(iterations, self.members - member - 1),
                finished=state.finished,
            )
        )


class _Pace:
    """Mean time of iterations of the whole problem and of the warm starts of a potential."""

    def __init__(self) -> None:
        self._whole = 0.0
        self._iterations = 0
        self._warm = 0.0

    def note(self, seconds: float, *, whole: bool) -> None:
        """Count one iteration."""
        if whole:
            self._whole += seconds
            self._iterations += 1
        else:
            self._warm += seconds

    def seconds(self, iterations: int, potentials: int) -> float:
        """Time of iterations and of the warm starts of further potentials; NaN when not known."""
        if not self._iterations:
            return float("nan")
        return iterations * self._whole / self._iterations + potentials * self._warm
