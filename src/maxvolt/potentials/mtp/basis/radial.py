r"""Radial bases of moment tensor potentials: values, derivatives, and their pair repulsion.

All bases have the same form. With x = slope * r + offset,

    phi_0(r) = envelope(r),
    phi_k(r) = (a_k x + b_k) phi_{k-1}(r) - c_k phi_{k-2}(r)   for k = 1, 2, ...,

so that one recurrence evaluates them all, and their derivatives by the product rule. Below, m is
min_dist, R is max_dist, and x = (2 r - (m + R)) / (R - m) unless stated otherwise.

RBChebyshev
    (r - R)^2 T_k(x), the Chebyshev polynomials: a_1 = 1, a_k = 2, c_k = 1 for k > 1.
BChebyshev
    T_k(x) alone; it does not vanish at the cutoff.
RBTaylor
    r^k (x = r); it does not vanish at the cutoff.
RBShapeev
    (m / r)^2 ((R - r) / (R - m))^2 N_k P_k(x) with the Jacobi polynomials P_k^(5,1) and
    N_k^2 = (2 k + 7) (k + 6) / (8 (k + 1)^3), k < 12. They are orthogonal:

        int_m^R (r/m)^4 (r - m) (R - r) phi_j phi_k dr = (R - m)^3 delta_jk / (8 (k + 1)^2).

    MLIP sums the powers r^-2 ... r^k of the same functions, which cancel each other. For m = 2.3
    and R = 5 rounding then leaves errors of 5e-9 of the largest value at k = 7 and 1e-4 at k = 11;
    the recurrence is exact to rounding.
RBChebyshev_repuls, BChebyshev_repuls
    The same without suffix at max(r, m), with derivative 0 for r <= m. RBChebyshev_repuls alone
    adds, for each neighbour of each atom, the repulsion
    10^4 (exp(-10 (r - 1)) - exp(-10 (m - 1))) eV at r < m.

The scaling of a potential is a factor of all functions of a basis, also of RBTaylor; it is not
part of the basis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from maxvolt.errors import MaxvoltError

__all__ = ["RADIAL_BASIS_TYPES", "SHAPEEV_SIZE", "RadialBasis", "Recurrence"]

Reals = NDArray[np.float64]

RADIAL_BASIS_TYPES = (
    "RBChebyshev",
    "RBChebyshev_repuls",
    "RBShapeev",
    "RBTaylor",
    "BChebyshev",
    "BChebyshev_repuls",
)
"""Names of the bases, as in files of MLIP."""

SHAPEEV_SIZE = 12
"""RBShapeev is a closed list of twelve functions."""

_REPULSION = 1e4  # eV
_DECAY = 10.0  # 1/A
_CONTACT = 1.0  # A


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Coefficients of phi_k = (a_k x + b_k) phi_{k-1} - c_k phi_{k-2}, x = slope * r + offset.

    Parameters
    ----------
    slope, offset
        Of x, slope in 1/A.
    a, b, c
        shape=(size,); element 0 is not used, nor is c[1].
    """

    slope: float
    offset: float
    a: Reals
    b: Reals
    c: Reals


