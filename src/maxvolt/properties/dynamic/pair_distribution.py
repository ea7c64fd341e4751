"""Radial distribution functions of periodic structures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from maxvolt.neighbors import build_neighbors

__all__ = ["PairDistribution", "largest_radius", "pair_distribution"]

Pair = tuple[int, int]


class PairDistribution:
    """Radial distribution functions of frames, in blocks of them.

    Parameters
    ----------
    radii : shape (n,), Angstrom
        Middles of the bins.
    total : shape (b, n)
        g(r) of all atoms, in each block.
    partial
        The same of pairs of elements, by their atomic numbers; empty where there is one element.
    """

    def __init__(
        self,
        radii: NDArray[np.float64],
        total: NDArray[np.float64],
        partial: dict[Pair, NDArray[np.float64]],
    ) -> None:
        self.radii = radii
        self.total = total
        self.partial = partial


def largest_radius(cell: NDArray[np.float64]) -> float:
    """Half of the smallest height of a cell, Angstrom: beyond it an atom meets its own images."""
    return float(0.5 / np.linalg.norm(np.linalg.inv(cell), axis=0).max())


def pair_distribution(
    frames: Sequence[NDArray[np.float64]],
    cell: NDArray[np.float64],
    numbers: NDArray[np.int64],
    *,
    width: float,
    blocks: int,
) -> PairDistribution:
    """Average g(r) over frames of one cell, equation (96).

    Parameters
    ----------
    frames : each of shape (N, 3), Angstrom
    cell : shape (3, 3), Angstrom
    numbers : shape (N,)
        Atomic numbers.
    width : Angstrom
        About that of a bin.
    blocks
        Into which the frames are divided, in order.
    """
    largest = largest_radius(cell)
    edges = np.linspace(0.0, largest, max(2, round(largest / width)) + 1)
    elements = np.unique(numbers)
    pairs = list(combinations_with_replacement(elements.tolist(), 2))
    parts = np.array_split(np.arange(len(frames)), blocks)
    counts = np.array(
        [_counts((frames[k] for k in part), cell, numbers, edges, pairs) for part in parts]
    )
    counts /= np.array([len(part) for part in parts])[:, None, None]
    volume = abs(float(np.linalg.det(cell)))
    shells = 4 / 3 * np.pi * np.diff(edges**3)
    n = len(numbers)
    total = counts.sum(axis=1) / (n * (n - 1) / 2 / volume * shells)
    partial = {}
    if len(elements) > 1:
        for index, (a, b) in enumerate(pairs):
            of_a, of_b = int((numbers == a).sum()), int((numbers == b).sum())
            expected = of_a * (of_a - 1) / 2 if a == b else of_a * of_b
            if expected:
                partial[a, b] = counts[:, index] / (expected / volume * shells)
    return PairDistribution((edges[1:] + edges[:-1]) / 2, total, partial)


def _counts(
    frames: Iterable[NDArray[np.float64]],
    cell: NDArray[np.float64],
    numbers: NDArray[np.int64],
    edges: NDArray[np.float64],
    pairs: Sequence[Pair],
) -> NDArray[np.float64]:
    """Pairs of atoms in each bin, by pairs of elements, summed over frames."""
    found = np.zeros((len(pairs), len(edges) - 1))
    for positions in frames:
        near = build_neighbors(positions, cell, np.ones(3, bool), float(edges[-1]))
        distances = np.linalg.norm(near.vectors(positions, cell), axis=1)
        of = np.sort(np.stack([numbers[near.owners], numbers[near.neighbors]]), axis=0)
        for index, (a, b) in enumerate(pairs):
            chosen = distances[(of[0] == a) & (of[1] == b)] if len(pairs) > 1 else distances
            found[index] += np.histogram(chosen, edges)[0]
    return found
