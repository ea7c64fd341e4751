"""Tables of derivatives by parameters, one row for each energy, force component and virial."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from maxvolt.neighbors.neighborhoods import Neighborhoods

__all__ = ["Jacobian", "aligned_zeros"]

_LINE = 64
"""Bytes in a line of the cache."""

T = TypeVar("T", bound=np.floating[Any])


@dataclass(frozen=True, slots=True, eq=False)
class Jacobian:
    """Derivatives with respect to P parameters.

    Attributes
    ----------
    table : shape (n + 3 N + 6 n, P)
        Rows of energies, force components and virials.
    n_structures : int
    """

    table: NDArray[np.float64]
    n_structures: int

    @classmethod
    def zeros(cls, neighborhoods: Neighborhoods, width: int) -> Jacobian:
        """All rows, of so many columns, for kernels to add to."""
        n = neighborhoods.n_structures
        shape = (7 * n + 3 * neighborhoods.n_atoms, width)
        return cls(aligned_zeros(shape, np.float64), n)

    @property
    def energies(self) -> NDArray[np.float64]:
        """Rows of the energies, shape (n, P); a view."""
        return self.table[: self.n_structures]

    @property
    def forces(self) -> NDArray[np.float64]:
        """Rows of the forces, shape (N, 3, P); a view."""
        n = self.n_structures
        return self.table[n : -6 * n].reshape(-1, 3, self.table.shape[1])

    @property
    def virials(self) -> NDArray[np.float64]:
        """Rows of the virials, shape (n, 6, P); a view."""
        return self.table[-6 * self.n_structures :].reshape(-1, 6, self.table.shape[1])


def aligned_zeros(shape: Sequence[int], dtype: type[T]) -> NDArray[T]:
    """An array that begins with a line of the cache, which kernels write fastest."""
    size, item = math.prod(shape), np.dtype(dtype).itemsize
    memory = np.zeros(size + _LINE // item, dtype)
    skipped = -(memory.ctypes.data // item) % (_LINE // item)
    return memory[skipped : skipped + size].reshape(shape)
