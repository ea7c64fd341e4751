"""Which scalars to do without: backward elimination on the normal equations, (250) to (253)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from maxvolt.fitting.variable_projection.elimination import Elimination, eliminate
from maxvolt.fitting.variable_projection.normal_equations import LinearEquations
from maxvolt.parallel.blocks import LocalBlocks
from maxvolt.potentials.mtp.scalar_costs import ScalarCosts

__all__ = ["Removal", "backward_elimination"]

_LARGEST_SHARE = 0.6
"""Of the scalars that are left: larger groups are not removed at once."""

_UPDATES = 8
"""Removals after which the equations are solved anew, for what rounding has done since."""

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Removal:
    """What is left after a step of the elimination.

    Attributes
    ----------
    kept : shape (S,)
        Scalars that are left.
    loss : float
        Least loss with them at the same radial functions.
    operations : float
        What they cost, equation (252); where scalars are counted instead, their number.
    """

    kept: Mask
    loss: float
    operations: float


def backward_elimination(
    equations: LinearEquations,
    ridge: float,
    costs: ScalarCosts | None,
    *,
    n_species: int,
    most_saved: float = np.inf,
) -> Iterator[Removal]:
    """Remove scalars, the least for what they cost first, until one is left.

    Parameters
    ----------
    equations
        Of the linear coefficients: of species, then of S scalars.
    ridge
        As of the fit.
    costs
        What scalars cost together; None: every scalar costs the same, and is removed alone.
    n_species
        Number of the first coefficients, which stay.
    most_saved
        Operations: groups that save more are not removed at once, unless nothing else saves any.

    Yields
    ------
    removal
        After each step.
    """
    n_scalars = len(equations.vector) - n_species
    groups = np.eye(n_scalars) if costs is None else costs.groups()
    kept = np.ones(n_scalars, dtype=np.bool_)
    state = _solved(equations, ridge, kept, n_species)
    updates = 0
    while kept.sum() > 1:
        saved = groups[:, kept].sum(axis=1) if costs is None else costs.saved(kept, groups)
        chosen = _cheapest(state, groups, kept, saved, most_saved)
        if chosen is None:
            return
        left = kept & ~chosen
        updates += 1
        if updates % _UPDATES:
            state = state.without(chosen[kept])
        else:
            state = _solved(equations, ridge, left, n_species)
        kept = left
        yield Removal(kept, state.loss, float(kept.sum()) if costs is None else costs.of(kept))


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """Least squares with the scalars that are left: n of them, and the species before them.

    Attributes
    ----------
    linear : shape (n,)
        Coefficients of the scalars.
    inverse : shape (n, n)
        Their block of the inverse of the normal matrix.
    loss : float
    """

    linear: Array
    inverse: Array
    loss: float

    def increase(self, members: Mask) -> float:
        """Growth of the loss without some scalars, equation (250)."""
        if members.sum() == 1:
            return float(self.linear[members][0] ** 2 / self.inverse[members, members][0])
        linear = self.linear[members]
        return float(linear @ _solve(self.inverse[np.ix_(members, members)], linear))

    def without(self, members: Mask) -> _State:
        """The state without some scalars, equation (251)."""
        left = ~members
        coupling = self.inverse[np.ix_(left, members)]
        factor = _solve(self.inverse[np.ix_(members, members)], coupling.T)
        return _State(
            self.linear[left] - self.linear[members] @ factor,
            self.inverse[np.ix_(left, left)] - coupling @ factor,
            self.loss + self.increase(members),
        )


def _solve(matrix: Array, right: Array) -> Array:
    """Solve symmetric equations scaled to a unit diagonal, as columns differ by many orders."""
    scale = np.sqrt(np.diag(matrix))
    factor = cho_factor(matrix / scale / scale[:, None], lower=True)
    columns = (right.T / scale).T
    return np.asarray((cho_solve(factor, columns).T / scale).T)


def _solved(equations: LinearEquations, ridge: float, kept: Mask, n_species: int) -> _State:
    used = np.concatenate([np.ones(n_species, dtype=np.bool_), kept])
    part = replace(
        equations,
        matrix=equations.matrix[np.ix_(used, used)],
        vector=equations.vector[used],
        floor=equations.floor[used],
        rows=LocalBlocks(()),
    )
    solved: Elimination = eliminate(part, ridge)
    inverse = solved.solve(np.eye(len(part.vector)))
    return _State(solved.linear[n_species:], inverse[n_species:, n_species:], solved.loss)


def _cheapest(
    state: _State, groups: Array, kept: Mask, saved: Array, most_saved: float
) -> Mask | None:
    """The group whose removal costs least loss for what it saves, equation (253)."""
    members = groups[:, kept] > 0
    sizes = members.sum(axis=1)
    able = (sizes > 0) & ((sizes == 1) | (sizes <= _LARGEST_SHARE * kept.sum())) & (saved > 0)
    if not able.any():
        return None
    if (modest := able & (saved <= most_saved)).any():
        able = modest
    candidates = np.flatnonzero(able)
    increase = _unique_increases(members[candidates], state.increase)
    best = int(candidates[np.argmin(increase / saved[candidates])])
    return np.asarray(groups[best] > 0)


def _unique_increases(members: Mask, increase: Callable[[Mask], float]) -> Array:
    """Growth of the loss for each group; groups that have become the same are asked for once."""
    known: dict[bytes, float] = {}
    found = np.empty(len(members))
    for number, row in enumerate(members):
        key = row.tobytes()
        if key not in known:
            known[key] = increase(row)
        found[number] = known[key]
    return found
