"""Which optimiser trains best: the loss that several reach on the same data with the same work.

Work is processor time of one thread, which other programs disturb little; it is given in passes
too, where one pass is an evaluation of the training set (energies, forces, stresses).

    python benchmarks/optimisers.py                                  # Mo of ../shared, level 16
    python benchmarks/optimisers.py --level 8 --budgets 0.5 1 2 --seeds 5 --json result.json
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

import maxvolt
from maxvolt.fitting.objective import Objective
from maxvolt.fitting.training_set import TrainingSet, prepare
from maxvolt.fitting.variable_projection.checkpoint import Checkpoint
from maxvolt.fitting.variable_projection.elimination import eliminate
from maxvolt.fitting.variable_projection.journal import Journal
from maxvolt.fitting.variable_projection.levenberg_marquardt import FitState, first_state, iterate
from maxvolt.fitting.variable_projection.member_fits import MemberFits
from maxvolt.fitting.variable_projection.normal_equations import LinearEquations, RadialEquations
from maxvolt.fitting.variable_projection.problem import (
    Problem,
    loss_and_gradient,
    root_mean_squares,
)
from maxvolt.fitting.variable_projection.random_starts import (
    orthonormal,
    part_sizes,
    random_radial_coeffs,
    representative_part,
)
from maxvolt.fitting.variable_projection.residuals import pull_back
from maxvolt.potentials.mtp.binding import kernels
from maxvolt.potentials.mtp.model import compile_model

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "mlearn" / "Mo_train.xyz"
SETTINGS = replace(maxvolt.FitSettings(), max_iterations=10_000, tolerance=1e-7)

Array = NDArray[np.float64]


class BudgetSpentError(Exception):
    """Ends a method when its processor time is over."""


@dataclass(slots=True, eq=False)
class Clock:
    """Work done by a method, and the lowest loss that it has found by then.

    Attributes
    ----------
    budget : float, s
        Processor time at which the method is ended.
    spent : float, s
    curve : list of (float, float)
        Processor time (s) and loss, at each fall.
    """

    budget: float
    spent: float = 0.0
    curve: list[tuple[float, float]] = field(default_factory=list)

    def timed(self, work: Callable[[], Any]) -> Any:
        """Do some work and count it."""
        if self.spent > self.budget:
            raise BudgetSpentError
        began = time.process_time()
        found = work()
        self.spent += time.process_time() - began
        return found

    def note(self, loss: float) -> None:
        """Add a loss of the whole problem."""
        if not self.curve or loss < self.curve[-1][1]:
            self.curve.append((self.spent, loss))

    def at(self, seconds: float) -> float:
        """Lowest loss found in this time; NaN where there is none yet."""
        return min((loss for spent, loss in self.curve if spent <= seconds), default=float("nan"))


@dataclass(frozen=True, slots=True, eq=False)
class Metered:
    """A problem whose calls are counted; losses are noted for the one that is to be solved."""

    problem: Problem
    clock: Clock
    noted: bool = True

    @property
    def potential(self) -> maxvolt.MTP:
        """Potential of the problem."""
        return self.problem.potential

    @property
    def training_set(self) -> TrainingSet:
        """Equations of the problem."""
        return self.problem.training_set

    def linear_equations(self, radial: Array) -> LinearEquations:
        """Half a Gauss-Newton pass, which gives the loss with the best linear coefficients."""
        found: LinearEquations = self.clock.timed(lambda: self.problem.linear_equations(radial))
        if self.noted:
            self.clock.note(eliminate(found, SETTINGS.ridge).loss)
        return found

    def radial_equations(self, radial: Array, linear: Array, rows: Any) -> RadialEquations:
        """The other half."""
        found: RadialEquations = self.clock.timed(
            lambda: self.problem.radial_equations(radial, linear, rows)
        )
        return found

    def split(self, parameters: Array) -> tuple[Array, Array]:
        """Radial and linear coefficients."""
        n = self.problem.potential.model.n_radial
        return parameters[:n], parameters[n:]

    def with_best_linear(self, radial: Array) -> Array:
        """All parameters, the linear ones at their best."""
        best = eliminate(self.linear_equations(radial), SETTINGS.ridge).linear
        return np.concatenate([radial, best])

    def loss_and_gradient(self, parameters: Array) -> tuple[float, Array]:
        """Loss and gradient by all parameters."""
        loss, gradient = self.clock.timed(
            lambda: loss_and_gradient(self.problem, *self.split(parameters))
        )
        self.clock.note(loss)
        return loss, gradient

    def gauss_newton_matrix(self, parameters: Array) -> Array:
        """J^T J of all parameters."""
        radial, linear = self.split(parameters)
        a = self.clock.timed(lambda: self.problem.linear_equations(radial))
        j = self.radial_equations(radial, linear, a.rows)
        return np.block([[j.matrix, j.coupling.T], [j.coupling, a.matrix]])

    def second_derivative(self, parameters: Array, velocity: Array, step: float = 0.1) -> Array:
        """J^T r'', with the second derivative of the residuals r along a velocity."""

        def work() -> Array:
            cores = [
                compile_model(self.problem.model(*self.split(parameters + k * step * velocity)))
                for k in (-1, 0, 1)
            ]
            total = np.zeros(len(parameters))
            for portion in self.problem.training_set.portions:
                minus, middle, plus = (
                    portion.rows(kernels.evaluate(core, portion.neighborhoods, threads=1))
                    for core in cores
                )
                total += pull_back(cores[1], portion, (plus - 2 * middle + minus) / step**2)
            return total

        found: Array = self.clock.timed(work)
        return found


# --------------------------------------------------------------------- optimisers, from one start


def variable_projection(metered: Metered, radial: Array, ridge: float = SETTINGS.ridge) -> Array:
    """Levenberg-Marquardt on the radial coefficients, the linear ones eliminated."""
    return last_state(metered, radial, replace(SETTINGS, ridge=ridge)).radial


def last_state(metered: Metered, radial: Array, settings: maxvolt.FitSettings) -> FitState:
    """State in which Levenberg-Marquardt on the radial coefficients ends."""
    state = first_state(metered, radial.ravel(), settings.ridge)
    for later in iterate(metered, state, settings):
        state = later
    return state


def levenberg_marquardt(metered: Metered, radial: Array, *, geodesic: bool = False) -> None:
    """Levenberg-Marquardt on all parameters, from the best linear ones."""
    x = metered.with_best_linear(radial.ravel())
    loss, gradient = metered.loss_and_gradient(x)
    damping, matrix = 1e-2, metered.gauss_newton_matrix(x)
    while damping < 1e10:
        scale = np.sqrt(np.diag(matrix))
        scale[scale == 0] = 1.0
        factor = cho_factor(matrix / scale / scale[:, None] + damping * np.eye(len(x)), lower=True)
        velocity = -0.5 * cho_solve(factor, gradient / scale) / scale
        step = velocity
        if geodesic:
            bend = metered.second_derivative(x, velocity)
            acceleration = -cho_solve(factor, bend / scale) / scale
            if 2 * np.linalg.norm(acceleration * scale) < 0.75 * np.linalg.norm(velocity * scale):
                step = velocity + 0.5 * acceleration
        found, slope = metered.loss_and_gradient(x + step)
        if found < loss:
            x, loss, gradient = x + step, found, slope
            damping, matrix = max(damping / 5, 1e-12), metered.gauss_newton_matrix(x)
        else:
            damping *= 3


def quasi_newton(metered: Metered, radial: Array, method: str) -> None:
    """BFGS or L-BFGS on all parameters from the best linear ones, as MLIP and motep train."""
    options: dict[str, float] = {"maxiter": 10**6, "gtol": 1e-12}
    if method == "L-BFGS-B":
        options |= {"maxfun": 10**6, "ftol": 1e-15, "maxcor": 30}
    start = metered.with_best_linear(radial.ravel())
    minimize(metered.loss_and_gradient, start, jac=True, method=method, options=options)


# --------------------------------------------------------------------- where to begin


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """Data and the potential that is fitted."""

    dataset: maxvolt.Dataset
    level: int
    radial_basis_size: int
    min_dist: float

    def problem(self, level: int, part: NDArray[np.int64] | None = None) -> Problem:
        """Least-squares problem at this or a lower level, on all structures or some."""
        species = self.dataset.species
        potential = maxvolt.MTP(level, species, 5.0, self.min_dist, self.radial_basis_size)
        chosen = self.dataset if part is None else self.dataset.select(part)
        objective = Objective(chosen, maxvolt.Weights(), "vibrations")
        prepared = prepare(objective, species, 5.0, potential.n_parameters)
        return Problem(potential, prepared, threads=1)

    def part(self, whole: Problem, seed: int) -> NDArray[np.int64]:
        """A representative part of the structures."""
        rng = np.random.default_rng(seed)
        size = part_sizes(whole.n_linear, whole.training_set.n_equations)[0]
        return representative_part(self.dataset, whole.training_set, size, rng)


@dataclass(frozen=True, slots=True, eq=False)
class MeteredBuilder:
    """Gives parts of a case whose calls are counted."""

    case: Case

    def part(self, whole: Metered, seed: Sequence[int]) -> Metered:
        """A random part of the structures, as `fit` takes it."""
        chosen = self.case.part(whole.problem, seed[0])
        return Metered(self.case.problem(self.case.level, chosen), whole.clock, False)


def embedded(low: Array, shape: tuple[int, int, int, int], seed: int) -> Array:
    """Radial coefficients of a higher level: those of a lower one, the missing mu at random."""
    drawn = random_radial_coeffs(shape, np.random.default_rng([seed, 1]))
    drawn[:, :, : low.shape[2]] = low / np.sqrt((low**2).sum(axis=(0, 1, 3), keepdims=True))
    return orthonormal(drawn)


def race_of_starts(case: Case, whole: Metered, seed: int) -> None:
    """What `maxvolt.fit` does: many starts on part of the data, the better half on all of it."""
    equations = whole.training_set.n_equations
    settings = replace(SETTINGS, seed=seed)
    journal = Journal(settings, equations, None, None, Checkpoint("", {}, {}))
    builder: Any = MeteredBuilder(case)
    problem: Any = whole
    MemberFits(builder, problem, settings, journal).fit_member(0)


def continuation(case: Case, whole: Metered, seed: int, *, on_part: bool = False) -> None:
    """Levels 8, 12 and so on up to the one wanted, each from the radial functions of the last."""
    levels = list(range(8, case.level, 4))
    radial = None
    for level in [*levels, case.level]:
        problem = whole.problem
        if level < case.level:
            low = case.problem(level)
            problem = case.problem(level, case.part(low, seed)) if on_part else low
        shape = problem.potential.model.radial_coeffs.shape
        metered = whole if level == case.level else Metered(problem, whole.clock, False)
        if radial is None:
            begin = random_radial_coeffs(shape, np.random.default_rng(seed))
        else:
            begin = embedded(radial, shape, seed)
        quick = SETTINGS if level == case.level else replace(SETTINGS, tolerance=1e-3)
        radial = last_state(metered, begin, quick).radial.reshape(shape)


METHODS: dict[str, Callable[[Case, Metered, Array, int], Any]] = {
    "variable projection, LM": lambda _, m, c, __: variable_projection(m, c),
    "the same, ridge 1e-12": lambda _, m, c, __: variable_projection(m, c, 1e-12),
    "the same, ridge 1e-8": lambda _, m, c, __: variable_projection(m, c, 1e-8),
    "the same, ridge 1e-6": lambda _, m, c, __: variable_projection(m, c, 1e-6),
    "LM, all parameters": lambda _, m, c, __: levenberg_marquardt(m, c),
    "LM, all, geodesic": lambda _, m, c, __: levenberg_marquardt(m, c, geodesic=True),
    "BFGS, all parameters": lambda _, m, c, __: quasi_newton(m, c, "BFGS"),
    "L-BFGS, all parameters": lambda _, m, c, __: quasi_newton(m, c, "L-BFGS-B"),
    "VP from levels 8, 12 ...": lambda case, m, _, seed: continuation(case, m, seed),
    "VP from these on part": lambda case, m, _, seed: continuation(case, m, seed, on_part=True),
    "VP, race of 8 starts": lambda case, m, _, seed: race_of_starts(case, m, seed),
}


def measure(case: Case, method: str, whole: Problem, seed: int, budget: float) -> Clock:
    """Run a method from one random start until it ends or its budget is spent."""
    clock = Clock(budget)
    shape = whole.potential.model.radial_coeffs.shape
    radial = random_radial_coeffs(shape, np.random.default_rng(seed))
    with suppress(BudgetSpentError):
        METHODS[method](case, Metered(whole, clock), radial.ravel(), seed)
    return clock


def time_of_a_pass(problem: Problem) -> float:
    """Processor time of an evaluation of the training set, s."""
    zeros = np.zeros(problem.potential.model.n_radial), np.zeros(problem.n_linear)
    times = []
    for _ in range(5):
        began = time.process_time()
        root_mean_squares(problem, *zeros)
        times.append(time.process_time() - began)
    return min(times)


def main() -> None:
    """Run all methods from several starts, print the table, write the curves."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--species", nargs="+", help="of a .cfg file")
    parser.add_argument("--level", type=int, default=16)
    parser.add_argument("--radial-basis-size", type=int, default=8)
    parser.add_argument("--budgets", type=float, nargs="+", default=[5.0, 10.0, 20.0, 40.0])
    parser.add_argument("--seeds", type=int, default=4, help="starts of each method")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), metavar="METHOD")
    parser.add_argument("--json", type=Path, help="write the curves to this file")
    options = parser.parse_args()
    dataset = maxvolt.read(options.data, species=options.species)
    min_dist = round(0.99 * maxvolt.minimum_distances(dataset).overall, 3)
    case = Case(dataset, options.level, options.radial_basis_size, min_dist)
    whole = case.problem(options.level)
    a_pass = time_of_a_pass(whole)
    table = Table(title=f"loss, mean (lowest) of {options.seeds} starts; a pass: {a_pass:.3g} s")
    table.add_column("processor seconds (passes)")
    for budget in options.budgets:
        table.add_column(f"{budget:g} ({budget / a_pass:.0f})", justify="right")
    results: dict[str, list[list[tuple[float, float]]]] = {}
    for method in options.methods:
        with threadpool_limits(1):
            clocks = [
                measure(case, method, whole, seed, max(options.budgets))
                for seed in range(options.seeds)
            ]
        results[method] = [clock.curve for clock in clocks]
        found = np.array([[clock.at(budget) for budget in options.budgets] for clock in clocks])
        table.add_row(method, *(f"{np.mean(c):.4f} ({np.min(c):.4f})" for c in found.T))
        Console().print(table)
        if options.json:
            document = {"level": options.level, "pass_seconds": a_pass, "curves": results}
            options.json.write_text(json.dumps(document) + "\n")


if __name__ == "__main__":
    main()
