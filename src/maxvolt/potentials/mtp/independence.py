"""How many independent rows a potential can have, equation (40)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from maxvolt.potentials.mtp.basis.contraction import ContractionTable
from maxvolt.potentials.mtp.basis.expansion import invariant_values
from maxvolt.potentials.mtp.basis.invariants import Harmonic, scalar_vertices
from maxvolt.potentials.mtp.basis.plan import EvaluationPlan, evaluation_plan
from maxvolt.potentials.mtp.model import Model

__all__ = ["largest_rank", "mixing_redundancies"]

_COMPLETE = {2: 1, 4: 2, 6: 5, 8: 9, 10: 16, 12: 29, 14: 52, 16: 92, 18: 163, 20: 288, 22: 500}
_COMPLETE |= {24: 864, 26: 1464, 28: 2445}
"""Scalars of each level."""

_SPARE = 16
"""Samples beyond unknowns."""

_INDEPENDENT = 1e-8
"""Relative size of what no combination of others gives; rounding leaves 1e-12."""


def largest_rank(model: Model, *, of_sites: bool) -> int:
    """Number of independent gradients that structures can have.

    It is less than the number of parameters, because some changes of parameters change no energy:

    - Adding to a radial function a multiple of itself, or of another one, may be undone by other
      linear coefficients. In a level these are itself and those with a smaller mu: all scalars with
      the smaller mu in its place are there as well. In a pruned potential some are not.
    - From level 16 on some scalars are combinations of others.
    - Where a radial function enters only as a sum over pairs of atoms, the energy of a whole
      structure tells the coefficients of A-B from those of B-A no more than a pair has a direction.
      Of several such functions only the sum counts.

    Parameters
    ----------
    model
        With the scalars of a level, or some of them.
    of_sites
        Whether gradients are of atoms or of structures.
    """
    species, _, _, size = model.radial_coeffs.shape
    redundant = mixing_redundancies(model.table) + _dependent_scalars(model.table)
    alone = _pair_functions(model)
    if alone > 1:  # their mixtures are counted above already
        redundant += (alone - 1) * species**2 * size - alone * (alone - 1)
    if not of_sites:
        redundant += min(alone, 1) * size * (species * (species - 1) // 2)
    return int(model.n_parameters - redundant)


@lru_cache(maxsize=8)
def mixing_redundancies(table: ContractionTable) -> int:
    """Number of mixtures of radial functions that other linear coefficients undo.

    Parameters
    ----------
    table
        That of a level is known to have them for all pairs of functions, each with itself too; of
        others they are counted with random moments and coefficients.
    """
    functions = int(table.basic[:, 0].max()) + 1
    plan, vertices = evaluation_plan(table), scalar_vertices(table)
    if plan is None or vertices is None:
        return functions * (functions + 1) // 2
    level = max(sum(2 + 4 * mu + nu for mu, nu in key) for key in vertices)
    if _COMPLETE.get(level) == len(table.scalars):
        return functions * (functions + 1) // 2
    return functions**2 - _detectable_mixtures(plan, functions)


def _detectable_mixtures(plan: EvaluationPlan, functions: int) -> int:
    """Rank of what mixtures change beyond the span of all scalars."""
    n_samples = len(plan.invariants) + functions**2 + _SPARE
    generator = np.random.default_rng(0)
    highest = max(l for one in plan.invariants for _, l in (*one.left, *one.right))
    moments = {
        (mu, l): generator.normal(size=(n_samples, 2 * l + 1))
        for mu in range(functions)
        for l in range(highest + 1)
    }
    weights = generator.normal(size=plan.expansion.shape[0]) @ plan.expansion
    scalars = (plan.expansion @ invariant_values(list(plan.invariants), moments)).T
    span, sizes, _ = np.linalg.svd(scalars / np.linalg.norm(scalars, axis=0), full_matrices=False)
    span = span[:, sizes > _INDEPENDENT * sizes[0]]
    left = []
    for mu in range(functions):
        for other in range(functions):
            change = _change(plan, moments, np.asarray(weights), mu, other)
            size = np.linalg.norm(change)
            rest = change - span @ (span.T @ change)
            left.append(rest / size if size else rest)
    return int(np.linalg.matrix_rank(np.array(left), tol=_INDEPENDENT))


def _change(
    plan: EvaluationPlan,
    moments: dict[Harmonic, NDArray[np.float64]],
    weights: NDArray[np.float64],
    mu: int,
    other: int,
) -> NDArray[np.float64]:
    """Derivative of an energy by what is added of another function to one; shape (n_samples,).

    Invariants have four factors at most: differences of five points are exact.
    """
    energies = []
    for step in (-2.0, -1.0, 1.0, 2.0):
        mixed = {
            key: value + step * moments[other, key[1]] if key[0] == mu else value
            for key, value in moments.items()
        }
        energies.append(weights @ invariant_values(list(plan.invariants), mixed))
    return np.asarray((energies[0] - 8 * energies[1] + 8 * energies[2] - energies[3]) / 12)


@lru_cache(maxsize=8)
def _dependent_scalars(table: ContractionTable) -> int:
    """How many scalars are combinations of others: the rank of their expansion is less."""
    plan, scalars = evaluation_plan(table), len(table.scalars)
    if plan is None:
        return 0
    if len(plan.invariants) >= scalars:
        expansion = plan.expansion.toarray()
        sizes = np.linalg.norm(expansion, axis=1, keepdims=True)
        return scalars - int(np.linalg.matrix_rank(expansion / sizes, tol=_INDEPENDENT))
    return scalars - len(plan.invariants)


def _pair_functions(model: Model) -> int:
    """Number of radial functions of which only the moment of rank 0 occurs, and in no product."""
    table = model.table
    in_products = np.unique(table.products[:, :2])
    mu, ranks = table.basic[:, 0], table.basic[:, 1:].sum(axis=1)
    count = 0
    for function in np.unique(mu):
        of_function = np.flatnonzero(mu == function)
        alone = len(of_function) == 1 and not ranks[of_function].any()
        count += bool(alone and not np.isin(of_function, in_products).any())
    return count
