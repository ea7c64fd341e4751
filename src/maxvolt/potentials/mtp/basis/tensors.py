"""Partial contractions of moments: connected parts of a scalar's graph with open indices.

The open indices of a partial contraction stand in groups, in each of which the tensor is symmetric,
so that a group of rank n has the (n+1)(n+2)/2 components of a polynomial in x, y, z. Symmetrising
over a group is exact where all its indices go to the same other moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import permutations
from math import factorial

import numpy as np
from numpy.typing import NDArray

from maxvolt.potentials.mtp.basis.multigraphs import Edges, Vertex, sorted_orders

__all__ = [
    "Legs",
    "PartialContraction",
    "Shape",
    "canonical_contraction",
    "exponents",
    "monomial_count",
    "monomial_position",
]

Legs = tuple[tuple[int, ...], ...]


def monomial_count(rank: int) -> int:
    """Count the components of a symmetric tensor."""
    return (rank + 1) * (rank + 2) // 2


def monomial_position(
    rank: NDArray[np.int64] | int, nx: NDArray[np.int64], ny: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the position of x^nx y^ny z^(rank-nx-ny) when nx falls, then ny falls."""
    below = rank - nx
    return below * (below + 1) // 2 + below - ny


@cache
def exponents(rank: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return nx and ny of all monomials of a rank and their multinomial coefficients."""
    table = [
        (nx, ny, factorial(rank) // (factorial(nx) * factorial(ny) * factorial(rank - nx - ny)))
        for nx in range(rank, -1, -1)
        for ny in range(rank - nx, -1, -1)
    ]
    nx, ny, coefficient = np.array(table, dtype=np.int64).T
    return nx, ny, coefficient


@dataclass(frozen=True, slots=True)
class Shape:
    """What the components of a partial contraction are, whatever its moments.

    Parameters
    ----------
    ranks
        Rank of each group.
    weighted
        For each group, whether stored components carry their multinomial coefficient. They do
        where several moments feed the group, because only then all multiplicities are integers.
    symmetries
        Orders of the groups that leave the tensor as it is.
    """

    ranks: tuple[int, ...]
    weighted: tuple[bool, ...]
    symmetries: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class PartialContraction:
    """A tensor: moments, contracted indices between them, groups of open ones; canonical.

    Parameters
    ----------
    vertices
        The moments (mu, nu), sorted.
    edges
        Contracted indices between each two moments.
    legs
        ``legs[a][g]`` open indices of moment a belong to group g.
    symmetries
        See `Shape`.
    """

    vertices: tuple[Vertex, ...]
    edges: Edges
    legs: Legs
    symmetries: tuple[tuple[int, ...], ...]

    @property
    def shape(self) -> Shape:
        """Ranks, weights and symmetries of the groups."""
        columns = list(zip(*self.legs, strict=True))
        ranks = tuple(map(sum, columns))
        weighted = tuple(max(column) < rank for column, rank in zip(columns, ranks, strict=True))
        return Shape(ranks, weighted, self.symmetries)


@cache
def canonical_contraction(
    vertices: tuple[Vertex, ...], edges: Edges, legs: Legs
) -> tuple[PartialContraction, tuple[int, ...]]:
    """Bring a partial contraction to canonical form.

    Returns
    -------
    contraction
        The canonical form, equal for isomorphic input.
    groups
        For each group of the input its number in the canonical form.
    """
    n_groups = len(legs[0])
    best: tuple[Edges, Legs] | None = None
    orders: list[tuple[int, ...]] = []
    for order in sorted_orders(vertices):
        new_edges = tuple(tuple(edges[a][b] for b in order) for a in order)
        for groups in permutations(range(n_groups)):
            form = (new_edges, tuple(tuple(legs[a][g] for g in groups) for a in order))
            if best is None or form > best:
                best, orders = form, []
            if form == best:
                orders.append(groups)
    assert best is not None
    first = orders[0]
    position = tuple(first.index(g) for g in range(n_groups))
    symmetries = tuple(sorted({tuple(position[g] for g in groups) for groups in orders}))
    return PartialContraction(tuple(sorted(vertices)), *best, symmetries), position
