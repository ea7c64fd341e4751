"""What scalars of a potential cost together: equation (252).

Scalars share what they are made of: a pair of harmonic moments is coupled once for all invariants
that it is in, moments are summed up to the highest rank that occurs. What a set of scalars costs is
counted in operations for an atom: by its neighbours for each radial function, by the plan for pairs
and invariants. Times of evaluation are proportional to it, to some ten per cent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maxvolt.potentials.mtp.basis.contraction import ContractionTable
from maxvolt.potentials.mtp.basis.invariant_selection import own_cost, price, resources
from maxvolt.potentials.mtp.basis.invariants import scalar_vertices
from maxvolt.potentials.mtp.basis.plan import evaluation_plan
from maxvolt.potentials.mtp.binding.neighbor_operations import (
    moment_operations,
    polynomial_operations,
    radial_operations,
    shared_operations,
)

__all__ = ["ScalarCosts", "scalar_costs"]

Mask = NDArray[np.bool_]
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ScalarCosts:
    """Who needs what, and what it costs. S scalars, E invariants, P pairs, T moments.

    Attributes
    ----------
    invariants : shape (S, E), of 0 and 1
        Invariants of each scalar.
    pairs : shape (E, P), of 0 and 1
        Pairs of harmonic moments, and couplings of them to a rank, of each invariant.
    moments : shape (S, T), of 0 and 1
        Moments (mu, nu) that each scalar is a product of.
    functions, ranks : shape (T,), int64
        mu and nu of the moments.
    own : shape (E,), operations
        Of an invariant alone.
    prices : shape (P,), operations
        Of a pair.
    by_rank : shape (highest nu + 2,), operations
        Of a radial function with moments up to each rank; the last entry is that of none: zero.
    always : operations
        Whatever the scalars are.
    """

    invariants: Array
    pairs: Array
    moments: Array
    functions: NDArray[np.int64]
    ranks: NDArray[np.int64]
    own: Array
    prices: Array
    by_rank: Array
    always: float

    def of(self, kept: Mask) -> float:
        """Operations of an atom for a set of scalars, shape (S,)."""
        invariants = kept @ self.invariants > 0
        pairs = invariants @ self.pairs > 0
        moments = self._of_moments((kept @ self.moments > 0)[None])
        found = self.always + invariants @ self.own + pairs @ self.prices + moments[0]
        return float(found + kept.sum())

    def saved(self, kept: Mask, groups: Array) -> Array:
        """Operations that go with each of several groups of scalars.

        Parameters
        ----------
        kept : shape (S,)
            Scalars that are there.
        groups : shape (G, S), of 0 and 1
            Groups; what is not there does not count.
        """
        members = groups * kept
        invariants = kept @ self.invariants
        freed = (members @ self.invariants == invariants) & (invariants > 0)
        users = (invariants > 0) @ self.pairs
        pairs = (freed @ self.pairs == users) & (users > 0)
        moments = kept @ self.moments
        left = moments - members @ self.moments > 0
        before = self._of_moments((moments > 0)[None])
        of_moments = before - self._of_moments(left)
        # One for each scalar: one that costs nothing goes when it is worth nothing.
        return np.asarray(freed @ self.own + pairs @ self.prices + of_moments + members.sum(axis=1))

    def groups(self) -> Array:
        """Sets of scalars that may be removed together, shape (G, S), of 0 and 1.

        Each alone; all with a moment of a radial function of a rank and above; all with a pair.
        """
        found = [np.eye(len(self.invariants))]
        for mu, nu in zip(self.functions, self.ranks, strict=True):
            above = (self.functions == mu) & (self.ranks >= nu)
            found.append((self.moments[:, above].sum(axis=1) > 0)[None].astype(float))
        found.append((self.invariants @ self.pairs > 0).T.astype(float))
        every, first = np.unique(np.concatenate(found), axis=0, return_index=True)
        return every[np.argsort(first)]

    def _of_moments(self, there: Mask) -> Array:
        """Operations for all neighbours; `there` says which moments are, shape (n, T)."""
        total = np.zeros(len(there))
        for mu in np.unique(self.functions):
            of_function = self.functions == mu
            highest = np.where(there[:, of_function], self.ranks[of_function], -1).max(axis=1)
            total += self.by_rank[highest]  # the last one where there is none
        return total


def scalar_costs(table: ContractionTable, size: int, neighbors: float) -> ScalarCosts | None:
    """Find out who needs what.

    Parameters
    ----------
    table
        Of the potential.
    size
        Of its radial basis.
    neighbors
        Of an atom inside the cutoff, on average.

    Returns
    -------
    costs
        None for a table without a plan, see `evaluation_plan`.
    """
    plan, vertices = evaluation_plan(table), scalar_vertices(table)
    if plan is None or vertices is None:
        return None
    kinds = sorted({vertex for key in vertices for vertex in key})
    used = sorted({one for invariant in plan.invariants for one in resources(invariant)})
    place = {one: number for number, one in enumerate(used)}
    pairs = np.zeros((len(plan.invariants), len(used)))
    for row, invariant in zip(pairs, plan.invariants, strict=True):
        row[[place[one] for one in resources(invariant)]] = 1.0
    moments = np.array([[float(kind in key) for kind in kinds] for key in vertices])
    highest = max(nu for _, nu in kinds)
    by_rank = [neighbors * _of_function(rank, size) for rank in range(highest + 1)]
    return ScalarCosts(
        invariants=(plan.expansion.toarray() != 0).astype(float),
        pairs=pairs,
        moments=moments,
        functions=np.array([mu for mu, _ in kinds]),
        ranks=np.array([nu for _, nu in kinds]),
        own=np.array([own_cost(invariant) for invariant in plan.invariants]),
        prices=np.array([price(one) for one in used]),
        by_rank=np.array([*by_rank, 0.0]),
        always=neighbors * sum(shared_operations(size)),
    )


def _of_function(rank: int, size: int) -> int:
    radial, moments = radial_operations(size), moment_operations(rank)
    return sum(radial) + sum(moments) + polynomial_operations(rank)
