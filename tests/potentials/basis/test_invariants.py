"""Invariants of harmonic moments: invariant, independent, complete."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from maxvolt.potentials.mtp.basis.contraction import ContractionTable, contraction_table
from maxvolt.potentials.mtp.basis.expansion import invariant_values
from maxvolt.potentials.mtp.basis.harmonics import (
    harmonics_from_monomials,
    independent_monomials,
    reduced_monomial,
)
from maxvolt.potentials.mtp.basis.invariants import (
    Factors,
    Harmonic,
    Invariant,
    harmonic_factors,
    scalar_vertices,
    ways_to_write,
)
from maxvolt.potentials.mtp.basis.multigraphs import enumerate_multigraphs
from maxvolt.potentials.mtp.basis.plan import evaluation_plan

PRIME = 2**31 - 1

# Scalars of each level that are independent for unit vectors: the rank modulo a prime, below.
INDEPENDENT = {2: 1, 4: 2, 6: 5, 8: 9, 10: 16, 12: 29, 14: 52, 16: 91, 18: 161, 20: 282}

Array = NDArray[np.float64]


def factors_of(table: ContractionTable) -> list[Factors]:
    vertices = scalar_vertices(table)
    assert vertices is not None
    return sorted({factors for key in vertices for factors in harmonic_factors(key)})


def random_moments(factors: Factors, n: int, seed: int = 0) -> dict[Harmonic, Array]:
    generator = np.random.default_rng(seed)
    return {(mu, l): generator.normal(size=(n, 2 * l + 1)) for mu, l in sorted(set(factors))}


# --------------------------------------------------------------------- modulo a prime


def independent_moments(table: ContractionTable, n: int) -> NDArray[np.int64]:
    """Basic moments modulo PRIME, shape (B, n), with random ones of at most one z."""
    generator = np.random.default_rng(len(table.scalars))
    degree = int(table.basic[:, 1:].sum(axis=1).max())
    values = {
        (mu, e): generator.integers(0, PRIME, n)
        for mu in range(int(table.basic[:, 0].max()) + 1)
        for e in independent_monomials(degree)
    }
    rows = [
        sum(count * values[mu, e] for e, count in reduced_monomial((nx, ny, nz)).items()) % PRIME
        for mu, nx, ny, nz in table.basic.tolist()
    ]
    return np.array(rows, dtype=np.int64)


def scalars_modulo(table: ContractionTable, basic: NDArray[np.int64]) -> NDArray[np.int64]:
    moments = np.zeros((table.n_moments, basic.shape[1]), dtype=np.int64)
    moments[: len(basic)] = basic
    for a, b, factor, target in table.products.tolist():
        moments[target] = (moments[target] + moments[a] * moments[b] % PRIME * factor) % PRIME
    return moments[table.scalars]


def rank_modulo(matrix: NDArray[np.int64]) -> int:
    rank = 0
    for column in range(matrix.shape[1]):
        pivots = np.flatnonzero(matrix[rank:, column])
        if len(pivots):
            matrix[[rank, rank + pivots[0]]] = matrix[[rank + pivots[0], rank]]
            row = matrix[rank, column:] * pow(int(matrix[rank, column]), -1, PRIME) % PRIME
            below = matrix[rank + 1 :, column:]
            below -= below[:, :1] * row % PRIME
            below %= PRIME
            rank += 1
    return rank


@pytest.mark.parametrize(("level", "expected"), INDEPENDENT.items())
def test_as_many_invariants_as_independent_scalars(level: int, expected: int) -> None:
    """Scalars are polynomials in the independent moments: their rank at random integers is theirs.

    The harmonic invariants are found without it, and have to be as many.
    """
    table = contraction_table(level)
    values = scalars_modulo(table, independent_moments(table, len(table.scalars) + 3))
    assert rank_modulo(values) == expected
    plan = evaluation_plan(table)
    assert plan is not None
    assert len(plan.invariants) == expected


@pytest.mark.parametrize("level", [16, 20])
def test_scalars_span_all_invariants(level: int) -> None:
    """The expansion has full rank: no invariant could be left out."""
    plan = evaluation_plan(contraction_table(level))
    assert plan is not None
    expansion = plan.expansion.toarray()
    values = np.linalg.svd(expansion / abs(expansion).max(axis=0), compute_uv=False)
    assert len(values) == len(plan.invariants)
    assert values[-1] > 1e-8 * values[0]


# --------------------------------------------------------------------- what an invariant is


def neighborhood_moments(
    directions: Array, radial: Array, wanted: list[Harmonic]
) -> dict[Harmonic, Array]:
    """Harmonic moments sum_j f_mu(r_j) Y_l(u_j) of one neighbourhood, equation (29)."""
    highest = max(l for _, l in wanted)
    powers = np.array(independent_monomials(highest))
    values = np.prod(directions[None] ** powers[:, None, :], axis=2)
    return {
        (mu, l): (harmonics_from_monomials(l) @ values[: (l + 1) ** 2] @ radial[mu])[None]
        for mu, l in wanted
    }


def single_scalar(factors: Factors) -> list[Invariant]:
    return sorted({i for way in ways_to_write(factors) for i in way})


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 4)), min_size=1, max_size=4),
    st.integers(0, 2**32 - 1),
)
def test_invariants_do_not_change_when_the_neighborhood_is_rotated_or_inverted(
    harmonics: list[Harmonic], seed: int
) -> None:
    factors = tuple(sorted(harmonics))
    invariants = single_scalar(factors)
    generator = np.random.default_rng(seed)
    directions = generator.normal(size=(7, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    radial = generator.normal(size=(2, 7))
    turned = Rotation.random(None, generator).apply(directions) * generator.choice([-1.0, 1.0])
    wanted = sorted(set(factors))
    before, after = (neighborhood_moments(u, radial, wanted) for u in (directions, turned))
    size = np.prod([np.linalg.norm(before[h]) for h in factors])
    if invariants:
        np.testing.assert_allclose(
            invariant_values(invariants, after),
            invariant_values(invariants, before),
            rtol=0,
            atol=1e-11 * max(size, 1.0),
        )


def number_of_invariants(factors: Factors) -> int:
    """Dimension of the invariants linear in each factor, by the characters of the rotations.

    The integral over all rotations of the product of characters; of a factor that stands p times
    the character of its symmetric power. Inversion takes those of odd sum of ranks.
    """
    if sum(l for _, l in factors) % 2:
        return 0
    order = 8 * sum(l for _, l in factors) + 16
    angle = 2 * np.pi * np.arange(order) / order
    weight = (1 - np.cos(angle)) / order

    def character(l: int, times: int) -> Array:
        phase = times * angle
        return np.asarray(1.0 + 2.0 * sum(np.cos(m * phase) for m in range(1, l + 1)))

    total = weight
    for harmonic in set(factors):
        powers = [character(harmonic[1], times) for times in range(1, 5)]
        symmetric = [np.ones(order)]  # Newton: k h_k = sum_i p_i h_k-i
        for k in range(1, factors.count(harmonic) + 1):
            symmetric.append(sum(powers[i] * symmetric[k - 1 - i] for i in range(k)) / k)
        total = total * symmetric[-1]
    return round(float(total.sum()))


def every_kind(length: int) -> list[Factors]:
    """Products of factors of rank up to 4 with all patterns of repetition."""
    singles = [(mu, l) for mu in (0, 1) for l in range(5)]
    return list(combinations_with_replacement(singles, length))


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_each_way_has_as_many_invariants_as_there_are(length: int) -> None:
    for factors in every_kind(length):
        expected = number_of_invariants(factors)
        ways = ways_to_write(factors)
        assert bool(ways) == (expected > 0), factors
        for way in ways:
            assert len(way) == expected, (factors, way)
            assert all(sorted(i.left + i.right) == list(factors) for i in way)


@pytest.mark.parametrize(
    "factors",
    [
        ((0, 1), (0, 2), (0, 3), (1, 2)),
        ((0, 3), (0, 3), (0, 2), (1, 4)),
        ((0, 3), (0, 3), (1, 2), (1, 2)),
        ((0, 4), (0, 4), (0, 4), (1, 2)),
        ((0, 4), (0, 4), (0, 4), (0, 4)),
        ((0, 6), (0, 6), (0, 6), (0, 6)),
    ],
)
def test_all_ways_span_the_same(factors: Factors) -> None:
    factors = tuple(sorted(factors))
    ways = ways_to_write(factors)
    moments = random_moments(factors, 60)
    values = [invariant_values(list(way), moments) for way in ways]
    ranks = [np.linalg.matrix_rank(v, tol=1e-9 * np.linalg.norm(v)) for v in values]
    together = np.concatenate(values)
    assert np.linalg.matrix_rank(together, tol=1e-9 * np.linalg.norm(together)) == ranks[0]
    assert ranks == [len(way) for way in ways]


def test_ways_of_two_and_three_factors() -> None:
    assert ways_to_write(((2, 0),)) == [(Invariant(0, (), ((2, 0),)),)]
    assert ways_to_write(((0, 1),)) == []
    assert ways_to_write(((0, 1), (0, 2))) == []
    assert ways_to_write(((0, 2), (1, 2))) == [(Invariant(2, ((0, 2),), ((1, 2),)),)]
    assert ways_to_write(((0, 1), (0, 1), (0, 1))) == []  # a triple product changes sign
    assert sorted(ways_to_write(((0, 1), (0, 1), (0, 2)))) == [
        (Invariant(1, ((0, 1),), ((0, 1), (0, 2))),),
        (Invariant(2, ((0, 1), (0, 1)), ((0, 2),)),),
    ]


# --------------------------------------------------------------------- factors of scalars


def test_a_moment_falls_into_every_second_rank() -> None:
    assert harmonic_factors(((1, 4),)) == {((1, 4),), ((1, 2),), ((1, 0),)}
    assert harmonic_factors(((0, 1), (0, 2))) == {((0, 1), (0, 2)), ((0, 0), (0, 1))}
    assert len(harmonic_factors(((0, 2), (0, 2)))) == 3


@pytest.mark.parametrize("level", [8, 16])
def test_vertices_of_scalars_are_those_of_their_graphs(level: int) -> None:
    found = scalar_vertices(contraction_table(level))
    graphs = enumerate_multigraphs(level, max_nu=10, max_mu=5)
    assert found == [tuple(sorted(graph.vertices)) for graph in graphs]


def test_a_moment_of_different_products_has_no_vertices() -> None:
    basic = np.array([[0, 0, 0, 0], [1, 0, 0, 0]])
    products = np.array([[0, 0, 1, 2], [0, 1, 1, 2]])
    assert scalar_vertices(ContractionTable(basic, products, np.array([2]), 3)) is None
    alone = ContractionTable(basic, products[:1], np.array([2, 1]), 3)
    assert scalar_vertices(alone) == [((0, 0), (0, 0)), ((1, 0),)]
