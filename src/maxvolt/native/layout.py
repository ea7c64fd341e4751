"""Internal order of moments: what the compiled kernels expect of a contraction table.

The kernels keep the basic moments of each mu as a stretch of the monomials ordered by degree, then
n_x falling, then n_y falling (`core/moments.hpp`), complete up to the highest rank that this mu or
a higher one has. A table may list its basic moments in any order and may leave some out; here its
indices are translated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["MomentLayout", "moment_layout", "monomial_exponents"]


@dataclass(frozen=True, slots=True)
class MomentLayout:
    """A contraction table in the order of the kernels.

    Attributes
    ----------
    max_degree : int
        Highest rank nu of a basic moment.
    monomial_counts, moment_offsets : shape (n_mu,), int32
        Number of monomials of each mu and index of its first moment.
    n_basic, n_moments : int
        Basic moments (unused ones included) and all moments.
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
    n_basic: int
    n_moments: int
    run_targets: NDArray[np.int32]
    run_first: NDArray[np.int64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    factors: NDArray[np.float64]
    scalars: NDArray[np.int32]


def monomial_exponents(max_degree: int) -> NDArray[np.int32]:
    """Exponents (n_x, n_y, n_z) of all monomials up to a degree, in the order of the kernels."""
    return np.array(
        [
            (nx, ny, degree - nx - ny)
            for degree in range(max_degree + 1)
            for nx in range(degree, -1, -1)
            for ny in range(degree - nx, -1, -1)
        ],
        dtype=np.int32,
    )


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
    mu, exponents = basic[:, 0], basic[:, 1:]
    degree = exponents.sum(axis=1)
    highest = np.array([degree[mu >= m].max() for m in range(int(mu.max()) + 1)])
    counts = (highest + 1) * (highest + 2) * (highest + 3) // 6
    offsets = np.concatenate([[0], np.cumsum(counts)])
    ordered = monomial_exponents(int(highest[0]))
    place = {tuple(e): i for i, e in enumerate(ordered.tolist())}
    n_basic = int(offsets[-1])
    targets = products[:, 3].astype(np.int64)
    complete = np.zeros(n_moments, dtype=np.int64)  # row after which a moment may be used
    np.maximum.at(complete, targets, np.arange(len(products)))
    composite = np.arange(len(basic), n_moments)
    index = np.empty(n_moments, dtype=np.int32)
    index[: len(basic)] = [
        offsets[m] + place[tuple(e)] for m, e in zip(mu, exponents.tolist(), strict=True)
    ]
    index[composite[np.argsort(complete[composite], kind="stable")]] = n_basic + np.arange(
        len(composite)
    )
    rows = products[np.argsort(index[targets], kind="stable")]
    starts = np.flatnonzero(np.diff(index[rows[:, 3]], prepend=-1))
    return MomentLayout(
        max_degree=int(highest[0]),
        monomial_counts=counts.astype(np.int32),
        moment_offsets=offsets[:-1].astype(np.int32),
        n_basic=n_basic,
        n_moments=n_basic + len(composite),
        run_targets=index[rows[starts, 3]],
        run_first=np.append(starts, len(rows)).astype(np.int64),
        left=index[rows[:, 0]],
        right=index[rows[:, 1]],
        factors=rows[:, 2].astype(float),
        scalars=index[scalars],
    )
