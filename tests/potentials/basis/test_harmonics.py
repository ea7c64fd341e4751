"""Harmonics and their coupling: against quadrature, known values and rotations."""

from __future__ import annotations

from itertools import pairwise, product
from math import comb, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial import Legendre
from numpy.polynomial.legendre import leggauss
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from maxvolt.potentials.mtp.basis.harmonics import (
    coupling,
    coupling_coefficients,
    harmonics_from_monomials,
    independent_monomials,
    reduced_monomial,
)

HIGHEST = 10  # rank of a moment in MLIP's bases

Array = NDArray[np.float64]


def monomials(degree: int, directions: Array) -> Array:
    """Independent monomials, shape ((degree + 1)^2, n)."""
    powers = np.array(independent_monomials(degree))
    return np.asarray(np.prod(directions[None] ** powers[:, None, :], axis=2))


def harmonics(l: int, directions: Array) -> Array:
    """Shape (2 l + 1, n)."""
    return harmonics_from_monomials(l) @ monomials(l, directions)


def random_directions(n: int, seed: int = 0) -> Array:
    vectors = np.random.default_rng(seed).normal(size=(n, 3))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1)[:, None])


def sphere(degree: int) -> tuple[Array, Array]:
    """Points and weights, of sum 1, that integrate polynomials up to a degree exactly."""
    z, of_z = leggauss(degree // 2 + 1)
    angle = 2 * np.pi * np.arange(degree + 1) / (degree + 1)
    sine = np.sqrt(1 - z**2)
    points = [np.outer(sine, np.cos(angle)), np.outer(sine, np.sin(angle)), z[:, None] + 0 * angle]
    return np.stack(points, axis=2).reshape(-1, 3), np.repeat(of_z / 2 / len(angle), len(angle))


# --------------------------------------------------------------------- harmonics


@pytest.mark.parametrize("degree", [0, 1, 2, 7])
def test_number_and_order_of_independent_monomials(degree: int) -> None:
    found = independent_monomials(degree)
    assert len(set(found)) == len(found) == (degree + 1) ** 2
    assert max(nz for _, _, nz in found) == min(degree, 1)
    keys = [(sum(e), e[2], e[1]) for e in found]
    assert all(a < b for a, b in pairwise(keys))
    assert independent_monomials(degree + 1)[: len(found)] == found


def test_a_monomial_is_what_it_is_reduced_to() -> None:
    u = random_directions(5)
    for exponents in product(range(5), repeat=3):
        terms = reduced_monomial(exponents)
        assert all(nz < 2 for _, _, nz in terms)
        sums = sum(count * np.prod(u**e, axis=1) for e, count in terms.items())
        np.testing.assert_allclose(sums, np.prod(u**exponents, axis=1), rtol=0, atol=1e-14)


def test_harmonics_are_orthonormal() -> None:
    points, weights = sphere(2 * HIGHEST)
    every = np.concatenate([harmonics(l, points) for l in range(HIGHEST + 1)])
    found = (every * weights) @ every.T
    np.testing.assert_allclose(found, np.eye(len(every)), rtol=0, atol=1e-12)


@pytest.mark.parametrize("l", range(HIGHEST + 1))
def test_addition_theorem(l: int) -> None:
    u, v = random_directions(20, seed=1), random_directions(20, seed=2)
    found = np.sum(harmonics(l, u) * harmonics(l, v), axis=0)
    expected = (2 * l + 1) * Legendre.basis(l)(np.sum(u * v, axis=1))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * (2 * l + 1))


def test_lowest_harmonics() -> None:
    x, y, z = (u := random_directions(4)).T
    np.testing.assert_allclose(harmonics(0, u), np.ones((1, 4)))
    np.testing.assert_allclose(harmonics(1, u), sqrt(3) * np.array([z, x, y]))
    quadratic = [(3 * z**2 - 1) / 2, *(sqrt(3) * p for p in (x * z, y * z))]
    quadratic += [sqrt(3) / 2 * (x**2 - y**2), sqrt(3) * x * y]
    np.testing.assert_allclose(harmonics(2, u), sqrt(5) * np.array(quadratic), atol=1e-14)


def test_matrices_are_shared_and_cannot_be_changed() -> None:
    assert harmonics_from_monomials(3) is harmonics_from_monomials(3)
    for matrix in (harmonics_from_monomials(3), coupling(1, 2, 3)):
        with pytest.raises(ValueError, match="read-only"):
            matrix[...] = 0.0


