"""Products that contract two partial contractions to a third, component by component."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from maxvolt.potentials.mtp.basis.tensors import Shape, exponents, monomial_count, monomial_position

__all__ = ["Block", "JoinPattern", "component_numbers", "join_rows"]

Block = tuple[int, int, int, int]
"""Group of the left tensor, of the right one, of the result (-1: none), and number of indices."""


@dataclass(frozen=True, slots=True)
class JoinPattern:
    """How the indices of two tensors are contracted; says all but which moments they are made of.

    Parameters
    ----------
    left, right, result
        Shapes of the three tensors.
    blocks
        Where the indices go: each block is contracted between a group of the left and a group of
        the right tensor, or goes from a group of either to a group of the result.
    same
        Whether left and right are the same tensor.
    """

    left: Shape
    right: Shape
    result: Shape
    blocks: tuple[Block, ...]
    same: bool


@cache
def component_numbers(shape: Shape) -> NDArray[np.int64]:
    """Find for each component the number of the stored one that holds it.

    Components that are equal by symmetry of the groups are stored once.

    Returns
    -------
    numbers : shape (product of the groups' component counts,)
    """
    sizes = tuple(map(monomial_count, shape.ranks))
    every = np.arange(int(np.prod(sizes, dtype=np.int64)))
    grid = every.reshape(sizes)
    first = every
    for order in shape.symmetries:
        first = np.minimum(first, grid.transpose(order).ravel())
    return np.unique(first, return_inverse=True)[1].reshape(-1)


@cache
def join_rows(pattern: JoinPattern) -> NDArray[np.int64]:
    """List all products of a join, equal ones merged.

    Returns
    -------
    rows : shape (n, 4)
        Number of the result's component, of the left and of the right tensor's, multiplicity;
        sorted.
    """
    nx, ny, factor = _block_grid(tuple(block[3] for block in pattern.blocks))
    flat = []
    for side, shape in enumerate((pattern.left, pattern.right, pattern.result)):
        index = np.zeros(len(factor), dtype=np.int64)
        for group, rank in enumerate(shape.ranks):
            members = [b for b, block in enumerate(pattern.blocks) if block[side] == group]
            group_nx, group_ny = nx[members].sum(axis=0), ny[members].sum(axis=0)
            position = monomial_position(rank, group_nx, group_ny)
            index = index * monomial_count(rank) + position
            # Weighted inputs hold this coefficient already; unweighted results must not hold it.
            if shape.weighted[group] != (side == 2):
                factor //= exponents(rank)[2][position]
        flat.append(index)
    return _merge(pattern, flat[2], flat[0], flat[1], factor)


def _block_grid(
    ranks: tuple[int, ...],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Choose a monomial for each block in all ways: nx and ny (block, choice), multinomials."""
    sizes = [monomial_count(rank) for rank in ranks]
    choice = np.indices(sizes).reshape(len(ranks), -1)
    nx, ny, factor = (
        np.array([exponents(rank)[part][c] for rank, c in zip(ranks, choice, strict=True)])
        for part in range(3)
    )
    return nx, ny, factor.prod(axis=0)


def _merge(
    pattern: JoinPattern,
    result: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    factor: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Keep one of each set of equal result components; add up equal products."""
    numbers = component_numbers(pattern.result)
    stored = np.unique(numbers, return_index=True)[1]
    keep = stored[numbers[result]] == result
    left = component_numbers(pattern.left)[left[keep]]
    right = component_numbers(pattern.right)[right[keep]]
    if pattern.same:
        left, right = np.minimum(left, right), np.maximum(left, right)
    n_left, n_right = left.max() + 1, right.max() + 1
    code = (numbers[result[keep]] * n_left + left) * n_right + right
    distinct, inverse = np.unique(code, return_inverse=True)
    multiplicity = np.zeros(len(distinct), dtype=np.int64)
    np.add.at(multiplicity, inverse, factor[keep])
    rest, right = np.divmod(distinct, n_right)
    result, left = np.divmod(rest, n_left)
    return np.stack([result, left, right, multiplicity], axis=1)
