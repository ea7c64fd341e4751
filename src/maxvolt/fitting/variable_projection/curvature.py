"""Equations of all parameters of a moment tensor potential at its coefficients, see
`maxvolt.fitting.curvature`.
"""  # noqa: D205

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from maxvolt.fitting.atomic_energies import baseline_of
from maxvolt.fitting.curvature import Curvature, CurvatureSums
from maxvolt.fitting.displaced_structures import displaced_copies, spread_structures
from maxvolt.fitting.objective import Objective
from maxvolt.fitting.training_set import Portion, TrainingSet, prepare
from maxvolt.fitting.usable_data import check_training_data
from maxvolt.fitting.variable_projection.elimination import eliminate
from maxvolt.fitting.variable_projection.normal_equations import LinearEquations
from maxvolt.fitting.variable_projection.problem import Problem
from maxvolt.fitting.variable_projection.reweighting import robustly_weighted
from maxvolt.fitting.variable_projection.vanishing_columns import DISPLACEMENTS, TRUSTED
from maxvolt.parallel.blocks import LocalBlocks
from maxvolt.potentials.mtp.binding import kernels
from maxvolt.potentials.mtp.model import Model, compile_model
from maxvolt.potentials.mtp.potential import MTP

__all__ = ["curvature_of", "shifted_linear"]

_COPIED_STRUCTURES, _COPIED_ATOMS = 16, 256
"""Most structures that displaced copies are made of, and most atoms of these."""

Array = NDArray[np.float64]


def curvature_of(
    potential: MTP,
    objective: Objective,
    *,
    ridge: float,
    robust: bool,
    folds: Sequence[NDArray[np.int64]],
    threads: int,
) -> Curvature:
    """Sum up the equations of a trained potential over folds of a training set.

    One pass over the structures, of the cost of two iterations of a fit. Of a robust fit the labels
    have the weights that it ended with, also where folds are left out.

    Parameters
    ----------
    potential
        Trained.
    objective
        Labelled structures and how they count.
    ridge
        Regularisation, as of `FitSettings`.
    robust
        Whether labels with large errors count less, as of `FitSettings`.
    folds
        Numbers of the structures of each fold.
    threads
        Number of threads.

    Raises
    ------
    FitError
        No labels, or labels that are not finite.
    SpeciesError
        A species unknown to the potential.
    """
    dataset, given = objective.dataset, objective.isolated_energies
    every = objective.equation_weights()
    check_training_data(dataset, every)
    baseline = baseline_of(dataset, potential.species, every.energies) if given is None else given
    known = 0 if given is None else len(baseline)
    relative = replace(objective, isolated_energies=baseline)
    model, linear = _model_of(potential, baseline)
    parts: Iterable[TrainingSet] = (_prepared(relative.selected(fold), potential) for fold in folds)
    if robust:
        parts = robustly_weighted(model, list(parts), threads=threads)
    sums = []
    for fold, part in zip(folds, parts, strict=True):
        share = len(fold) / len(dataset)  # weights of a fold are divided by its own number
        sums.append(_summed(potential, model, linear, part, known, share, threads))
    chosen = spread_structures(dataset, _COPIED_STRUCTURES, _COPIED_ATOMS)
    squares = []
    for displacement in DISPLACEMENTS:
        copies = displaced_copies(dataset.select(chosen), displacement)
        displaced = _prepared(replace(relative, dataset=copies), potential)
        of_copies = _summed(potential, model, linear, displaced, known, 1.0, threads)
        larger = DISPLACEMENTS[0] / displacement  # forces in a crystal are linear in it
        squares.append(larger**2 * np.diag(of_copies.matrix))
    floor = TRUSTED**2 * np.min(squares, axis=0)
    floor[model.n_radial : model.n_radial + model.n_species] = 0.0  # these count atoms exactly
    return Curvature(
        potential=potential,
        folds=tuple(sums),
        floor=floor,
        linear=slice(model.n_radial, model.n_parameters),
        known=slice(model.n_radial, model.n_radial + known),
        ridge=ridge,
        refit=partial(_refitted, potential, np.asarray(baseline), floor[model.n_radial :], ridge),
    )


def shifted_linear(potential: MTP, change: Array) -> MTP:
    """The potential with something added to its species and moment coefficients, shape (L,)."""
    model, c = potential.model, potential.model.n_species
    return potential.with_coefficients(
        model.radial_coeffs,
        model.species_coeffs + change[:c],
        model.moment_coeffs + change[c:],
        scaling=model.scaling,
    )


def _refitted(
    potential: MTP, baseline: Array, floor: Array, ridge: float, sums: CurvatureSums
) -> MTP:
    start, model = potential.model.n_radial, potential.model
    equations = LinearEquations(
        matrix=sums.matrix[start:, start:],
        vector=sums.vector,
        constant=sums.constant,
        rows=LocalBlocks(()),
        floor=floor,
    )
    linear = eliminate(equations, ridge).linear
    return potential.with_coefficients(
        model.radial_coeffs,
        linear[: model.n_species] + baseline,
        linear[model.n_species :],
        scaling=model.scaling,
    )


def _model_of(potential: MTP, baseline: Array) -> tuple[Model, Array]:
    """Model whose energies are relative to the baseline, and its linear coefficients."""
    model = replace(potential.model, species_coeffs=potential.model.species_coeffs - baseline)
    return model, np.concatenate([model.species_coeffs, model.moment_coeffs])


def _prepared(objective: Objective, potential: MTP) -> TrainingSet:
    return prepare(objective, potential.species, potential.cutoff, potential.n_parameters)


def _summed(
    potential: MTP,
    model: Model,
    linear: Array,
    training_set: TrainingSet,
    known: int,
    share: float,
    threads: int,
) -> CurvatureSums:
    width, n_linear = model.n_parameters, len(linear)
    targets = Problem(potential, training_set, threads).targets
    (matrix, vector, constant, squares), _ = training_set.portions.sums(
        partial(_products, model, linear, known),
        ((width, width), (n_linear,), (), ()),
        targets,
        threads=threads,
    )
    return CurvatureSums(
        share * matrix,
        share * vector,
        share * float(constant),
        share * float(squares),
        training_set.n_equations,
    )


def _products(
    model: Model, linear: Array, known: int
) -> Callable[[Portion, Array], tuple[Sequence[Array], None]]:
    core, start = compile_model(model), model.n_radial

    def work(portion: Portion, target: Array) -> tuple[Sequence[Array], None]:
        with np.errstate(over="ignore", invalid="ignore"):
            root = np.sqrt(portion.weights)
            rows = kernels.jacobian(core, portion.neighborhoods).table
            rows *= root[:, None]
            rows[:, :start] *= model.scaling
            y = target * root
            residuals = y - rows[:, start:] @ linear
            rows[:, start : start + known] = 0.0
            sums = (rows.T @ rows, y @ rows[:, start:], y @ y, residuals @ residuals)
            return [np.asarray(one) for one in sums], None

    return work