# --------------------------------------------------------------------- coupling


def ranks_of(l1: int, l2: int) -> range:
    return range(abs(l1 - l2), l1 + l2 + 1)


def coupled(l1: int, l2: int, rank: int, a: Array, b: Array) -> Array:
    """Components that rotate like harmonics: where l1 + l2 + rank is odd, those for m > 0 of the
    coupling are i times them."""
    found = np.einsum("cab,a,b->c", coupling(l1, l2, rank), a, b)
    if (l1 + l2 + rank) % 2:
        found[1::2], found[2::2] = found[2::2].copy(), -found[1::2]
    return np.asarray(found)


@pytest.mark.parametrize(
    ("l1", "l2"), [*product(range(5), repeat=2), (3, 8), (7, 7), (10, 2), (10, 10), (14, 13)]
)
def test_coupling_to_all_ranks_is_orthogonal(l1: int, l2: int) -> None:
    """All ranks together hold as many components as there are products."""
    matrix = np.concatenate([coupling(l1, l2, rank) for rank in ranks_of(l1, l2)])
    matrix = matrix.reshape(len(matrix), -1)
    assert matrix.shape[0] == matrix.shape[1] == (2 * l1 + 1) * (2 * l2 + 1)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(len(matrix)), rtol=0, atol=1e-14)


@pytest.mark.parametrize(("l1", "l2"), [(0, 3), (1, 1), (2, 3), (4, 4), (6, 4), (5, 5)])
def test_products_of_harmonics_of_one_direction(l1: int, l2: int) -> None:
    """Coupled with themselves, harmonics of u are harmonics of u, with even l1 + l2 + rank only.

    The factor is sqrt((2 l1 + 1) (2 l2 + 1) / (2 L + 1)) <l1 0, l2 0 | L 0>.
    """
    u = random_directions(6)
    a, b = harmonics(l1, u), harmonics(l2, u)
    square = 0.0
    for rank in ranks_of(l1, l2):
        found = np.einsum("cab,as,bs->cs", coupling(l1, l2, rank), a, b)
        if (l1 + l2 + rank) % 2:
            np.testing.assert_allclose(found, 0.0, atol=1e-11)
            continue
        factor = np.sqrt((2 * l1 + 1) * (2 * l2 + 1) / (2 * rank + 1))
        factor *= coupling_coefficients(l1, l2, rank)[0, 0, 1]
        np.testing.assert_allclose(found, factor * harmonics(rank, u), rtol=0, atol=1e-11)
        square += factor**2 * (2 * rank + 1)
    assert square == pytest.approx((2 * l1 + 1) * (2 * l2 + 1))


def test_couplings_of_vectors() -> None:
    """Of two vectors: scalar product, cross product and symmetric traceless part."""
    a, b = np.random.default_rng(0).normal(size=(2, 3))
    # Components of rank 1 stand in the order z, x, y.
    (za, xa, ya), (zb, xb, yb) = a, b
    scalar, vector, tensor = (coupled(1, 1, rank, a, b) for rank in range(3))
    assert abs(scalar[0]) == pytest.approx(abs(a @ b) / sqrt(3))
    cross = np.array([xa * yb - ya * xb, ya * zb - za * yb, za * xb - xa * zb]) / sqrt(2)
    sign = np.sign(vector[0] * cross[0])
    np.testing.assert_allclose(vector, sign * cross, atol=1e-15)
    expected = [
        (2 * za * zb - xa * xb - ya * yb) / sqrt(6),
        (za * xb + xa * zb) / sqrt(2),
        (za * yb + ya * zb) / sqrt(2),
        (xa * xb - ya * yb) / sqrt(2),
        (xa * yb + ya * xb) / sqrt(2),
    ]
    np.testing.assert_allclose(tensor, expected, atol=1e-15)


