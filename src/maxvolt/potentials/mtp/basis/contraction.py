"""From a level to an evaluation plan: products of moments that give every scalar.

The plan has the form of the tables in MLIP's potential files, so that MLIP can read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import MaxvoltError
from maxvolt.potentials.mtp.basis.assembly import TableAssembly
from maxvolt.potentials.mtp.basis.contraction_path import select_joins
from maxvolt.potentials.mtp.basis.multigraphs import enumerate_multigraphs
from maxvolt.potentials.mtp.basis.pairwise_contractions import scalar_contraction

__all__ = ["ContractionTable", "contraction_table"]


@dataclass(frozen=True, slots=True, eq=False)
class ContractionTable:
    """How moments are multiplied to scalars.

    Moments 0 to B-1 are the basic ones. Moment i3 >= B is the sum of ``mult * M[i0] * M[i1]`` over
    its products, which stand together; one pass through the products in order gives all moments.

    Parameters
    ----------
    basic : shape (B, 4), dtype int32
        mu, nx, ny, nz of each basic moment sum_j f_mu(r_j) x^nx y^ny z^nz / r^(nx+ny+nz).
    products : shape (T, 4), dtype int32
        i0, i1, mult, i3.
    scalars : shape (S,), dtype int32
        Moments that are the scalars of the potential (MLIP's alpha_moment_mapping).
    n_moments
        Number of moments, basic ones included.
    """

    basic: NDArray[np.int32]
    products: NDArray[np.int32]
    scalars: NDArray[np.int32]
    n_moments: int

    def __post_init__(self) -> None:
        for name, columns in (("basic", (4,)), ("products", (4,)), ("scalars", ())):
            given = np.asarray(getattr(self, name))
            array = given.astype(np.int32)
            if not np.array_equal(given, array):
                raise MaxvoltError(f"contraction table: {name} must hold 32-bit integers")
            if array.ndim != 1 + len(columns) or array.shape[1:] != columns:
                raise MaxvoltError(
                    f"contraction table: {name} has shape {array.shape}, expected (n, *{columns})"
                )
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        self._check_basic()
        self._check_products()
        self._check_scalars()

    def _check_basic(self) -> None:
        if len(self.basic) == 0 or self.basic.min() < 0:
            raise MaxvoltError(
                "contraction table: basic moments need mu, nx, ny, nz of 0 or more, at least one"
            )
        if self.n_moments < len(self.basic):
            raise MaxvoltError(
                f"contraction table: {self.n_moments} moments, fewer than the "
                f"{len(self.basic)} basic ones"
            )

    def _check_products(self) -> None:
        i0, i1, _, i3 = self.products.T
        faults = (
            ("factors below 0", (i0 < 0) | (i1 < 0)),
            ("factors not computed before the target", (i0 >= i3) | (i1 >= i3)),
            ("targets that are basic moments", i3 < len(self.basic)),
            ("targets beyond the last moment", i3 >= self.n_moments),
            ("targets out of order", np.diff(i3, prepend=i3[:1]) < 0),
        )
        for fault, where in faults:
            if where.any():
                row = int(where.argmax())
                raise MaxvoltError(
                    f"contraction table: {fault}, first in product {row}: "
                    f"{self.products[row].tolist()} (i0, i1, mult, i3)"
                )
        missing = np.setdiff1d(np.arange(len(self.basic), self.n_moments), i3)
        if len(missing):
            raise MaxvoltError(f"contraction table: no product gives moment {missing[0]}")

    def _check_scalars(self) -> None:
        wrong = (self.scalars < 0) | (self.scalars >= self.n_moments)
        if wrong.any():
            raise MaxvoltError(
                f"contraction table: scalar {int(wrong.argmax())} is moment "
                f"{self.scalars[wrong.argmax()]}, expected 0 to {self.n_moments - 1}"
            )


@cache
def contraction_table(
    level: int, *, max_vertices: int = 4, max_nu: int | None = 10, max_mu: int | None = 5
) -> ContractionTable:
    """Find an evaluation plan for all scalars up to a level.

    Parameters
    ----------
    level, max_vertices, max_nu, max_mu
        See `enumerate_multigraphs`; the defaults give MLIP's basis.

    Returns
    -------
    table
        Scalars in the order of `enumerate_multigraphs`; each equals its graph's contraction.
    """
    graphs = enumerate_multigraphs(level, max_vertices=max_vertices, max_nu=max_nu, max_mu=max_mu)
    assembly = TableAssembly(sorted({vertex for graph in graphs for vertex in graph.vertices}))
    connected = [g for g in graphs if len(g.vertices) > 1 and g.split()[1] is None]
    for target, join in select_joins([scalar_contraction(g) for g in connected]).items():
        assembly.add_join(target, join)
    moments = {graph: assembly.scalar(scalar_contraction(graph)) for graph in connected}
    for graph in graphs:  # components come before what they are components of
        first, rest = graph.split()
        if rest is not None:
            moments[graph] = assembly.add_product(moments[first], moments[rest])
        elif len(graph.vertices) == 1:
            moments[graph] = assembly.basic_moment(graph.vertices[0])
    return ContractionTable(
        assembly.basic(),
        assembly.products(),
        np.array([moments[g] for g in graphs], dtype=np.int32),
        assembly.n_moments,
    )
