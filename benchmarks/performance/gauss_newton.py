"""What a Gauss-Newton pass costs: its parts in evaluations, and the operations that they need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import maxvolt
from maxvolt.fitting.training_set import Portion
from maxvolt.fitting.variable_projection.problem import Problem
from maxvolt.fitting.variable_projection.random_starts import random_radial_coeffs
from maxvolt.potentials.mtp.basis.plan import evaluation_plan
from maxvolt.potentials.mtp.binding import kernels
from maxvolt.potentials.mtp.model import compile_model
from performance.own_loss import OwnLoss
from performance.timing import smallest_times

__all__ = ["PARTS", "operations_of_rows", "parts_of_pass", "pass_costs"]

PARTS = ("linear rows", "symmetric product", "radial rows", "gradient", "pass")

_MULTIPLIED = 32

_SECONDS = 0.5  # of each part, of which two calls may take more


def parts_of_pass(own: OwnLoss) -> dict[str, Callable[[], object]]:
    """The parts of a pass as functions without arguments, with an evaluation to compare with.

    A pass over a large set makes rows by the radial coefficients of a sample of the structures
    only; so does the part. The symmetric product is that
    of the linear rows of every so many portions.
    """
    problem = own.problem
    core = compile_model(problem.model(own.radial, own.linear))
    columns, portions = problem.columns, list(problem.training_set.portions)
    rows = [columns.rows(core, portion) for portion in multiplied(portions)]
    precision = columns.precision

    def over(some: list[Portion], work: Callable[[Portion], object]) -> Callable[[], object]:
        return lambda: [work(portion) and None for portion in some]

    return {
        "evaluation": over(
            portions, lambda p: kernels.evaluate(core, p.neighborhoods, threads=1).virials.sum()
        ),
        "linear rows": over(portions, lambda p: columns.rows(core, p).size),
        "symmetric product": lambda: [(a.T @ a).size for a in rows],
        "radial rows": over(
            sampled_portions(problem),
            lambda p: (
                kernels.jacobian(
                    core, p.neighborhoods, columns="radial", precision=precision
                ).n_structures
            ),
        ),
        "gradient": own.loss_and_gradient,
        "pass": own.normal_equations,
    }


def sampled_portions(problem: Problem) -> list[Portion]:
    """Portions whose rows by the radial coefficients are made."""
    return list((problem.sample or problem.training_set).portions)


def multiplied(portions: list[Portion]) -> list[Portion]:
    """Portions whose rows are multiplied to time the product: few, for the rows take memory."""
    return portions[:: -(-len(portions) // _MULTIPLIED)]


def pass_costs(
    potential: maxvolt.MTP, dataset: maxvolt.Dataset, rng: np.random.Generator
) -> dict[str, Any]:
    """Times of the parts in evaluations, and operations of one atom in multiply-adds."""
    model = potential.model
    potential = potential.with_coefficients(
        random_radial_coeffs(model.radial_coeffs.shape, rng),
        rng.normal(size=model.species_coeffs.shape),
        rng.normal(size=model.moment_coeffs.shape),
    )
    own = OwnLoss.at(potential, dataset, threads=1)
    with threadpool_limits(1, user_api="blas"):  # as in fits
        times = smallest_times(parts_of_pass(own), _SECONDS, least=2)
    portions = list(own.problem.training_set.portions)
    counts = np.array([len(portion.labels) for portion in portions])
    pairs = sum(len(portion.neighborhoods.pairs.owners) for portion in portions)
    neighbors = 2 * pairs / dataset.n_atoms
    squares = own.problem.columns.width**2 / 2
    share = sum(len(p.labels) for p in sampled_portions(own.problem)) / counts.sum()
    times["symmetric product"] *= counts.sum() / sum(len(p.labels) for p in multiplied(portions))
    return {
        "structures": len(dataset),
        "atoms": dataset.n_atoms,
        "neighbors_of_an_atom": neighbors,
        "evaluation_microseconds_per_atom": 1e6 * times["evaluation"] / dataset.n_atoms,
        "evaluations": {name: times[name] / times["evaluation"] for name in PARTS},
        "share_of_rows_by_radial_coefficients": float(share),
        "multiply_adds_of_an_atom": {
            **operations_of_rows(potential, neighbors, share),
            "symmetric product": float(counts.sum() * squares / dataset.n_atoms),
        },
        "multiply_adds_a_second_of_product": float(
            counts.sum() * squares / times["symmetric product"]
        ),
    }


def operations_of_rows(potential: maxvolt.MTP, neighbors: float, share: float) -> dict[str, float]:
    """Multiply-adds of the sums over harmonic moments, or moments, in the rows of one atom.

    An invariant depends on the components of its harmonic moments, at most four of them; a radial
    coefficient, through the energy, on all moments. Three directions, each neighbour; of the rows
    by the radial coefficients only a share is made.
    """
    plan = evaluation_plan(potential.model.table)
    if plan is None:
        return {}
    components = [
        sum(2 * rank + 1 for _, rank in set(invariant.left) | set(invariant.right))
        for invariant in plan.invariants
    ]
    harmonics = {h for i in plan.invariants for h in (*i.left, *i.right)}
    species = potential.model.n_species
    of_atom = potential.model.n_radial / species
    return {
        "linear rows": 3 * neighbors * sum(components),
        "radial rows": share * 3 * neighbors * of_atom * sum(2 * rank + 1 for _, rank in harmonics),
    }
