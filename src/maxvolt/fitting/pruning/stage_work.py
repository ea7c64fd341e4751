"""Making a stage of a pruning: choose what goes, refit what stays, measure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import FitError
from maxvolt.fitting.evaluation_time import evaluation_time
from maxvolt.fitting.prediction_errors import compute_errors
from maxvolt.fitting.pruning.backward_elimination import Removal, backward_elimination
from maxvolt.fitting.pruning.stage import PruningStage, StageNumbers
from maxvolt.fitting.pruning.target import PruningTarget
from maxvolt.fitting.settings import FitSettings
from maxvolt.fitting.training_set import Portion, TrainingSet
from maxvolt.fitting.usable_data import check_enough_equations
from maxvolt.fitting.variable_projection.levenberg_marquardt import FitState, first_state, iterate
from maxvolt.fitting.variable_projection.problem import Problem, root_mean_squares
from maxvolt.fitting.variable_projection.problem_builder import ProblemBuilder
from maxvolt.potentials.mtp.potential import MTP
from maxvolt.potentials.mtp.reduction import reduced
from maxvolt.potentials.mtp.scalar_costs import ScalarCosts, scalar_costs

__all__ = ["StageWork"]

_ITERATIONS, _TOLERANCE = 8, 1e-3
"""Of the refit of a stage; the potential that is chosen is refitted as the settings say."""

_LARGEST_JUMP = 0.3
"""Part of the cost: groups that save more are removed at once only where nothing else saves any."""

_SMALLEST_STAGE = 0.25
"""Of a step: less is no stage of its own."""


@dataclass(slots=True, eq=False)
class StageWork:
    """Makes stages.

    Attributes
    ----------
    start : MTP
        The potential before pruning.
    builder : ProblemBuilder
        Makes the equations.
    settings : FitSettings
    validation : Dataset or None
    """

    start: MTP
    builder: ProblemBuilder
    settings: FitSettings
    validation: Dataset | None
    _training_set: TrainingSet | None = field(default=None, init=False)

    def first(self) -> PruningStage:
        """The potential at the start, with the best linear coefficients for these data.

        Raises
        ------
        FitError
            Too few labels for so many coefficients.
        """
        problem = self._problem(self.start)
        check_enough_equations(problem.training_set.n_equations, problem.n_linear)
        return self._stage(problem, first_state(problem, _radial(self.start), self.settings.ridge))

    def smaller(
        self, stage: PruningStage, step: float, first: PruningStage, target: PruningTarget
    ) -> MTP | None:
        """Its potential without what is worth least; None where nothing can be removed."""
        kept = self._chosen(stage.potential, step, first, target)
        return None if kept is None else reduced(stage.potential, kept)

    def refitted(self, potential: MTP, step: float) -> PruningStage:
        """A stage of a potential that has lost some scalars."""
        few = replace(self.settings, max_iterations=_ITERATIONS, tolerance=_TOLERANCE)
        return replace(self._refitted(potential, few), step=step)

    def finished(self, stage: PruningStage) -> PruningStage:
        """The stage refitted to the end."""
        return self._refitted(stage.potential, self.settings)

    def _chosen(
        self, potential: MTP, step: float, first: PruningStage, target: PruningTarget
    ) -> NDArray[np.int64] | None:
        problem = self._problem(potential)
        costs = self._costs(potential) if target.scalars is None else None
        if target.scalars is None and costs is None:
            raise FitError(
                "the potential has no evaluation plan, so that nothing says what its scalars cost; "
                "prune to a number of scalars"
            )
        n_scalars = len(potential.model.moment_coeffs)
        now = float(n_scalars) if costs is None else costs.of(np.ones(n_scalars, dtype=np.bool_))
        limit = (1 - step) * now
        if target.scalars is not None:
            limit = max(limit, target.scalars)
        if target.cost is not None:
            limit = max(limit, target.cost * first.numbers.operations)
        equations = problem.linear_equations(_radial(potential))
        removals = backward_elimination(
            equations,
            self.settings.ridge,
            costs,
            n_species=len(potential.species),
            most_saved=_LARGEST_JUMP * now,
        )
        found = _last_of_stage(removals, now, limit)
        return None if found is None else np.flatnonzero(found.kept)

    def _refitted(self, potential: MTP, settings: FitSettings) -> PruningStage:
        problem = self._problem(potential)
        state = first_state(problem, _radial(potential), settings.ridge)
        for state in iterate(problem, state, settings):  # noqa: B007, B020 (the last counts)
            pass
        return self._stage(problem, state)

    def _problem(self, potential: MTP) -> Problem:
        problem = self.builder.problem(potential, self._training_set)
        self._training_set = problem.training_set  # neighbours are the same for all
        return problem

    def _costs(self, potential: MTP) -> ScalarCosts | None:
        assert self._training_set is not None
        pairs = sum(self._training_set.portions.each(_pair_count))
        neighbors = 2 * pairs / self.builder.objective.dataset.n_atoms
        model = potential.model
        return scalar_costs(model.table, model.radial.size, neighbors)

    def _stage(self, problem: Problem, state: FitState) -> PruningStage:
        trained = problem.trained(state.radial, state.linear)
        training = root_mean_squares(problem, state.radial, state.linear)
        energy, force = math.nan, math.nan
        if self.validation is not None:
            total = compute_errors(trained, self.validation, threads=self.builder.threads).total
            energy, force = total.energy_per_atom.rmse, total.force_components.rmse
        n_scalars = len(trained.model.moment_coeffs)
        costs, everything = self._costs(trained), np.ones(n_scalars, dtype=np.bool_)
        numbers = StageNumbers(
            scalars=n_scalars,
            moments=trained.model.table.n_moments,
            parameters=trained.n_parameters,
            operations=math.nan if costs is None else costs.of(everything),
            microseconds=evaluation_time(trained, self.builder.objective.dataset),
            loss=state.loss,
            training_energy=training.energy,
            training_force=training.force,
            validation_energy=energy,
            validation_force=force,
        )
        return PruningStage(trained, numbers)


def _last_of_stage(removals: Iterator[Removal], now: float, limit: float) -> Removal | None:
    """The first removal at the limit, or the one before, where that goes far beyond it."""
    before = None
    for one in removals:
        if one.operations > limit:
            before = one
            continue
        far = one.operations < limit - (now - limit)
        worth_it = before is not None and before.operations < now - _SMALLEST_STAGE * (now - limit)
        return before if far and worth_it else one
    return None


def _radial(potential: MTP) -> NDArray[np.float64]:
    return potential.model.scaled_radial_coeffs.ravel()


def _pair_count() -> Callable[[Portion], int]:
    return lambda portion: len(portion.neighborhoods.pairs.pairs)
