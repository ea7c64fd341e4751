"""A cheap, robust fit of a small potential, to compare labels with: seconds for any data set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from maxvolt.fitting.displaced_structures import spread_structures
from maxvolt.fitting.objective import Objective
from maxvolt.fitting.settings import SolverSettings, Weights
from maxvolt.fitting.training_set import Portion, TrainingSet, prepare
from maxvolt.fitting.variable_projection.problem import Problem
from maxvolt.fitting.variable_projection.random_starts import random_radial_coeffs
from maxvolt.fitting.variable_projection.reweighting import first_robust_state, iterate_robustly
from maxvolt.potentials.mtp.binding import kernels
from maxvolt.potentials.mtp.model import Model, compile_model
from maxvolt.potentials.mtp.potential import MTP

__all__ = ["QuickFit", "quick_fit"]

_LEVEL, _BASIS_SIZE = 8, 8

_STRUCTURES, _ATOMS = 400, 2000
"""Most of the part that is fitted."""

_FEWEST_STRUCTURES = 10
_EQUATIONS_PER_PARAMETER = 5
"""Fewer say too little."""

_SOLVER = SolverSettings(max_iterations=8, tolerance=1e-3, ridge=1e-8)

_WEIGHTS = Weights(energy=0.001, forces=1.0, stress=0.1)
"""Forces and stresses say more than energies, which have a constant for each element beside: with
little weight, energies of two calculations that are mixed do not bend the small potential."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class QuickFit:
    """A small potential, and what it predicts for all structures.

    Attributes
    ----------
    potential : MTP
    energies : shape (n,), eV
    forces : shape (N, 3), eV/Angstrom
    virials : shape (n, 6), eV
    lonely : shape (n,), int64
        Atoms of each structure without a neighbour.
    """

    potential: MTP
    energies: Array
    forces: Array
    virials: Array
    lonely: NDArray[np.int64]


def quick_fit(
    objective: Objective,
    training_set: TrainingSet,
    species: tuple[str, ...],
    cutoff: float,
    *,
    threads: int,
) -> QuickFit | None:
    """Fit a potential of level 8 to a part of the data, robustly, and evaluate all of them.

    Parameters
    ----------
    objective
        Labels; how they count does not matter.
    training_set
        The same with neighbours within the cutoff.
    species, cutoff
        Of the potential.
    threads
        Number of threads.

    Returns
    -------
    QuickFit or None
        None where there are too few structures or labels.
    """
    if np.count_nonzero(objective.dataset.weights > 0) < _FEWEST_STRUCTURES:
        return None
    shortest = training_set.shortest_distance
    min_dist = float(min(0.95 * shortest, 0.5 * cutoff)) if np.isfinite(shortest) else 0.5 * cutoff
    potential = MTP(_LEVEL, species, cutoff, min_dist, _BASIS_SIZE)
    dataset = objective.dataset
    dataset = replace(dataset, weights=(dataset.weights > 0).astype(float))
    chosen = np.unique(spread_structures(dataset, _STRUCTURES, _ATOMS))
    part = Objective(dataset.select(chosen), _WEIGHTS, "vibrations")
    prepared = prepare(part, species, cutoff, potential.n_parameters)
    if prepared.n_equations < _EQUATIONS_PER_PARAMETER * potential.n_parameters:
        return None
    problem = Problem(potential, prepared, threads)
    radial = random_radial_coeffs(potential.model.radial_coeffs.shape, np.random.default_rng(0))
    state = first_robust_state(problem, radial.ravel(), _SOLVER.ridge)
    for state in iterate_robustly(problem, state, _SOLVER):  # noqa: B007, B020 (the last counts)
        pass
    fitted = problem.trained(state.radial, state.linear)
    parts = training_set.portions.each(partial(_predicted, fitted.model), threads=threads)
    energies, forces, virials = map(np.concatenate, zip(*parts, strict=True))
    return QuickFit(fitted, energies, forces, virials, training_set.lonely)


def _predicted(model: Model) -> Callable[[Portion], tuple[Array, Array, Array]]:
    core = compile_model(model)

    def work(portion: Portion) -> tuple[Array, Array, Array]:
        return portion.split(portion.rows(kernels.evaluate(core, portion.neighborhoods, threads=1)))

    return work
