"""Loopless multigraphs: what the scalars of a moment tensor potential are, up to a level.

A vertex is a moment M_{mu,nu}, a tensor of rank nu; an edge is an index contracted between two
moments. A scalar has no index left over, so every vertex (mu, nu) has degree nu. The level of a
moment is 2 + 4 mu + nu, that of a scalar the sum over its moments.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, groupby, permutations, product

from maxvolt.errors import MaxvoltError

__all__ = [
    "Edges",
    "Multigraph",
    "Vertex",
    "enumerate_multigraphs",
    "sorted_orders",
    "vertex_level",
]

Vertex = tuple[int, int]
"""A moment's radial index mu and rank nu."""

Edges = tuple[tuple[int, ...], ...]
"""Symmetric matrix of edge multiplicities with zero diagonal."""


def vertex_level(vertex: Vertex) -> int:
    """Return the level 2 + 4 mu + nu of the moment M_{mu,nu}."""
    mu, nu = vertex
    return 2 + 4 * mu + nu


@dataclass(frozen=True, slots=True, order=True)
class Multigraph:
    """One scalar: moments as vertices, contracted indices as edges; in canonical form.

    Two isomorphic graphs (mu kept) compare equal.

    Parameters
    ----------
    vertices
        The moments (mu, nu), sorted.
    edges
        ``edges[a][b]`` indices are contracted between moments a and b.
    """

    vertices: tuple[Vertex, ...]
    edges: Edges

    @classmethod
    def canonical(cls, vertices: tuple[Vertex, ...], edges: Edges) -> Multigraph:
        """Sort the vertices; among equal ones take the order with the largest edge matrix."""
        best = max(
            tuple(tuple(edges[a][b] for b in order) for a in order)
            for order in sorted_orders(vertices)
        )
        return cls(tuple(sorted(vertices)), best)

    @property
    def level(self) -> int:
        """Sum of the levels of the moments."""
        return sum(map(vertex_level, self.vertices))

    def split(self) -> tuple[Multigraph, Multigraph | None]:
        """Return the component of the first vertex and the rest (None where it is connected).

        The scalar of a graph is the product of the scalars of its components.
        """
        component = {0}
        while grown := {b for a in component for b in self._neighbours(a)} - component:
            component |= grown
        rest = [a for a in range(len(self.vertices)) if a not in component]
        return self._subgraph(sorted(component)), self._subgraph(rest) if rest else None

    def _neighbours(self, a: int) -> list[int]:
        return [b for b, count in enumerate(self.edges[a]) if count]

    def _subgraph(self, chosen: list[int]) -> Multigraph:
        """Keep the chosen vertices and the edges among them."""
        return Multigraph.canonical(
            tuple(self.vertices[a] for a in chosen),
            tuple(tuple(self.edges[a][b] for b in chosen) for a in chosen),
        )


def enumerate_multigraphs(
    level: int, *, max_vertices: int = 4, max_nu: int | None = 10, max_mu: int | None = 5
) -> list[Multigraph]:
    """List all scalars up to a level, disconnected ones included, each once.

    Parameters
    ----------
    level
        Largest level of a scalar, at least 2.
    max_vertices
        Largest number of moments in a scalar: 4 moments make five-body terms.
    max_nu, max_mu
        Largest rank and radial index of a moment; None for no limit but the level.
        The defaults are MLIP's, and limit levels 26 and 28 only.

    Returns
    -------
    graphs
        Single moments first, then by level, number of vertices and canonical form.
    """
    _check_limits(level, max_vertices, max_nu, max_mu)
    kinds = _moments(level, max_nu, max_mu)
    graphs = {
        Multigraph.canonical(vertices, edges)
        for vertices in _multisets(kinds, level, max_vertices)
        for edges in _edge_matrices(tuple(nu for _, nu in vertices))
    }
    return sorted(graphs, key=lambda g: (len(g.vertices) > 1, g.level, len(g.vertices), g))


def _check_limits(level: int, max_vertices: int, max_nu: int | None, max_mu: int | None) -> None:
    if level < 2:
        raise MaxvoltError(f"level={level}: expected an integer of at least 2; try 8, 16 or 20")
    if max_vertices < 1:
        raise MaxvoltError(f"max_vertices={max_vertices}: expected at least 1; MLIP's is 4")
    for name, limit in (("max_nu", max_nu), ("max_mu", max_mu)):
        if limit is not None and limit < 0:
            raise MaxvoltError(f"{name}={limit}: expected 0 or more, or None for no limit")


def _moments(level: int, max_nu: int | None, max_mu: int | None) -> list[Vertex]:
    highest_mu = (level - 2) // 4 if max_mu is None else min(max_mu, (level - 2) // 4)
    moments = []
    for mu in range(highest_mu + 1):
        # The other ends of nu edges have at least level 2 + nu.
        highest_nu = max((level - 4 * mu - 4) // 2, 0)
        moments += [(mu, nu) for nu in range(highest_nu + 1) if max_nu is None or nu <= max_nu]
    return moments


def _multisets(kinds: list[Vertex], level: int, max_vertices: int) -> Iterator[tuple[Vertex, ...]]:
    """Yield sorted tuples of 1 to max_vertices moments with a total level of at most `level`."""
    for position, vertex in enumerate(kinds):
        rest = level - vertex_level(vertex)
        if rest < 0 or max_vertices < 1:
            continue
        yield (vertex,)
        for others in _multisets(kinds[position:], rest, max_vertices - 1):
            yield (vertex, *others)


def _edge_matrices(degrees: tuple[int, ...]) -> Iterator[Edges]:
    """Yield all symmetric matrices with zero diagonal and the given row sums."""
    n = len(degrees)
    for rows in _upper_rows(degrees):
        upper = dict(zip(combinations(range(n), 2), (e for row in rows for e in row), strict=True))
        yield tuple(tuple(upper.get((min(a, b), max(a, b)), 0) for b in range(n)) for a in range(n))


def _upper_rows(degrees: tuple[int, ...]) -> Iterator[list[tuple[int, ...]]]:
    """Yield rows of the strict upper triangle: the first vertex's edges, then those of the rest."""
    if len(degrees) == 1:
        if degrees[0] == 0:
            yield [()]
        return
    if 2 * max(degrees) > sum(degrees) or sum(degrees) % 2:
        return
    for row in _distributions(degrees[0], degrees[1:]):
        rest = tuple(degree - edges for degree, edges in zip(degrees[1:], row, strict=True))
        for rows in _upper_rows(rest):
            yield [row, *rows]


def _distributions(total: int, limits: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield all ways to split `total` into parts with the given upper limits."""
    if not limits:
        if total == 0:
            yield ()
        return
    for first in range(min(total, limits[0]) + 1):
        for rest in _distributions(total - first, limits[1:]):
            yield (first, *rest)


def sorted_orders(vertices: tuple[Vertex, ...]) -> Iterator[tuple[int, ...]]:
    """Yield all orders of the vertex numbers that sort the vertices."""
    by_kind = sorted(range(len(vertices)), key=lambda a: vertices[a])
    blocks = [list(block) for _, block in groupby(by_kind, key=lambda a: vertices[a])]
    for chosen in product(*map(permutations, blocks)):
        yield tuple(a for block in chosen for a in block)
