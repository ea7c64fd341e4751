"""Internal order of moments: what the compiled kernels expect of a contraction table.

The vectors in a moment are unit vectors, so x^2 + y^2 + z^2 = 1 and moments with two z follow from
others. The kernels sum over neighbours only moments with at most one z, a stretch for each mu in
the order of `core/kernels/moments.hpp`, complete up to the highest rank that this mu or a higher
one has; the dependent ones follow by additions. A table may list its basic moments in any order and
may leave some out; here its indices are translated.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from maxvolt.compiled import _core
from maxvolt.potentials.mtp.basis.harmonics import independent_monomials

__all__ = ["MomentLayout", "moment_layout"]


@dataclass(frozen=True, slots=True)
class MomentLayout:
    """A contraction table in the order of the kernels.

    Attributes
    ----------
    max_degree : int
        Highest rank nu of a basic moment.
    monomial_counts, moment_offsets : shape (n_mu,), int32
        Number of independent monomials of each mu and index of its first moment.
    n_independent, n_basic, n_moments : int
        Independent basic moments, all basic moments (unused ones included) and all moments.
    traces : shape (n_basic - n_independent, 3), int32
        Dependent moment n_independent + t is moment [t, 0] - moment [t, 1] - moment [t, 2].
    run_targets : shape (n_runs,), int32
        Moment that each run of products sums into.
    run_first : shape (n_runs + 1,), int64
        Products of each run.
    left, right : shape (n_products,), int32
        Factors of each product.
    factors : shape (n_products,), float64
    scalars : shape (n_scalars,), int32
        Moment index of each basis function.
    """

    max_degree: int
    monomial_counts: NDArray[np.int32]
    moment_offsets: NDArray[np.int32]
    n_independent: int
    n_basic: int
    n_moments: int
    traces: NDArray[np.int32]
    run_targets: NDArray[np.int32]
    run_first: NDArray[np.int64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    factors: NDArray[np.float64]
    scalars: NDArray[np.int32]

    def arrays(self) -> _core.MomentArrays:
        """Give all arrays to the compiled core."""
        return _core.MomentArrays(**{f.name: getattr(self, f.name) for f in fields(self)})


def _dependent_exponents(max_degree: int) -> list[tuple[int, int, int]]:
    """Exponents with n_z of 2 and more, in an order in which each follows from those before."""
    return [
        (degree - nz - ny, ny, nz)
        for degree in range(max_degree + 1)
        for nz in range(2, degree + 1)
        for ny in range(degree - nz + 1)
    ]


def _places(
    highest: NDArray[np.int64],
) -> tuple[dict[tuple[int, int, int, int], int], list[tuple[int, int, int]]]:
    """Index of every basic moment (mu, n_x, n_y, n_z), and the traces of the dependent ones."""
    place: dict[tuple[int, int, int, int], int] = {}
    for mu, degree in enumerate(highest.tolist()):
        for exponents in independent_monomials(degree):
            place[(mu, *exponents)] = len(place)
    traces = []
    for mu, degree in enumerate(highest.tolist()):
        for nx, ny, nz in _dependent_exponents(degree):
            place[mu, nx, ny, nz] = len(place)
            traces.append(
                (
                    place[mu, nx, ny, nz - 2],
                    place[mu, nx + 2, ny, nz - 2],
                    place[mu, nx, ny + 2, nz - 2],
                )
            )
    return place, traces


def moment_layout(
    basic: NDArray[np.int32],
    products: NDArray[np.int32],
    scalars: NDArray[np.int32],
    n_moments: int,
) -> MomentLayout:
    """Translate a contraction table.

    Parameters
    ----------
    basic : shape (B, 4), int32
        mu, n_x, n_y, n_z of each basic moment.
    products : shape (T, 4), int32
        Rows i0, i1, factor, i3: moment i3 += factor * moment i0 * moment i1,
        in any order that completes every factor before it is used.
    scalars : shape (S,), int32
        Moment index of each basis function.
    n_moments : int
        Number of moments of the table.
    """
    mu, degree = basic[:, 0], basic[:, 1:].sum(axis=1)
    highest = np.array([degree[mu >= m].max() for m in range(int(mu.max()) + 1)], dtype=np.int64)
    counts = (highest + 1) ** 2
    place, traces = _places(highest)
    n_basic = len(place)
    targets = products[:, 3].astype(np.int64)
    complete = np.zeros(n_moments, dtype=np.int64)  # row after which a moment may be used
    np.maximum.at(complete, targets, np.arange(len(products)))
    composite = np.arange(len(basic), n_moments)
    index = np.empty(n_moments, dtype=np.int32)
    index[: len(basic)] = [place[m, nx, ny, nz] for m, nx, ny, nz in basic.tolist()]
    index[composite[np.argsort(complete[composite], kind="stable")]] = n_basic + np.arange(
        len(composite)
    )
    rows = products[np.argsort(index[targets], kind="stable")]
    starts = np.flatnonzero(np.diff(index[rows[:, 3]], prepend=-1))
    return MomentLayout(
        max_degree=int(highest[0]),
        monomial_counts=counts.astype(np.int32),
        moment_offsets=(np.cumsum(counts) - counts).astype(np.int32),
        n_independent=int(counts.sum()),
        n_basic=n_basic,
        n_moments=n_basic + len(composite),
        traces=np.array(traces, dtype=np.int32).reshape(-1, 3),
        run_targets=index[rows[starts, 3]],
        run_first=np.append(starts, len(rows)).astype(np.int64),
        left=index[rows[:, 0]],
        right=index[rows[:, 1]],
        factors=rows[:, 2].astype(float),
        scalars=index[scalars],
    )
