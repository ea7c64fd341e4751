"""Supercells of a lattice: their cells numbered, and neighbours found by whole numbers alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from maxvolt.errors import SettingsError

__all__ = ["Supercell"]

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Supercell:
    """A periodic piece of a lattice.

    Attributes
    ----------
    vectors : shape (3, 3), int64
        Its edges, rows, in primitive vectors.
    triangle : shape (3, 3), int64
        Edges of the same superlattice, lower triangular with a positive diagonal (Hermite normal
        form).
    """

    vectors: Integers
    triangle: Integers

    @classmethod
    def of(cls, vectors: ArrayLike) -> Supercell:
        """Make one of its edges, or of how often each primitive vector is repeated.

        Raises
        ------
        SettingsError
            They are no whole numbers, or lie in a plane.
        """
        given: Any = np.asarray(vectors)
        if given.shape == (3,):
            given = np.diag(given)
        if given.shape != (3, 3) or not np.isfinite(given).all() or (given != np.rint(given)).any():
            raise SettingsError(
                f"a supercell is three whole numbers, or three rows of them; got {vectors!r}"
            )
        edges = np.rint(given).astype(np.int64)
        triangle = _lower_triangle(edges)
        if not triangle.diagonal().all():
            raise SettingsError(f"the edges of a supercell lie in a plane: {edges.tolist()}")
        return cls(edges, triangle)

    @property
    def n_cells(self) -> int:
        """Number of primitive cells."""
        return int(self.triangle.diagonal().prod())

    def offsets(self) -> Integers:
        """Primitive cells in the order of their numbers, shape (n_cells, 3)."""
        edges = self.triangle.diagonal()
        return np.stack(np.unravel_index(np.arange(self.n_cells), edges), axis=1).astype(np.int64)

    def numbers(self, offsets: ArrayLike) -> Integers:
        """Number the primitive cells at these offsets or at their periodic images.

        Parameters
        ----------
        offsets : shape (..., 3), int
            In primitive vectors.

        Returns
        -------
        numbers : shape (...), int64
            From 0.
        """
        left = np.array(offsets, np.int64)
        for axis in (2, 1, 0):
            edge = self.triangle[axis]
            left -= (left[..., axis] // edge[axis])[..., None] * edge
        return np.asarray(np.ravel_multi_index(
            tuple(np.moveaxis(left, -1, 0)), tuple(self.triangle.diagonal().tolist())
        ), np.int64)  # fmt: skip


def _lower_triangle(edges: Integers) -> Integers:
    """Combine rows by Euclid's algorithm, column by column from the last."""
    rows = edges.copy()
    for axis in (2, 1, 0):
        while True:
            ahead = [row for row in range(axis + 1) if rows[row, axis] != 0]
            if not ahead:
                return np.zeros((3, 3), np.int64)
            least = min(ahead, key=lambda row: abs(rows[row, axis]))
            others = [row for row in ahead if row != least]
            if not others:
                break
            for row in others:
                rows[row] -= rows[row, axis] // rows[least, axis] * rows[least]
        rows[[axis, least]] = rows[[least, axis]]
        rows[axis] *= np.sign(rows[axis, axis])
    return rows
