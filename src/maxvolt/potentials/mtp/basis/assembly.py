"""Numbering of the moments of a contraction table, and its rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import MaxvoltError
from maxvolt.potentials.mtp.basis.multigraphs import Vertex
from maxvolt.potentials.mtp.basis.pairwise_contractions import Join
from maxvolt.potentials.mtp.basis.pairwise_products import component_numbers, join_rows
from maxvolt.potentials.mtp.basis.tensors import PartialContraction, exponents, monomial_count

__all__ = ["TableAssembly"]


class TableAssembly:
    """A contraction table that grows by one partial contraction at a time.

    Parameters
    ----------
    vertices
        All moments (mu, nu), sorted; their components are the basic moments.
    """

    def __init__(self, vertices: list[Vertex]) -> None:
        self._vertices = vertices
        self._first_basic: dict[Vertex, int] = {}
        self._first: dict[PartialContraction, int] = {}
        self._rows: list[NDArray[np.int64]] = []
        self.n_moments = 0
        for vertex in vertices:
            self._first_basic[vertex] = self._allocate(monomial_count(vertex[1]))

    def add_join(self, target: PartialContraction, join: Join) -> None:
        """Append the products that give all components of `target`; its parts must be there."""
        first = self._allocate(int(component_numbers(target.shape).max()) + 1)
        self._first[target] = first
        result, left, right, multiplicity = join_rows(join.pattern).T
        self._append(
            left + self._first_component(join.left),
            right + self._first_component(join.right),
            multiplicity,
            result + first,
        )

    def add_product(self, left: int, right: int) -> int:
        """Append the product of two moments; returns its number."""
        target = self._allocate(1)
        self._append(*(np.array([number]) for number in (left, right, 1, target)))
        return target

    def scalar(self, contraction: PartialContraction) -> int:
        """Return the number of the moment that holds a scalar."""
        return self._first[contraction]

    def basic_moment(self, vertex: Vertex) -> int:
        """Return the number of the first component of M_{mu,nu}."""
        return self._first_basic[vertex]

    def basic(self) -> NDArray[np.int32]:
        """Return mu, nx, ny, nz of all basic moments: shape (B, 4)."""
        blocks = []
        for mu, nu in self._vertices:
            nx, ny, _ = exponents(nu)
            blocks.append(np.stack([np.full_like(nx, mu), nx, ny, nu - nx - ny], axis=1))
        return np.concatenate(blocks).astype(np.int32)

    def products(self) -> NDArray[np.int32]:
        """Return i0, i1, multiplicity, i3 of all products: shape (T, 4).

        Raises
        ------
        MaxvoltError
            A multiplicity is beyond 32 bits, as no plan of less than 20 edges has.
        """
        rows = np.concatenate([np.empty((0, 4), dtype=np.int64), *self._rows])
        if (rows > np.iinfo(np.int32).max).any():
            raise MaxvoltError("contraction table: numbers beyond 32 bits; use a lower level")
        return rows.astype(np.int32)

    def _first_component(self, part: PartialContraction) -> int:
        if len(part.vertices) == 1:
            return self._first_basic[part.vertices[0]]
        return self._first[part]

    def _allocate(self, count: int) -> int:
        first = self.n_moments
        self.n_moments += count
        return first

    def _append(
        self,
        left: NDArray[np.int64],
        right: NDArray[np.int64],
        multiplicity: NDArray[np.int64],
        target: NDArray[np.int64],
    ) -> None:
        low, high = np.minimum(left, right), np.maximum(left, right)
        rows = np.stack([low, high, multiplicity, target], axis=1)
        self._rows.append(rows[np.lexsort((high, low, target))])
