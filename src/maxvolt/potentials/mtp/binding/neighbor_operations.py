"""Arithmetic of an evaluation for one neighbour of an atom: what a radial function costs.

Counted is what the kernels' algorithm needs for energies, forces and virials. A multiply-add is one
operation, and so are a lone multiplication or addition and a root.
"""

from __future__ import annotations

__all__ = ["moment_operations", "polynomial_operations", "radial_operations", "shared_operations"]


def radial_operations(size: int) -> tuple[int, int]:
    """Multiply-adds and others of one radial function and its slope, of so many polynomials."""
    return 2 * (size - 1) + 1, 2


def moment_operations(rank: int) -> tuple[int, int]:
    """Multiply-adds and others of all moments of one radial function up to a rank."""
    return rank**2, 4 * rank + 1


def polynomial_operations(rank: int) -> int:
    """Multiply-adds for a polynomial of one f_mu, its gradient, and both times f_mu and f_mu'."""
    along_z = (rank >= 1) + 2 * (rank >= 2)
    shares = 4 if rank >= 1 else 1
    return _plane(rank + 1) + _plane(rank) + along_z + shares


def shared_operations(size: int) -> tuple[int, int]:
    """Multiply-adds and others whatever the moments: distance, envelope, recurrence, forces."""
    return 2 + size + 6, 9 + 4 + 10


def _plane(rows: int) -> int:
    """Multiply-adds of Horner's rule in x and y, for 1 to `rows` coefficients in a row."""
    if rows == 0:
        return 0
    later = max(rows - 2, 0)
    in_rows = rows * (rows - 1) // 2 + (rows - 1) * later // 2
    return in_rows + (rows - 1) + 2 * later
