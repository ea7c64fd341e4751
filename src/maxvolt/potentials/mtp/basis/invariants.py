"""Scalars of harmonic moments: which ones there are, and how each may be written as a product.

A harmonic moment (mu, l) is A_{mu,l} = sum_j f_mu(r_j) Y_l(u_j), with 2 l + 1 components. A channel
of rank L is nothing (the number 1, L = 0), one harmonic moment (L = l), or two of them coupled to
rank L. An invariant is the scalar product of two channels of the same rank (docs/formulation,
equations (30) to (32)).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from maxvolt.potentials.mtp.basis.contraction import ContractionTable
from maxvolt.potentials.mtp.basis.harmonics import coupling
from maxvolt.potentials.mtp.basis.multigraphs import Vertex

__all__ = [
    "MOST_FACTORS",
    "Channel",
    "Factors",
    "Harmonic",
    "Invariant",
    "harmonic_factors",
    "scalar_vertices",
    "ways_to_write",
]

Harmonic = tuple[int, int]
"""Radial index mu and rank l."""

Factors = tuple[Harmonic, ...]
"""Harmonic moments that are multiplied, sorted."""

Channel = tuple[Harmonic, ...]
"""None, one or two harmonic moments."""

_SPLITS: dict[int, tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]] = {
    3: (((0,), (1, 2)), ((1,), (0, 2)), ((2,), (0, 1))),
    4: (((0, 1), (2, 3)), ((0, 2), (1, 3)), ((0, 3), (1, 2))),
}
"""Positions of the factors of both channels."""

MOST_FACTORS = 4
"""Two channels of two harmonic moments: scalars of more moments cannot be written so."""


@dataclass(frozen=True, slots=True, order=True)
class Invariant:
    """Scalar product of two channels.

    Parameters
    ----------
    rank
        L of both channels.
    left, right
        The channels.
    """

    rank: int
    left: Channel
    right: Channel


def scalar_vertices(table: ContractionTable) -> list[tuple[Vertex, ...]] | None:
    """Find the moments (mu, nu) that each scalar of a table is a product of.

    Returns
    -------
    vertices
        Sorted moments of each scalar; None where a moment of the table adds up different products,
        or a scalar is a product of more than `MOST_FACTORS`.
    """
    # Squares of squares: what has too many factors is not multiplied out, it could fill any memory.
    too_many: tuple[Vertex, ...] = ((-1, -1),) * (MOST_FACTORS + 1)
    found: list[tuple[Vertex, ...]] = [()] * table.n_moments
    for number, (mu, nx, ny, nz) in enumerate(table.basic.tolist()):
        found[number] = ((mu, nx + ny + nz),)
    for left, right, _, target in table.products.tolist():
        vertices = tuple(sorted(found[left] + found[right]))
        if len(vertices) > MOST_FACTORS:
            vertices = too_many
        if found[target] not in ((), vertices):
            return None
        found[target] = vertices
    of_scalars = [found[scalar] for scalar in table.scalars.tolist()]
    return None if too_many in of_scalars else of_scalars


@cache
def harmonic_factors(vertices: tuple[Vertex, ...]) -> frozenset[Factors]:
    """List what a product of moments falls into: M_{mu,nu} holds ranks l = nu, nu - 2, ..."""
    parts = [[(mu, l) for l in range(nu % 2, nu + 1, 2)] for mu, nu in vertices]
    return frozenset(tuple(sorted(choice)) for choice in product(*parts))


def ways_to_write(factors: Factors) -> list[tuple[Invariant, ...]]:
    """List the ways to write all independent invariants of these factors, up to four.

    Each way is complete: it spans every scalar that is linear in each of the factors.
    """
    ranks = tuple(l for _, l in factors)
    pattern = tuple(factors.index(factor) for factor in factors)  # which of them are the same
    if sum(ranks) % 2 or 2 * max(ranks) > sum(ranks):
        return []
    if len(factors) == 1:
        return [(Invariant(0, (), factors),)]
    if len(factors) == 2:
        return [(Invariant(ranks[0], factors[:1], factors[1:]),)]
    ways = {}
    for left, right in _SPLITS[len(factors)]:
        channels = sorted(tuple(factors[a] for a in side) for side in (left, right))
        independent = _independent_ranks(ranks, pattern, left, right)
        ways[tuple(channels)] = tuple(Invariant(rank, *channels) for rank in independent)
    return [way for way in ways.values() if way]


@cache
def _independent_ranks(
    ranks: tuple[int, ...], pattern: tuple[int, ...], left: tuple[int, ...], right: tuple[int, ...]
) -> tuple[int, ...]:
    """Lowest ranks L whose invariants span those of all L; fewer than all where factors repeat."""
    low, high = 0, sum(ranks)
    for side in (left, right):
        if len(side) == 1:
            low, high = max(low, ranks[side[0]]), min(high, ranks[side[0]])
        else:
            a, b = ranks[side[0]], ranks[side[1]]
            low, high = max(low, abs(a - b)), min(high, a + b)
    every = range(low, high + 1)
    if len(set(pattern)) == len(pattern):
        return tuple(every)
    generator = np.random.default_rng(0)
    n_samples = len(every) + 8
    samples = [generator.normal(size=(n_samples, 2 * l + 1)) for l in ranks]
    chosen: list[int] = []
    basis = np.zeros((n_samples, 0))
    for rank in every:
        sides = (
            _coupled([samples[pattern[a]] for a in side], [ranks[a] for a in side], rank)
            for side in (left, right)
        )
        values = np.einsum("sc,sc->s", *sides)
        size = float(np.linalg.norm(values))
        for _ in range(2):  # twice: orthogonal to rounding
            values = values - basis @ (basis.T @ values)
        if float(np.linalg.norm(values)) > 1e-8 * max(size, 1.0):
            chosen.append(rank)
            basis = np.column_stack([basis, values / np.linalg.norm(values)])
    return tuple(chosen)


def _coupled(
    factors: list[NDArray[np.float64]], ranks: list[int], rank: int
) -> NDArray[np.float64]:
    """Value of a channel of one or two factors on all samples, equation (31)."""
    if len(factors) == 1:
        return factors[0]
    return np.asarray(np.einsum("cab,sa,sb->sc", coupling(ranks[0], ranks[1], rank), *factors))
