"""The fits of one call, potential by potential."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import FitError
from maxvolt.fitting.journal import Journal
from maxvolt.fitting.levenberg_marquardt import FitState, first_state, iterate
from maxvolt.fitting.problem import Problem
from maxvolt.fitting.settings import FitSettings
from maxvolt.fitting.start import random_radial_coeffs
from maxvolt.fitting.starts import race
from maxvolt.fitting.target import Target
from maxvolt.potentials import MTP

__all__ = ["EnsembleRun"]

_START_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class EnsembleRun:
    """Fits the potentials of an ensemble one after the other.

    Attributes
    ----------
    target : Target
        What is fitted.
    problem : Problem
        The least-squares problem of all structures; its potential's coefficients are a start where
        it is trained.
    settings, ensemble, seed
        As of `fit`.
    journal : Journal
        States so far; keeps and tells the others.
    """

    target: Target
    problem: Problem
    settings: FitSettings
    ensemble: int
    seed: int
    journal: Journal

    def fit_member(self, member: int) -> tuple[FitState, MTP]:
        """Fit one potential of the ensemble; each has a baseline of energies of its own."""
        target, problem = self.target, self.problem
        if self.settings.resamples(self.ensemble):
            target = target.resampled(self.seed, member)
            problem = target.problem(problem.potential)
        fit = _Fit(str(member), problem, self.settings, self.journal)
        if fit.name not in self.journal.states:
            fit.begin(self._start(member, target, problem))
        fit.advance(self.settings.max_iterations)
        return fit.state, problem.trained(fit.state.radial, fit.state.linear)

    def _start(self, member: int, target: Target, problem: Problem) -> NDArray[np.float64]:
        """Radial coefficients: those given, for the first potential, or the best random start."""
        model = self.problem.potential.model
        given = self.problem.potential.is_trained and self.settings.restart_from_potential
        if given and member == 0:
            return np.asarray(model.radial_coeffs * model.scaling)
        shape = model.radial_coeffs.shape
        drawn = {
            start: random_radial_coeffs(shape, np.random.default_rng([self.seed, member, start]))
            for start in range(self.settings.starts_of(self.ensemble))
        }
        most = min(self.settings.start_iterations, self.settings.max_iterations)
        part = target.part(problem, [self.seed, member])
        better = self._race(f"{member}.{{}}.part", part, drawn, [-(-most // 2), most])
        if len(better) > 1:
            few = -(-most // 6)  # tell: an iteration on all data takes as long as many on a part
            better = self._race(f"{member}.{{}}.whole", problem, better, [few, 3 * few])
        return next(iter(better.values()))

    def _race(
        self,
        name: str,
        problem: Problem,
        begins: Mapping[int, NDArray[np.float64]],
        limits: Sequence[int],
    ) -> dict[int, NDArray[np.float64]]:
        """Radial coefficients that the better starts come to, best first.

        Parameters
        ----------
        name
            Of the fits, with a place for the start.
        problem
            What is fitted.
        begins
            Radial coefficients to begin from, by start.
        limits
            Iterations, see `race`.

        Raises
        ------
        FitError
            All starts failed; the message is that of the first.
        """
        tolerance = max(_START_TOLERANCE, self.settings.tolerance)
        few = replace(self.settings, max_iterations=limits[-1], tolerance=tolerance)
        fits = {start: _Fit(name.format(start), problem, few, self.journal) for start in begins}
        failures = []

        def advance(start: int, limit: int) -> float:
            try:
                fits[start].begin(begins[start])
                return fits[start].advance(limit)
            except FitError as error:
                failures.append(error)
                return math.inf

        order = race(list(begins), limits, advance)
        if not order:
            raise failures[0]
        return {start: fits[start].state.radial for start in order}


@dataclass(slots=True, eq=False)
class _Fit:
    """One fit, stopped and continued at will."""

    name: str
    problem: Problem
    settings: FitSettings
    journal: Journal
    _states: Iterator[FitState] | None = field(default=None, init=False)

    @property
    def state(self) -> FitState:
        """The latest state."""
        return self.journal.states[self.name]

    def begin(self, radial: NDArray[np.float64]) -> None:
        """Begin, unless the journal knows a state."""
        if self.name not in self.journal.states:
            state = first_state(self.problem, radial.ravel(), self.settings.ridge)
            self.journal.begin(self.name, state)

    def advance(self, iterations: int) -> float:
        """Go on until so many iterations are done or the fit ends; the loss there."""
        if self._states is None:
            self._states = iterate(self.problem, self.state, self.settings)
        while not self.state.finished and self.state.iteration < iterations:
            began = perf_counter()
            state = next(self._states)
            seconds = perf_counter() - began
            equations = self.problem.training_set.n_equations
            self.journal.note(self.name, state, seconds, equations)
            self.journal.tell(self.name, self.problem, self.settings.max_iterations)
        losses = self.journal.losses[self.name]
        return losses[min(iterations, len(losses) - 1)]
