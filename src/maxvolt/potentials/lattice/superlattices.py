"""Superlattices that have the shape of a given cell, whatever its orientation: equation (215)."""

from __future__ import annotations

import numpy as np
from ase.geometry import minkowski_reduce
from numpy.typing import NDArray

from maxvolt.errors import DataError

__all__ = ["CellTooLargeError", "rotations_of", "stretch_of", "superlattices"]

_EXACT = 1e-3
"""Relative differences of lengths that are the same, in the symmetry of the lattice."""

_MOST = 4_000_000
"""Combinations of edges that are compared at once."""

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


class CellTooLargeError(DataError):
    """Too many superlattices have edges as long as those of a cell."""


def rotations_of(parent: Array) -> Integers:
    """Proper rotations that carry a lattice into itself, in primitive vectors, shape (g, 3, 3)."""
    basis, operation = minkowski_reduce(parent)
    found = _matching(basis, basis, 1, _EXACT, None)
    of_basis = np.asarray(operation, np.int64)
    return np.rint(np.linalg.inv(of_basis)).astype(np.int64) @ found @ of_basis


def superlattices(
    cell: Array, parent: Array, n_cells: int, tolerance: float, same: Integers
) -> Integers:
    """Find the superlattices from which a cell differs by a rotation and a small strain.

    Parameters
    ----------
    cell : shape (3, 3), Angstrom
        Edges, rows.
    parent : shape (3, 3), Angstrom
        Primitive vectors, rows.
    n_cells
        Primitive cells in the cell.
    tolerance
        Largest strain after the change of volume has been taken out.
    same : shape (g, 3, 3), int64
        Rotations of the lattice that leave its sites as they are; of superlattices that they make
        equal one is found.

    Returns
    -------
    edges : shape (k, 3, 3), int64
        In primitive vectors.

    Raises
    ------
    CellTooLargeError
        Too many superlattices have similar edges.
    """
    reduced, operation = minkowski_reduce(cell)
    basis, of_basis = minkowski_reduce(parent)
    scale = np.cbrt(abs(np.linalg.det(cell) / np.linalg.det(parent)) / n_cells)
    rotations = _matching(basis, basis, 1, _EXACT, None)
    found = _matching(reduced, basis * scale, n_cells, tolerance, rotations)
    turned = (found[:, None] @ rotations).reshape(-1, 3, 3) @ np.asarray(of_basis, np.int64)
    back = np.rint(np.linalg.inv(operation)).astype(np.int64)
    return back @ _one_of_each(turned, same)


def stretch_of(deformation: Array) -> tuple[Array, Array]:
    """Split a deformation of row vectors into a stretch and the rotation that follows it.

    Parameters
    ----------
    deformation : shape (3, 3)
        With a positive determinant.

    Returns
    -------
    stretch : shape (3, 3)
        Symmetric.
    rotation : shape (3, 3)
        Proper.
    """
    left, singular, right = np.linalg.svd(deformation)
    return (left * singular) @ left.T, np.asarray(left @ right)


def _matching(
    cell: Array, basis: Array, n_cells: int, tolerance: float, rotations: Integers | None
) -> Integers:
    """Edges in the basis, shape (k, 3, 3); with rotations, one of those that they make equal."""
    near = [_near(float(np.linalg.norm(edge)), basis, tolerance) for edge in cell]
    if rotations is not None:
        near[0] = _one_of_each(near[0], rotations)
    _check_size(len(near[0]) * len(near[1]))
    pairs = np.argwhere(_fit(near[0][:, None], near[1], cell[0], cell[1], basis, tolerance))
    two = np.stack([near[0][pairs[:, 0]], near[1][pairs[:, 1]]], axis=1)
    _check_size(len(two) * len(near[2]))
    fits = _fit(two[:, :1], near[2], cell[0], cell[2], basis, tolerance)
    fits &= _fit(two[:, 1:], near[2], cell[1], cell[2], basis, tolerance)
    chosen = np.argwhere(fits)
    edges = np.concatenate([two[chosen[:, 0]], near[2][chosen[:, 1]][:, None]], axis=1)
    sign = np.sign(np.linalg.det(cell) * np.linalg.det(basis))
    edges = edges[np.rint(np.linalg.det(edges)) == sign * n_cells]
    stretches = np.linalg.svd(np.linalg.inv(edges @ basis) @ cell, compute_uv=False)
    return np.asarray(edges[np.abs(stretches - 1).max(axis=1, initial=0.0) <= tolerance])


def _near(length: float, basis: Array, tolerance: float) -> Integers:
    """Vectors of the lattice of about this length, shape (m, 3)."""
    longest = length / (1 - tolerance)
    # The height of the cell along a direction says how often it can be stacked.
    most = np.floor(longest * np.linalg.norm(np.linalg.inv(basis), axis=0)).astype(int)
    _check_size(int(np.prod(2 * most + 1)))
    axes = [np.arange(-one, one + 1) for one in most]
    vectors = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    lengths = np.linalg.norm(vectors @ basis, axis=1)
    return np.asarray(vectors[np.abs(lengths - length) <= tolerance * lengths])


def _one_of_each(vectors: Integers, rotations: Integers) -> Integers:
    """The largest, in the order of words, of what rotations make equal.

    Parameters
    ----------
    vectors : shape (m, 3) or (m, 3, 3)
        Vectors, or edges.
    """
    if not len(vectors):
        return vectors
    rows = vectors.reshape(len(vectors), -1, 3)
    images = (rows[:, None] @ rotations).reshape(len(rows), len(rotations), -1)
    largest = [max(some) for some in images.tolist()]
    return np.unique(np.array(largest, np.int64).reshape(vectors.shape), axis=0)


def _fit(
    left: Integers, right: Integers, edge: Array, other: Array, basis: Array, tolerance: float
) -> NDArray[np.bool_]:
    """Whether sum and difference of two vectors are as long as those of two edges."""
    found = np.ones(np.broadcast_shapes(left.shape, right.shape)[:-1], bool)
    for sign in (1, -1):
        length = float(np.linalg.norm(edge + sign * other))
        lengths = np.linalg.norm((left + sign * right) @ basis, axis=-1)
        found &= np.abs(lengths - length) <= tolerance * lengths
    return found


def _check_size(number: int) -> None:
    if number > _MOST:
        raise CellTooLargeError(
            "the cell is too large to find how it is turned on the lattice: give the structure in "
            "the orientation of the lattice"
        )