@pytest.mark.parametrize(
    ("l1", "l2", "rank", "key", "value"),
    [  # tables of Clebsch-Gordan coefficients, m1 = m2 = 0
        (1, 1, 0, (0, 0, 1), -1 / sqrt(3)),
        (1, 1, 2, (0, 0, 1), sqrt(2 / 3)),
        (2, 1, 1, (0, 0, 1), -sqrt(2 / 5)),
        (2, 1, 3, (0, 0, 1), sqrt(3 / 5)),
        (2, 2, 0, (0, 0, 1), sqrt(1 / 5)),
        (2, 2, 2, (0, 0, 1), -sqrt(2 / 7)),
        (2, 2, 4, (0, 0, 1), sqrt(18 / 35)),
        # m1 = 1, m2 = 0 and m1 = 2, m2 = 0
        (2, 1, 2, (1, 0, 1), sqrt(1 / 6)),
        (2, 1, 2, (2, 0, 1), sqrt(2 / 3)),
        (2, 2, 4, (2, 0, 1), sqrt(3 / 14)),
        # Both largest: the product of the two alone.
        (2, 2, 4, (2, 2, 1), sqrt(1 / 2)),
        (7, 9, 16, (7, 9, 1), sqrt(1 / 2)),
    ],
)
def test_known_clebsch_gordan_coefficients(
    l1: int, l2: int, rank: int, key: tuple[int, int, int], value: float
) -> None:
    assert coupling_coefficients(l1, l2, rank)[key] == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize("l", [1, 4, 9, 15])
def test_coefficients_of_the_highest_rank_are_binomial(l: int) -> None:
    """<l m1, l m2 | 2l m>^2 = C(2l, l+m1) C(2l, l+m2) / C(4l, 2l+m), for any l."""
    found = coupling_coefficients(l, l, 2 * l)
    for m1, m2 in product(range(l + 1), repeat=2):
        square = comb(2 * l, l + m1) * comb(2 * l, l + m2) / comb(4 * l, 2 * l + m1 + m2)
        both = m1 > 0 and m2 > 0
        assert found[m1, m2, 1] == pytest.approx(sqrt(square / (2 if both else 1)), rel=1e-13)


def test_no_coupling_outside_the_triangle() -> None:
    assert not coupling(2, 3, 5)[:, 0, 0].all()
    for (m1, m2, sign), value in coupling_coefficients(4, 3, 5).items():
        assert abs(m1 + sign * m2) <= 5
        assert 0 <= m1 <= 4
        assert 0 <= m2 <= 3
        assert 0 < abs(value) <= 1


@pytest.mark.parametrize(("l1", "l2"), [(0, 0), (1, 2), (3, 3), (5, 2), (4, 6)])
def test_coefficients_are_the_coupling_in_complex_numbers(l1: int, l2: int) -> None:
    """Equation (31) as it stands, with Python's complex numbers."""
    generator = np.random.default_rng([l1, l2])
    a, b = generator.normal(size=2 * l1 + 1), generator.normal(size=2 * l2 + 1)

    def component(of: Array, m: int) -> complex:
        return complex(of[2 * m - 1], of[2 * m]) if m else complex(of[0])

    for rank in ranks_of(l1, l2):
        sums = np.zeros(rank + 1, dtype=complex)
        for (m1, m2, sign), value in coupling_coefficients(l1, l2, rank).items():
            first, second = component(a, m1), component(b, m2)
            if sign < 0 and m1 >= m2:
                second = second.conjugate()
            elif sign < 0:
                first = first.conjugate()
            sums[abs(m1 + sign * m2)] += value * first * second
        expected = [sums[0].imag if (l1 + l2 + rank) % 2 else sums[0].real]
        for number in sums[1:]:
            expected += [number.real, number.imag]
        found = np.einsum("cab,a,b->c", coupling(l1, l2, rank), a, b)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


def rotation_matrix(l: int, rotation: Rotation) -> Array:
    """How the components of rank l change, from the harmonics of many directions."""
    directions = random_directions(4 * l + 4, seed=l)
    before = harmonics(l, directions)
    after = harmonics(l, rotation.apply(directions))
    return np.asarray(np.linalg.lstsq(before.T, after.T, rcond=None)[0].T)


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from([(1, 1, 1), (1, 2, 2), (2, 2, 3), (3, 2, 4), (3, 3, 0), (4, 3, 2), (5, 4, 3)]),
    st.integers(0, 2**32 - 1),
)
def test_coupled_components_rotate_like_harmonics(ranks: tuple[int, int, int], seed: int) -> None:
    l1, l2, rank = ranks
    generator = np.random.default_rng(seed)
    rotation = Rotation.random(None, generator)
    a, b = generator.normal(size=2 * l1 + 1), generator.normal(size=2 * l2 + 1)
    turned_a, turned_b = rotation_matrix(l1, rotation) @ a, rotation_matrix(l2, rotation) @ b
    found = coupled(l1, l2, rank, turned_a, turned_b)
    expected = rotation_matrix(rank, rotation) @ coupled(l1, l2, rank, a, b)
    size = np.linalg.norm(a) * np.linalg.norm(b)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11 * size)
