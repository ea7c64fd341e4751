"""How many atoms of each element there are in what is searched."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import combinations

import numpy as np
from ase.data import atomic_numbers
from numpy.typing import NDArray

__all__ = ["Counts", "compositions", "counts_of", "n_compositions", "numbers_of", "ratio_of"]

Counts = tuple[int, ...]
"""Atoms of each element, in the order of the species."""


def compositions(
    species: Sequence[str], atoms: tuple[int, int], formula: Mapping[str, int] | None
) -> tuple[Counts, ...]:
    """List all compositions of a number of atoms, those of the pure elements first.

    Parameters
    ----------
    species
        Elements.
    atoms
        Fewest and most.
    formula
        Only multiples of it; None: any composition.
    """
    fewest, most = atoms
    if formula is not None:
        one = tuple(formula[symbol] for symbol in species)
        times = range(-(-fewest // sum(one)), most // sum(one) + 1)
        return tuple(tuple(n * count for count in one) for n in times if n)
    return _every(len(species), fewest, most)


def n_compositions(elements: int, atoms: tuple[int, int]) -> int:
    """How many compositions of a number of atoms there are, without listing them."""
    fewest, most = atoms
    return math.comb(most + elements, elements) - math.comb(fewest - 1 + elements, elements)


def numbers_of(species: Sequence[str], counts: Counts) -> NDArray[np.int64]:
    """Atomic numbers of a composition, sorted, shape (N,)."""
    elements = [atomic_numbers[symbol] for symbol in species]
    return np.sort(np.repeat(elements, counts)).astype(np.int64)


def counts_of(species: Sequence[str], numbers: NDArray[np.int_]) -> Counts:
    """Atoms of each element among atomic numbers."""
    return tuple(int((numbers == atomic_numbers[symbol]).sum()) for symbol in species)


def ratio_of(counts: Counts) -> Counts:
    """The same composition with the smallest whole numbers."""
    common = math.gcd(*counts)
    return tuple(count // common for count in counts)


@lru_cache(maxsize=8)
def _every(elements: int, fewest: int, most: int) -> tuple[Counts, ...]:
    every = [counts for total in range(fewest, most + 1) for counts in _shared(total, elements)]
    return tuple(sorted(every, key=lambda counts: sum(count > 0 for count in counts) > 1))


def _shared(total: int, parts: int) -> Iterator[Counts]:
    """Every way to share a number of atoms among elements."""
    for bars in combinations(range(total + parts - 1), parts - 1):
        ends = (-1, *bars, total + parts - 1)
        yield tuple(ends[k + 1] - ends[k] - 1 for k in range(parts))
