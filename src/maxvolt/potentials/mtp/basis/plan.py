"""The cheapest way to evaluate the scalars of a contraction table: invariants of harmonic moments.

Where a table multiplies Cartesian moments scalar by scalar, a plan couples few pairs of harmonic
moments, each once; with the linear coefficients fixed, the energy is one quadratic form in the
coupled pairs, and all scalars merge into it (docs/formulation, equations (29) to (34)).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from threading import Lock

import numpy as np
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from maxvolt.potentials.mtp.basis.contraction import ContractionTable
from maxvolt.potentials.mtp.basis.expansion import expand_scalars
from maxvolt.potentials.mtp.basis.harmonics import HIGHEST_RANK
from maxvolt.potentials.mtp.basis.invariant_selection import select_invariants
from maxvolt.potentials.mtp.basis.invariants import (
    MOST_FACTORS,
    Channel,
    Invariant,
    harmonic_factors,
    scalar_vertices,
)
from maxvolt.potentials.mtp.basis.multigraphs import Vertex
from maxvolt.potentials.mtp.basis.plan_files import read_expansion, table_key, write_expansion

__all__ = ["MOST_WORK", "EvaluationPlan", "PlanStore", "evaluation_plan", "make_plan"]

MOST_WORK = 4_000
"""Invariants that one product of moments may fall into; it is 3,328 at level 32."""

_FREE_WORK, _WORK_PER_SCALAR = 5_000, 100
"""Invariants that any table may ask for, and so many more for each scalar; a level has 50 at most.

A table of a few scalars of high rank would take more time and memory to plan than it ever saves."""


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationPlan:
    """Scalars as sums of invariants.

    Attributes
    ----------
    invariants : tuple of Invariant
        Linearly independent, sorted.
    expansion : sparse, shape (n_scalars, n_invariants)
        Coefficients of each scalar in the invariants.
    """

    invariants: tuple[Invariant, ...]
    expansion: csr_array

    @property
    def pairs(self) -> dict[Channel, tuple[int, ...]]:
        """Pairs of harmonic moments, sorted, and the ranks each is coupled to."""
        ranks: dict[Channel, set[int]] = {}
        for invariant in self.invariants:
            for channel in (invariant.left, invariant.right):
                if len(channel) == 2:
                    ranks.setdefault(channel, set()).add(invariant.rank)
        return {channel: tuple(sorted(ranks[channel])) for channel in sorted(ranks)}


def make_plan(table: ContractionTable) -> EvaluationPlan | None:
    """Make the plan of a table, which takes seconds from level 20 on; see `evaluation_plan`."""
    vertices = scalar_vertices(table)
    if vertices is None or not _can_be_planned(vertices):
        return None
    factors = {f for key in set(vertices) for f in harmonic_factors(key)}
    invariants = select_invariants(sorted(factors))
    if not invariants:
        return None
    with threadpool_limits(1, user_api="blas"):  # many small systems: threads would only wait
        expansion = expand_scalars(table, vertices, invariants)
    return None if expansion is None else _without_unused(invariants, expansion)


def _without_unused(invariants: list[Invariant], expansion: csr_array) -> EvaluationPlan:
    """Leave out invariants that are in no scalar; a level has none, a pruned potential many."""
    used = np.unique(expansion.indices)
    chosen = tuple(invariants[number] for number in used.tolist())
    return EvaluationPlan(chosen, csr_array(expansion[:, used]))


def _can_be_planned(vertices: list[tuple[Vertex, ...]]) -> bool:
    moments = {moment for key in vertices for moment in key}
    if max((nu for _, nu in moments), default=0) > HIGHEST_RANK:
        return False
    works = [_work(key) for key in set(vertices)]
    return max(works, default=0) <= MOST_WORK and sum(works) <= (
        _FREE_WORK + _WORK_PER_SCALAR * len(vertices)
    )


def _work(key: tuple[Vertex, ...]) -> int:
    """At most so many invariants of harmonic moments are in a product of Cartesian ones."""
    ranks = [nu for _, nu in key]
    couplings = 2 * min(ranks) + 1 if len(ranks) == MOST_FACTORS else 1
    return couplings * prod(nu // 2 + 1 for nu in ranks)


class PlanStore:
    """Plans that have been made: the most recent ones in memory, those of large tables in files.

    Parameters
    ----------
    worth_keeping
        Plans of tables with more products are kept in files (`plan_files`); others take no time.
    most_recent
        Number of plans in memory.
    make
        Makes the plan of a table.
    """

    def __init__(
        self,
        *,
        worth_keeping: int = 5_000,
        most_recent: int = 32,
        make: Callable[[ContractionTable], EvaluationPlan | None] = make_plan,
    ) -> None:
        self._make = make
        self._worth_keeping = worth_keeping
        self._most_recent = most_recent
        self._recent: dict[str, EvaluationPlan | None] = {}
        self._changes = Lock()

    def plan(self, table: ContractionTable) -> EvaluationPlan | None:
        """Find or make the plan of a table, see `evaluation_plan`."""
        key = table_key(table)
        with self._changes:
            if key in self._recent:
                return self._recent[key]
        is_kept = len(table.products) > self._worth_keeping
        found = read_expansion(key, table) if is_kept else None
        plan = self._make(table) if found is None else EvaluationPlan(*found)
        if is_kept and found is None and plan is not None:
            write_expansion(key, plan.invariants, plan.expansion)
        with self._changes:
            self._recent[key] = plan
            while len(self._recent) > self._most_recent:
                del self._recent[next(iter(self._recent))]
        return plan

    def __len__(self) -> int:
        """Return the number of plans in memory."""
        return len(self._recent)


_STORE = PlanStore()


def evaluation_plan(table: ContractionTable) -> EvaluationPlan | None:
    """Find the plan of a table; those of large ones are kept in files (`plan_files`).

    Returns
    -------
    plan
        None for a table with a scalar that is not rotationally invariant, is a product of more
        than four moments, or falls into too many invariants; it is then evaluated as it stands.
    """
    return _STORE.plan(table)
