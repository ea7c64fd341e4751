"""The potentials of an ensemble, fitted one after the other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import cast

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import FitError
from maxvolt.fitting.contract import FitRequest, FittedMembers, MemberFit
from maxvolt.fitting.response import RATTLE
from maxvolt.fitting.robust_weights import LabelErrors
from maxvolt.fitting.settings import FitSettings
from maxvolt.fitting.usable_data import check_enough_equations
from maxvolt.fitting.variable_projection.checkpoint import fit_signature, states_so_far
from maxvolt.fitting.variable_projection.distinct_minima import SAME_MINIMUM, nearest_minimum
from maxvolt.fitting.variable_projection.journal import AGAIN, Journal
from maxvolt.fitting.variable_projection.levenberg_marquardt import (
    FIRST_DAMPING,
    ITERATION_LIMIT,
    FitState,
    first_state,
    iterate,
)
from maxvolt.fitting.variable_projection.problem import Problem
from maxvolt.fitting.variable_projection.problem_builder import ProblemBuilder
from maxvolt.fitting.variable_projection.random_starts import (
    part_sizes,
    race,
    random_radial_coeffs,
)
from maxvolt.fitting.variable_projection.reweighting import (
    first_robust_state,
    iterate_robustly,
    label_factors,
)
from maxvolt.potentials.mtp.potential import MTP

__all__ = ["MemberFits", "fit_members"]

_START_TOLERANCE = 1e-3

_TRIES = 4
"""Most starts that are fitted for one potential, where it is to be kept apart from others."""

_WORST = 2.25
"""Loss, relative to the lowest that a potential's starts came to, above which a minimum is too poor
to be that of a member: errors are then larger by half."""


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
    others = tuple(_of_the_same_form(potential, other) for other in request.apart_from)
    starts = [cast("MTP", start) for start in request.starts]
    signature = fit_signature(potential, request.objective.dataset, settings, others, starts[1:])
    known = states_so_far(request.checkpoint, request.restart, signature)
    journal = Journal(settings, equations, request.checkpoint, request.progress, known)
    minima = [other.model.radial_coeffs for other in others]
    fits = MemberFits(builder, problem, settings, journal, minima, starts)
    fitted = [fits.fit_member(member) for member in range(settings.ensemble)]
    level = potential.level
    return FittedMembers(
        potentials=tuple(one.potential for one in fitted),
        histories=tuple(
            MemberFit(
                journal.losses[one.name],
                one.state.finished,
                one.state.finished == ITERATION_LIMIT,
            )
            for one in fitted
        ),
        warnings=(*_warnings(problem), *_of_minima(fitted)),
        simplification="" if level is None else f"lower the level (now {level})",
        label_factors=tuple(one.factors for one in fitted if one.factors is not None),
    )


def _of_the_same_form(potential: MTP, other: object) -> MTP:
    shape = potential.model.radial_coeffs.shape
    if (
        not isinstance(other, MTP)
        or not other.is_trained
        or other.species != potential.species
        or other.model.radial_coeffs.shape != shape
    ):
        raise FitError(
            "apart_from: expected trained potentials with the same species, level and radial basis "
            f"as the one to fit; got {other!r:.80}"
        )
    return other


def _of_minima(fitted: Sequence[_Fitted]) -> list[str]:
    """Say which members could not be kept apart."""
    same = [str(number) for number, one in enumerate(fitted) if one.same_minimum]
    if not same:
        return []
    return [
        f"starts_apart: of the potentials {', '.join(same)} all {_TRIES} starts ran to the minimum "
        "of an earlier one, or to a much worse one: the loss has few minima, and starts make no "
        "ensemble here; let the data differ (resampling = weights or bootstrap)"
    ]


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
        The least-squares problem of all structures.
    settings : FitSettings
        As of `fit`.
    journal : Journal
        States so far; keeps and reports the others.
    minima : list of arrays of shape (C, C, K, R)
        Radial coefficients of the minima to keep away from with `starts_apart`; those of the
        members are added.
    starts : sequence of MTP
        Potentials of the same form that the first members go on from, where they are trained.
    """

    builder: ProblemBuilder
    problem: Problem
    settings: FitSettings
    journal: Journal
    minima: list[NDArray[np.float64]] = field(default_factory=list)
    starts: Sequence[MTP] = ()

    def fit_member(self, member: int) -> _Fitted:
        """Fit one potential of the ensemble; each has a baseline of energies of its own."""
        builder, problem, how = self.builder, self.problem, self.settings.resampling_used
        if how != "none":
            builder = builder.resampled(self.settings.seed, member, how)
            problem = builder.problem(problem.potential)
            check_enough_equations(problem.training_set.n_equations, problem.n_linear)
        if self.settings.starts_apart:
            fit, same = self._fit_apart(member, builder, problem)
            self.minima.append(self._shaped(fit.state))
        else:
            fit, same = self._begun(member, 0, builder, problem), False
            fit.advance(self.settings.max_iterations)
        state = fit.state
        factors = label_factors(problem, state) if self.settings.robust else None
        potential = problem.trained(state.radial, state.linear)
        return _Fitted(fit.name, state, potential, same, factors)

    def _begun(self, member: int, attempt: int, builder: ProblemBuilder, problem: Problem) -> _Fit:
        """The first fit of a member, or one from other starts."""
        name = f"{member}.{attempt}{AGAIN}" if attempt else str(member)
        fit = _Fit(name, problem, self.settings, self.journal)
        if name not in self.journal.states:
            fit.begin(self._start(member, attempt, builder, problem))
        return fit

    def _fit_apart(
        self, member: int, builder: ProblemBuilder, problem: Problem
    ) -> tuple[_Fit, bool]:
        """Fit a member from several starts, until one ends in a minimum of its own that is good.

        Returns
        -------
        fit
            The fit.
        same
            Whether none of the starts did: it is then the one with the lowest loss.
        """
        tried: list[_Fit] = []
        for attempt in range(_TRIES if self.minima else 1):
            fit = self._begun(member, attempt, builder, problem)
            tried.append(fit)
            while not fit.state.finished and not self._known(fit.state):
                fit.advance(fit.state.iteration + 1)
            lowest = min(one.state.loss for one in tried)
            if not self._known(fit.state) and fit.state.loss <= _WORST * lowest:
                return fit, False
        best = min(tried, key=lambda one: one.state.loss)
        best.advance(self.settings.max_iterations)
        return best, bool(self.minima)

    def _known(self, state: FitState) -> bool:
        return nearest_minimum(self._shaped(state), self.minima) < SAME_MINIMUM

    def _shaped(self, state: FitState) -> NDArray[np.float64]:
        return state.radial.reshape(self.problem.potential.model.radial_coeffs.shape)

    def _start(
        self, member: int, attempt: int, builder: ProblemBuilder, problem: Problem
    ) -> _Begin:
        """Where a fit begins: as given for a member, or at the best random start."""
        model = self.problem.potential.model
        if self.settings.restart_from_potential and attempt == 0 and member < len(self.starts):
            given = self.starts[member]
            if given.is_trained:
                return _Begin(given.model.scaled_radial_coeffs)
        shape, seed, count = model.radial_coeffs.shape, self.settings.seed, self.settings.n_starts
        left = {
            start: _Begin(random_radial_coeffs(shape, np.random.default_rng([seed, member, start])))
            for start in range(attempt * count, (attempt + 1) * count)
        }
        most = min(self.settings.start_iterations, self.settings.max_iterations)
        sizes = part_sizes(problem.n_linear, problem.training_set.n_equations)
        for number, size in enumerate(sizes, 1):
            part = builder.part(problem, size, [seed, member, number])
            left = self._race(f"{member}.{{}}.part{number}", part, left, [-(-most // 2), most])
        if len(left) > 1:
            few = -(-most // 6)  # tell: an iteration on all data takes as long as many on a part
            left = self._race(f"{member}.{{}}.whole", problem, left, [few, 3 * few])
        return next(iter(left.values()))

    def _race(
        self,
        name: str,
        problem: Problem,
        begins: Mapping[int, _Begin],
        limits: Sequence[int],
    ) -> dict[int, _Begin]:
        """Where the better starts come to, best first.

        Parameters
        ----------
        name
            Of the fits, with a place for the start.
        problem
            What is fitted.
        begins
            Where to begin, by start.
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
        states = {start: fits[start].state for start in order}
        return {start: _Begin(state.radial, state.damping) for start, state in states.items()}


@dataclass(frozen=True, slots=True, eq=False)
class _Begin:
    """Radial coefficients that a fit begins at, and the damping of its first step."""

    radial: NDArray[np.float64]
    damping: float = FIRST_DAMPING


@dataclass(frozen=True, slots=True, eq=False)
class _Fitted:
    """A potential of an ensemble, the name and last state of its fit.

    `same_minimum` says that it could not be kept apart from the earlier ones; `factors` are those
    of the labels in a robust fit.
    """

    name: str
    state: FitState
    potential: MTP
    same_minimum: bool
    factors: LabelErrors | None


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

    def begin(self, at: _Begin) -> None:
        """Begin, unless the journal knows a state."""
        if self.name not in self.journal.states:
            first = first_robust_state if self.settings.robust else first_state
            state = first(self.problem, at.radial.ravel(), self.settings.ridge)
            self.journal.begin(self.name, replace(state, damping=at.damping))

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