@dataclass(frozen=True, slots=True)
class RadialBasis:
    """One radial basis of MLIP.

    Parameters
    ----------
    kind
        RBChebyshev, RBChebyshev_repuls, RBShapeev, RBTaylor, BChebyshev or BChebyshev_repuls.
    min_dist, max_dist
        Range in A; max_dist is the cutoff.
    size
        Number of functions.
    """

    kind: str
    min_dist: float
    max_dist: float
    size: int

    def __post_init__(self) -> None:
        if self.kind not in RADIAL_BASIS_TYPES:
            known = ", ".join(RADIAL_BASIS_TYPES)
            raise MaxvoltError(f"unknown radial basis {self.kind!r}; known are {known}")
        if not 0.0 <= self.min_dist < self.max_dist < np.inf:
            raise MaxvoltError(
                "expected 0 <= min_dist < max_dist (the cutoff), found "
                f"{self.min_dist:g} A and {self.max_dist:g} A"
            )
        if self.kind == "RBShapeev" and self.min_dist == 0.0:
            raise MaxvoltError("RBShapeev needs a min_dist above 0")
        if self.size < 1 or (self.kind == "RBShapeev" and self.size > SHAPEEV_SIZE):
            raise MaxvoltError(
                f"radial_basis_size must be at least 1, and at most {SHAPEEV_SIZE} for RBShapeev; "
                f"found {self.size}"
            )

    @property
    def clamped(self) -> bool:
        """Whether the functions are constant below min_dist."""
        return self.kind.endswith("_repuls")

    @property
    def repulsive(self) -> bool:
        """Whether a pair repulsion below min_dist belongs to the basis."""
        return self.kind == "RBChebyshev_repuls"

    @property
    def recurrence(self) -> Recurrence:
        """Coefficients that generate the functions from the first one."""
        k = np.arange(self.size, dtype=np.float64)
        width = self.max_dist - self.min_dist
        slope, offset = 2.0 / width, -(self.min_dist + self.max_dist) / width
        if self.kind == "RBTaylor":
            return Recurrence(1.0, 0.0, np.ones_like(k), np.zeros_like(k), np.zeros_like(k))
        if self.kind == "RBShapeev":
            return Recurrence(slope, offset, *_scaled_jacobi(self.size))
        a = np.where(k == 1, 1.0, 2.0)
        return Recurrence(slope, offset, a, np.zeros_like(k), np.ones_like(k))

    @property
    def envelope_factor(self) -> float:
        """Factor of (R - r) / r in the root of RBShapeev's first function; 0 for other kinds."""
        if self.kind != "RBShapeev":
            return 0.0
        return float(5.25**0.25 * self.min_dist / (self.max_dist - self.min_dist))

    def envelope(self, r: Reals) -> tuple[Reals, Reals]:
        """Give the first function and its derivative, both with the shape of r.

        Parameters
        ----------
        r
            Distances in A.
        """
        if self.kind in ("RBChebyshev", "RBChebyshev_repuls"):
            return (r - self.max_dist) ** 2, 2.0 * (r - self.max_dist)
        if self.kind == "RBShapeev":
            # sqrt(envelope) = factor * (R - r) / r, its derivative is -factor * R / r^2
            factor = self.envelope_factor
            root = factor * (self.max_dist - r) / r
            return root**2, -2.0 * root * factor * self.max_dist / r**2
        return np.ones_like(r), np.zeros_like(r)

    def evaluate(self, r: ArrayLike) -> tuple[Reals, Reals]:
        """Evaluate all functions.

        Parameters
        ----------
        r
            Distances in A, shape=(...).

        Returns
        -------
        phi, dphi
            Values and derivatives with respect to r, shape=(..., size), dtype=float64.
        """
        distances = np.asarray(r, dtype=np.float64)
        inside = distances > self.min_dist
        if self.clamped:
            distances = np.maximum(distances, self.min_dist)
        rule = self.recurrence
        x = rule.slope * distances + rule.offset
        phi = np.empty((*distances.shape, self.size))
        dphi = np.empty_like(phi)
        phi[..., 0], dphi[..., 0] = self.envelope(distances)
        for k in range(1, self.size):
            factor = rule.a[k] * x + rule.b[k]
            phi[..., k] = factor * phi[..., k - 1]
            dphi[..., k] = factor * dphi[..., k - 1] + rule.a[k] * rule.slope * phi[..., k - 1]
            if k > 1:
                phi[..., k] -= rule.c[k] * phi[..., k - 2]
                dphi[..., k] -= rule.c[k] * dphi[..., k - 2]
        if self.clamped:
            dphi *= inside[..., None]
        return phi, dphi

    def repulsion(self, r: ArrayLike) -> tuple[Reals, Reals]:
        """Evaluate the pair repulsion that an atom has with one neighbour.

        It counts once for each atom of a pair, so a pair has twice this energy.

        Parameters
        ----------
        r
            Distances in A, shape=(...).

        Returns
        -------
        energy, derivative
            In eV and eV/A, shape=(...); zero for all kinds but RBChebyshev_repuls.
        """
        distances = np.asarray(r, dtype=np.float64)
        if not self.repulsive:
            return np.zeros_like(distances), np.zeros_like(distances)
        rise = _REPULSION * np.exp(-_DECAY * (distances - _CONTACT))
        floor = _REPULSION * np.exp(-_DECAY * (self.min_dist - _CONTACT))
        close = distances < self.min_dist
        return np.where(close, rise - floor, 0.0), np.where(close, -_DECAY * rise, 0.0)


def _scaled_jacobi(size: int) -> tuple[Reals, Reals, Reals]:
    """Coefficients a, b, c of N_k P_k^(5,1) / N_0, from the three-term recurrence of P_k."""
    n = np.arange(size, dtype=np.float64)
    norm = np.sqrt((2 * n + 7) * (n + 6) / (8 * (n + 1) ** 3))
    a, b, c = np.zeros((3, size))
    for k in range(1, size):
        ratio = norm[k] / norm[k - 1]
        a[k] = ratio * (2 * k + 5) * (k + 3) / (k * (k + 6))
        b[k] = ratio * 6 * (2 * k + 5) / (k * (k + 6) * (k + 2))
        if k > 1:
            c[k] = norm[k] / norm[k - 2] * (k + 4) * (k + 3) / ((k + 6) * (k + 2))
    return a, b, c
