"""The potentials of an ensemble, fitted one after the other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import FitError
from maxvolt.fitting.contract import FitRequest, FittedMembers, MemberFit
from maxvolt.fitting.response import RATTLE
from maxvolt.fitting.robust_weights import LabelErrors
from maxvolt.fitting.settings import FitSettings
from maxvolt.fitting.usable_data import check_enough_equations
from maxvolt.fitting.variable_projection.checkpoint import fit_signature, states_so_far
from maxvolt.fitting.variable_projection.journal import Journal
from maxvolt.fitting.variable_projection.levenberg_marquardt import (
    ITERATION_LIMIT,
    FitState,
    first_state,
    iterate,
)
from maxvolt.fitting.variable_projection.problem import Problem
from maxvolt.fitting.variable_projection.problem_builder import ProblemBuilder
from maxvolt.fitting.variable_projection.random_starts import race, random_radial_coeffs
from maxvolt.fitting.variable_projection.reweighting import (
    first_robust_state,
    iterate_robustly,
    label_factors,
)
from maxvolt.potentials.mtp.potential import MTP

__all__ = ["MemberFits", "fit_members"]

_START_TOLERANCE = 1e-3


def fit_members(request: FitRequest) -> FittedMembers:
    """Fit all potentials of a request.

    Raises
    ------
    FitError
        Too few labels, a checkpoint that cannot be used, or equations that cannot be solved.
    """
    potential, settings = request.potential, request.settings
    assert isinstance(potential, MTP)
    builder = ProblemBuilder(request.objective, request.threads, ranks=request.ranks)
    problem = builder.problem(potential, request.training_set)
    equations = problem.training_set.n_equations
    check_enough_equations(equations, problem.n_linear)
    signature = fit_signature(potential, request.objective.dataset, settings)
    known = states_so_far(request.checkpoint, request.restart, signature)
    journal = Journal(settings, equations, request.checkpoint, request.progress, known)
    fits = MemberFits(builder, problem, settings, journal)
    fitted = [fits.fit_member(member) for member in range(settings.ensemble)]
    histories = enumerate(state for state, _, _ in fitted)
    level = potential.level
    return FittedMembers(
        potentials=tuple(member for _, member, _ in fitted),
        histories=tuple(
            MemberFit(
                journal.losses[str(number)], state.finished, state.finished == ITERATION_LIMIT
            )
            for number, state in histories
        ),
        warnings=tuple(_warnings(problem)),
        simplification="" if level is None else f"lower the level (now {level})",
        label_factors=tuple(found for _, _, found in fitted if found is not None),
    )


def _warnings(problem: Problem) -> list[str]:
    """What the basis of a potential is not meant for, or the data do not determine."""
    found, potential = [], problem.potential
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


@dataclass(frozen=True, slots=True, eq=False)
class MemberFits:
    """Fits the potentials of an ensemble one after the other.

    Attributes
    ----------
    builder : ProblemBuilder
        Makes the problems of all structures, of parts and with random weights.
    problem : Problem
        The least-squares problem of all structures; its potential's coefficients are a start where
        it is trained.
    settings : FitSettings
        As of `fit`.
    journal : Journal
        States so far; keeps and reports the others.
    """

    builder: ProblemBuilder
    problem: Problem
    settings: FitSettings
    journal: Journal

    def fit_member(self, member: int) -> tuple[FitState, MTP, LabelErrors | None]:
        """Fit one potential of the ensemble; each has a baseline of energies of its own.

        Returns its state, the potential, and of a robust fit the factors of the labels.
        """
        builder, problem = self.builder, self.problem
        if self.settings.resamples:
            builder = builder.resampled(self.settings.seed, member)
            problem = builder.problem(problem.potential)
        fit = _Fit(str(member), problem, self.settings, self.journal)
        if fit.name not in self.journal.states:
            fit.begin(self._start(member, builder, problem))
        fit.advance(self.settings.max_iterations)
        found = label_factors(problem, fit.state) if self.settings.robust else None
        return fit.state, problem.trained(fit.state.radial, fit.state.linear), found

    def _start(self, member: int, builder: ProblemBuilder, problem: Problem) -> NDArray[np.float64]:
        """Radial coefficients: those given, for the first potential, or the best random start."""
        model = self.problem.potential.model
        given = self.problem.potential.is_trained and self.settings.restart_from_potential
        if given and member == 0:
            return np.asarray(model.radial_coeffs * model.scaling)
        shape, seed = model.radial_coeffs.shape, self.settings.seed
        drawn = {
            start: random_radial_coeffs(shape, np.random.default_rng([seed, member, start]))
            for start in range(self.settings.n_starts)
        }
        most = min(self.settings.start_iterations, self.settings.max_iterations)
        part = builder.part(problem, [seed, member])
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
            first = first_robust_state if self.settings.robust else first_state
            state = first(self.problem, radial.ravel(), self.settings.ridge)
            self.journal.begin(self.name, state)

    def advance(self, iterations: int) -> float:
        """Go on until so many iterations are done or the fit ends; the loss there."""
        if self._states is None:
            steps = iterate_robustly if self.settings.robust else iterate
            self._states = steps(self.problem, self.state, self.settings)
        while not self.state.finished and self.state.iteration < iterations:
            began = perf_counter()
            state = next(self._states)
            seconds = perf_counter() - began
            equations = self.problem.training_set.n_equations
            self.journal.note(self.name, state, seconds, equations)
            self.journal.tell(self.name, self.problem, self.settings.max_iterations)
        losses = self.journal.losses[self.name]
        return losses[min(iterations, len(losses) - 1)]
