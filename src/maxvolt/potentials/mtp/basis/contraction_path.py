"""Which partial contractions to build, and how, so that all scalars cost least.

Every scalar, and every partial contraction that is built, needs one of its possible joins; a join
needs the parts it joins; parts are shared. The cheapest choice is an integer linear program.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from maxvolt.errors import MaxvoltError
from maxvolt.potentials.mtp.basis.pairwise_contractions import Join, possible_joins
from maxvolt.potentials.mtp.basis.pairwise_products import component_numbers, join_rows
from maxvolt.potentials.mtp.basis.tensors import PartialContraction

__all__ = ["select_joins"]

MOMENT_COST = 1.0
"""Cost of storing one moment, in products."""

NODE_LIMIT = 10_000
"""Limit of the branch-and-bound search: unlike a time limit it gives the same table everywhere."""

Joins = dict[PartialContraction, Join]
Candidates = dict[PartialContraction, list[Join]]


def select_joins(scalars: list[PartialContraction]) -> Joins:
    """Choose how to build the scalars with the fewest products and moments.

    Parameters
    ----------
    scalars
        Connected graphs of two or more moments.

    Returns
    -------
    joins
        For each scalar, and each partial contraction needed, the join that builds it; parts come
        before what is built of them, and what shares a part stands together.
    """
    if not scalars:
        return {}
    chosen = _cheapest(_candidates(scalars), scalars)
    ordered: Joins = {}

    def add(target: PartialContraction) -> None:
        if target in chosen and target not in ordered:
            join = chosen[target]
            add(join.left)
            add(join.right)
            ordered[target] = join

    for scalar in sorted(scalars, key=lambda s: _reading_order(chosen[s])):
        add(scalar)
    return ordered


def _reading_order(join: Join) -> tuple[object, ...]:
    left, right = join.left, join.right
    return (left.vertices, left.edges, left.legs, right.vertices, right.edges, right.legs)


def _candidates(scalars: list[PartialContraction]) -> Candidates:
    """List all joins of the scalars, of their parts, of the parts' parts."""
    candidates: Candidates = {}
    pending = list(reversed(scalars))
    while pending:
        target = pending.pop()
        if target not in candidates and len(target.vertices) > 1:
            candidates[target] = possible_joins(target)
            pending += [part for join in candidates[target] for part in (join.left, join.right)]
    return candidates


def _cheapest(candidates: Candidates, scalars: list[PartialContraction]) -> Joins:
    """Solve the integer linear program.

    Its unknowns, 0 or 1, are `built` of each target and `used` of each join, with
    built[target] <= sum of used over its joins, and for each part of these joins
    sum of used over the joins with that part <= built[part].
    """
    targets = {target: number for number, target in enumerate(candidates)}
    joins = [(target, join) for target, options in candidates.items() for join in options]
    used = {join: len(targets) + number for number, join in enumerate(joins)}
    rows: list[dict[int, float]] = []
    for target, options in candidates.items():
        rows.append({used[target, join]: 1.0 for join in options} | {targets[target]: -1.0})
        users: dict[PartialContraction, dict[int, float]] = defaultdict(dict)
        for join in options:
            for part in (join.left, join.right):
                if part in targets:
                    users[part][used[target, join]] = -1.0
        rows += [columns | {targets[part]: 1.0} for part, columns in users.items()]
    solution = _solve(
        np.array(
            [MOMENT_COST * (component_numbers(t.shape).max() + 1) for t in targets]
            + [float(len(join_rows(join.pattern))) for _, join in joins]
        ),
        rows,
        [targets[scalar] for scalar in scalars],
    )
    return {target: join for (target, join), column in used.items() if solution[column] > 0.5}


def _solve(
    cost: NDArray[np.float64], rows: list[dict[int, float]], required: list[int]
) -> NDArray[np.float64]:
    """Minimise cost . x over x in {0, 1} with rows . x >= 0 and the required x equal to 1."""
    # The solver of older SciPy takes no other integers.
    columns = np.array([column for row in rows for column in row], np.int32)
    values = [value for row in rows for value in row.values()]
    first = np.cumsum([0, *map(len, rows)], dtype=np.int32)
    matrix = csr_array((values, columns, first), shape=(len(rows), len(cost)))
    lowest = np.zeros(len(cost))
    lowest[required] = 1.0
    result = milp(
        cost,
        integrality=np.ones(len(cost)),
        constraints=LinearConstraint(matrix, 0.0, np.inf),
        bounds=Bounds(lowest, 1.0),
        options={"node_limit": NODE_LIMIT},
    )
    if result.x is None:
        raise MaxvoltError(f"no contraction plan was found ({result.message}); use a lower level")
    return np.asarray(result.x, dtype=np.float64)
