"""Real spherical harmonics on the unit sphere, and how products of two couple to a third.

Components of rank l stand in the order m = 0, (1, cos), (1, sin), (2, cos), (2, sin), ...; for
m > 0 the two are real and imaginary part of one complex number, which is how products are formed.
Harmonics are orthonormal over the sphere up to the factor 4 pi (docs/formulation, equation (29)).
"""

from __future__ import annotations

from functools import cache
from math import comb, copysign, factorial, prod, sqrt

import numpy as np
from numpy.polynomial import Legendre, Polynomial
from numpy.typing import NDArray

__all__ = [
    "HIGHEST_RANK",
    "coupling",
    "coupling_coefficients",
    "harmonics_from_monomials",
    "independent_monomials",
    "reduced_monomial",
]

Exponents = tuple[int, int, int]

HIGHEST_RANK = 12
"""Up to which harmonics keep 12 digits when they are written in monomials, which cancel."""


@cache
def independent_monomials(max_degree: int) -> tuple[Exponents, ...]:
    """Exponents (n_x, n_y, n_z) with n_z of 0 or 1 up to a degree: (max_degree + 1)^2 of them.

    Ordered by degree, then n_z, then n_y. On the unit sphere all other monomials follow from these.
    """
    return tuple(
        (degree - nz - ny, ny, nz)
        for degree in range(max_degree + 1)
        for nz in range(min(degree, 1) + 1)
        for ny in range(degree - nz + 1)
    )


@cache
def reduced_monomial(exponents: Exponents) -> dict[Exponents, int]:
    """Write a monomial on the unit sphere in independent ones, by z^2 = 1 - x^2 - y^2."""
    nx, ny, nz = exponents
    squares, odd = divmod(nz, 2)
    terms: dict[Exponents, int] = {}
    for i in range(squares + 1):  # (1 - x^2 - y^2)^squares
        for j in range(squares - i + 1):
            ways = comb(squares, i) * comb(squares - i, j)
            terms[nx + 2 * i, ny + 2 * j, odd] = (-1) ** (i + j) * ways
    return terms


@cache
def harmonics_from_monomials(l: int) -> NDArray[np.float64]:
    """Coefficients of the harmonics of rank l in the independent monomials up to degree l.

    Returns
    -------
    matrix : shape (2 l + 1, (l + 1)^2)
    """
    column = {exponents: i for i, exponents in enumerate(independent_monomials(l))}
    matrix = np.zeros((2 * l + 1, len(column)))
    legendre = Legendre.basis(l).convert(kind=Polynomial)
    for m in range(l + 1):
        norm = sqrt((2 * l + 1) * (2.0 if m else 1.0) * factorial(l - m) / factorial(l + m))
        in_z = legendre.deriv(m).coef if m else legendre.coef
        for nz in range((l - m) % 2, len(in_z), 2):
            for ny in range(m + 1):  # (x + i y)^m
                row = max(2 * m - 1, 0) + ny % 2
                factor = norm * in_z[nz] * comb(m, ny) * (-1) ** (ny // 2)
                for exponents, count in reduced_monomial((m - ny, ny, nz)).items():
                    matrix[row, column[exponents]] += factor * count
    matrix[abs(matrix) < 1e-13 * abs(matrix).max()] = 0.0
    matrix.flags.writeable = False
    return matrix


@cache
def _clebsch_gordan(l1: int, m1: int, l2: int, m2: int, rank: int) -> float:
    """<l1 m1, l2 m2 | rank m1+m2>, by Racah's formula (Varshalovich et al. 1988, 8.2.1).

    Written in binomial coefficients, its alternating sum is one of integers and loses no digits.
    """
    m = m1 + m2
    if abs(m) > rank:
        return 0.0
    a, b, c = l1 + l2 - rank, rank + l1 - l2, rank + l2 - l1
    total = sum(
        (-1) ** k * comb(a, k) * comb(b, l1 - m1 - k) * comb(c, l2 + m2 - k)
        for k in range(min(a, l1 - m1, l2 + m2) + 1)
    )
    above = (l1 - m1, l1 + m1, l2 - m2, l2 + m2, rank - m, rank + m)
    square = (2 * rank + 1) * total**2 * prod(map(factorial, above))
    return copysign(sqrt(square / prod(map(factorial, (a, b, c, l1 + l2 + rank + 1)))), total)


@cache
def coupling_coefficients(l1: int, l2: int, rank: int) -> dict[tuple[int, int, int], float]:
    """Coupling of harmonics in terms of products of complex numbers, equation (31).

    With B_m = cos + i sin components for m > 0 and B_0 the component 0, the coupled tensor has
    C_M = sum of coefficient * Z(m1, m2, sign) with Z = B_m1 B_m2 for sign +1 (M = m1 + m2) and
    Z = B_m conj(B_m'), m the larger, for sign -1 (M = |m1 - m2|). Where l1 + l2 + rank is even, C_0
    is the real part of its sum, and C rotates as harmonics do. Where it is odd, C_0 is the
    imaginary part, and the C_M with M > 0 are i times those that rotate so: scalar products of two
    such tensors are right, and of one with an even one there are none.

    Returns
    -------
    coefficients
        By (m1, m2, sign), m1 and m2 at least 0; sign is +1 where one of them is 0.
    """
    found: dict[tuple[int, int, int], float] = {}
    for m1 in range(l1 + 1):
        for m2 in range(l2 + 1):
            if m1 == 0 or m2 == 0:
                found[m1, m2, 1] = _clebsch_gordan(l1, m1, l2, m2, rank)
                continue
            found[m1, m2, 1] = _clebsch_gordan(l1, m1, l2, m2, rank) / sqrt(2)
            low = min(m1, m2)
            signs = (1, -1) if m1 >= m2 else (-1, 1)
            value = _clebsch_gordan(l1, signs[0] * m1, l2, signs[1] * m2, rank)
            found[m1, m2, -1] = (-1) ** low * value / (1.0 if m1 == m2 else sqrt(2))
    return {key: value for key, value in found.items() if abs(value) > 1e-14}


@cache
def coupling(l1: int, l2: int, rank: int) -> NDArray[np.float64]:
    """The same as one real array, orthonormal for each pair of ranks.

    Returns
    -------
    coefficients : shape (2 rank + 1, 2 l1 + 1, 2 l2 + 1)
        Coupled component from a product of components.
    """
    out = np.zeros((2 * rank + 1, 2 * l1 + 1, 2 * l2 + 1))
    odd = (l1 + l2 + rank) % 2
    for (m1, m2, sign), value in coupling_coefficients(l1, l2, rank).items():
        m = abs(m1 + sign * m2)
        # Real and imaginary part of the product by parts of its factors: (part 1, part 2, weight).
        turn = 1 if m1 >= m2 else -1  # which factor is conjugated
        real = ((0, 0, 1), (1, 1, -sign))
        imaginary = ((1, 0, 1 if sign > 0 else turn), (0, 1, 1 if sign > 0 else -turn))
        for part, terms in ((0, real), (1, imaginary)):
            if m == 0 and part != odd:
                continue
            for part1, part2, weight in terms:
                if (part1 and m1 == 0) or (part2 and m2 == 0):
                    continue
                row = 2 * m - 1 + part if m else 0
                out[row, max(2 * m1 - 1 + part1, 0), max(2 * m2 - 1 + part2, 0)] += weight * value
    out.flags.writeable = False
    return out
