"""Coefficients of a table's scalars in invariants of harmonic moments, equation (33).

Both sides are polynomials in the harmonic moments. Their values on random moments give linear
equations, more of them than coefficients; what they leave over tells whether the expansion exists.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lstsq
from scipy.sparse import csr_array

from maxvolt.potentials.mtp.basis.contraction import ContractionTable
from maxvolt.potentials.mtp.basis.harmonics import (
    coupling,
    harmonics_from_monomials,
    independent_monomials,
    reduced_monomial,
)
from maxvolt.potentials.mtp.basis.invariants import (
    Channel,
    Factors,
    Harmonic,
    Invariant,
    harmonic_factors,
)
from maxvolt.potentials.mtp.basis.multigraphs import Vertex

__all__ = ["are_scalars", "expand_scalars", "invariant_values", "table_moments"]

Values = dict[Harmonic, NDArray[np.float64]]
"""Harmonic moments on samples: shape (n_samples, 2 l + 1) each."""

_LARGEST_RESIDUAL = 1e-11
"""Relative; a scalar that is no sum of the invariants leaves one of order 1."""

_NEGLIGIBLE = 1e-12
"""Relative; smaller coefficients are rounding errors of zero."""

_LARGEST_ERROR = 1e-9
"""Relative, of an expansion that was kept; rounding is a thousandth of it."""

_CHECKS = 3
"""Samples on which an expansion that was kept is tried."""

_SAMPLES_AT_ONCE = 64
"""Bounds the memory in which a table is evaluated."""


def invariant_values(invariants: list[Invariant], moments: Values) -> NDArray[np.float64]:
    """Evaluate invariants, equations (31) and (32): shape (n_invariants, n_samples)."""
    n_samples = len(next(iter(moments.values())))
    coupled: dict[tuple[Channel, int], NDArray[np.float64]] = {}

    def channel(factors: Channel, rank: int) -> NDArray[np.float64]:
        if not factors:
            return np.ones((n_samples, 1))
        if len(factors) == 1:
            return moments[factors[0]]
        if (factors, rank) not in coupled:
            a, b = (moments[factor] for factor in factors)
            matrix = coupling(factors[0][1], factors[1][1], rank).reshape(2 * rank + 1, -1)
            products = (a[:, :, None] * b[:, None, :]).reshape(n_samples, -1)
            coupled[factors, rank] = products @ matrix.T
        return coupled[factors, rank]

    return np.array(
        [
            np.einsum("sc,sc->s", channel(i.left, i.rank), channel(i.right, i.rank))
            for i in invariants
        ]
    ).reshape(len(invariants), n_samples)


def _basic_moments(basic: NDArray[np.int32], harmonics: Values) -> NDArray[np.float64]:
    """Cartesian moments with the given harmonic parts, shape (B, n_samples)."""
    n_samples = len(next(iter(harmonics.values())))
    independent: dict[tuple[int, int], NDArray[np.float64]] = {}

    def moment(mu: int, exponents: tuple[int, int, int]) -> NDArray[np.float64]:
        degree = sum(exponents)
        if (mu, degree) not in independent:
            below = np.concatenate(
                [
                    harmonics.get((mu, l), np.zeros((n_samples, 2 * l + 1)))
                    for l in range(degree + 1)
                ],
                axis=1,
            )
            independent[mu, degree] = _monomials_from_harmonics(degree) @ below.T
        column = {e: i for i, e in enumerate(independent_monomials(degree))}
        out = np.zeros(n_samples)
        for term, count in reduced_monomial(exponents).items():
            out += count * independent[mu, degree][column[term]]
        return out

    return np.array([moment(mu, (nx, ny, nz)) for mu, nx, ny, nz in basic.tolist()])


def _monomials_from_harmonics(max_degree: int) -> NDArray[np.float64]:
    size = (max_degree + 1) ** 2
    matrix = np.zeros((size, size))
    for l in range(max_degree + 1):
        matrix[l * l : (l + 1) ** 2, : (l + 1) ** 2] = harmonics_from_monomials(l)
    return np.asarray(np.linalg.inv(matrix), dtype=np.float64)


def table_moments(table: ContractionTable, basic: NDArray[np.float64]) -> NDArray[np.float64]:
    """Evaluate a contraction table.

    Parameters
    ----------
    table
        The table.
    basic : shape (B, n)
        Basic moments, a column for each sample.

    Returns
    -------
    moments : shape (n_moments, n)
    """
    values = np.zeros((table.n_moments, basic.shape[1]))
    values[: len(basic)] = basic
    left, right, factor, target = table.products.T
    depth = np.zeros(table.n_moments, dtype=np.int64)
    starts = np.flatnonzero(np.diff(target, prepend=-1))
    for first, last in pairwise([*starts, len(target)]):
        depth[target[first]] = 1 + max(
            depth[left[first:last]].max(), depth[right[first:last]].max()
        )
    for generation in range(1, int(depth.max(initial=0)) + 1):
        rows = np.flatnonzero(depth[target] == generation)
        terms = values[left[rows]] * values[right[rows]] * factor[rows, None]
        begins = np.flatnonzero(np.diff(target[rows], prepend=-1))
        values[target[rows[begins]]] = np.add.reduceat(terms, begins, axis=0)
    return values


def _scalar_values(table: ContractionTable, harmonics: Values) -> NDArray[np.float64]:
    """Scalars of the table on all samples, shape (S, n_samples)."""
    n_samples = len(next(iter(harmonics.values())))
    parts = []
    for begin in range(0, n_samples, _SAMPLES_AT_ONCE):
        part = {key: value[begin : begin + _SAMPLES_AT_ONCE] for key, value in harmonics.items()}
        parts.append(table_moments(table, _basic_moments(table.basic, part))[table.scalars])
    return np.concatenate(parts, axis=1)


def expand_scalars(
    table: ContractionTable, vertices: list[tuple[Vertex, ...]], invariants: list[Invariant]
) -> csr_array | None:
    """Find the coefficients of all scalars of a table in the given invariants.

    Parameters
    ----------
    table
        The table.
    vertices
        Moments (mu, nu) that each scalar is a product of.
    invariants
        Independent invariants.

    Returns
    -------
    coefficients : sparse, shape (S, n_invariants)
        None where a scalar is no sum of them.
    """
    columns = _columns(set(vertices), invariants)
    n_samples = _enough_samples(max(len(found) for found in columns.values()))
    generator = np.random.default_rng(0)
    harmonics = {
        (mu, l): generator.normal(size=(n_samples, 2 * l + 1))
        for mu, l in sorted({h for key in columns for f in harmonic_factors(key) for h in f})
    }
    right = _scalar_values(table, harmonics)
    left = invariant_values(invariants, harmonics)
    members: dict[tuple[Vertex, ...], list[int]] = defaultdict(list)
    for scalar, key in enumerate(vertices):
        members[key].append(scalar)
    rows, numbers, values = [], [], []
    for key, found in columns.items():
        enough = _enough_samples(len(found))
        solution = _solve(left[found, :enough].T, right[members[key], :enough].T)
        if solution is None:
            return None
        number, position = np.nonzero(solution)
        rows.append(np.array(members[key])[position])
        numbers.append(np.array(found, dtype=np.int64)[number])
        values.append(solution[number, position])
    places = np.concatenate(rows), np.concatenate(numbers)
    shape = (len(vertices), len(invariants))
    return csr_array((np.concatenate(values), places), shape=shape)


def are_scalars(
    table: ContractionTable,
    vertices: list[tuple[Vertex, ...]],
    invariants: list[Invariant],
    expansion: csr_array,
) -> bool:
    """Say whether an expansion in invariants gives the scalars of a table, on random moments.

    Parameters
    ----------
    table, vertices, invariants
        As of `expand_scalars`.
    expansion : sparse, shape (S, n_invariants)
        What `expand_scalars` should have found.
    """
    wanted = {h for key in set(vertices) for f in harmonic_factors(key) for h in f}
    if not all(_is_possible(invariant, wanted) for invariant in invariants):
        return False
    if not np.isfinite(expansion.data).all():
        return False
    generator = np.random.default_rng()  # not the same each time: nobody can prepare for it
    harmonics = {(mu, l): generator.normal(size=(_CHECKS, 2 * l + 1)) for mu, l in sorted(wanted)}
    expected = _scalar_values(table, harmonics)
    with np.errstate(all="ignore"):  # a coefficient of 1e308 overflows, and is refused
        values = invariant_values(invariants, harmonics)
        size = abs(expansion) @ abs(values) + abs(expected)
        return bool((abs(expansion @ values - expected) <= _LARGEST_ERROR * size).all())


def _is_possible(invariant: Invariant, wanted: set[Harmonic]) -> bool:
    """Say whether both channels of an invariant exist: known moments, ranks that couple."""
    for channel in (invariant.left, invariant.right):
        if not wanted.issuperset(channel):
            return False
        ranks = [l for _, l in channel]
        low, high = {0: (0, 0), 1: (sum(ranks), sum(ranks))}.get(
            len(ranks), (abs(ranks[0] - ranks[-1]) if ranks else 0, sum(ranks))
        )
        if not low <= invariant.rank <= high:
            return False
    return True


def _columns(
    keys: set[tuple[Vertex, ...]], invariants: list[Invariant]
) -> dict[tuple[Vertex, ...], list[int]]:
    """Invariants that a scalar of given moments can hold."""
    by_factors: dict[Factors, list[int]] = defaultdict(list)
    for number, invariant in enumerate(invariants):
        by_factors[tuple(sorted(invariant.left + invariant.right))].append(number)
    return {
        key: sorted(n for factors in harmonic_factors(key) for n in by_factors.get(factors, ()))
        for key in keys
    }


def _enough_samples(unknowns: int) -> int:
    return 16 + unknowns * 5 // 4


def _solve(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Least squares, columns scaled; None where equations are left unsolved."""
    scale = np.linalg.norm(a, axis=0)
    solution = lstsq(a / scale, b, check_finite=False, lapack_driver="gelsy")[0]
    residual = np.linalg.norm(a / scale @ solution - b, axis=0)
    if (residual > _LARGEST_RESIDUAL * np.linalg.norm(b, axis=0)).any():
        return None
    solution[abs(solution) < _NEGLIGIBLE * abs(solution).max(axis=0, initial=0.0)] = 0.0
    return np.asarray(solution / scale[:, None])
