"""What random structures are made of: shares of elements, ranges of numbers, whole atoms."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, nan

import numpy as np
from ase.data import atomic_numbers
from numpy.typing import NDArray

from maxvolt.errors import DataError, SpeciesError

__all__ = ["Range", "checked_range", "drawn_numbers", "shares_of"]

Range = float | tuple[float, float]
"""A number, or the least and the most between which one is drawn."""


def shares_of(composition: Mapping[str, float]) -> dict[int, float]:
    """Shares of the elements by atomic numbers; they add up to 1.

    Raises
    ------
    SpeciesError
        The composition names no elements.
    """
    unknown = [symbol for symbol in composition if symbol not in atomic_numbers]
    total = sum(composition.values())
    if unknown or not 0 < total < inf or min(composition.values()) < 0:
        raise SpeciesError(
            f"composition {dict(composition)}: expected elements with their shares, such as "
            "{'Ni': 1, 'Al': 1}"
        )
    return {atomic_numbers[s]: share / total for s, share in composition.items() if share > 0}


def checked_range(
    name: str, value: Range, least: float = 0.0, *, above: bool = True
) -> tuple[float, float]:
    """Give the least and the most of a range.

    Parameters
    ----------
    name
        What the message calls it.
    value
        A number, or two of them.
    least
        Both lie above it.
    above
        Whether `least` itself is left out.

    Raises
    ------
    DataError
        It is none.
    """
    ends = tuple(value) if isinstance(value, tuple | list) else (value, value)
    low, high = ends if len(ends) == 2 else (nan, nan)
    if not (low > least or (low == least and not above)) or not low <= high < inf:
        bound = f"above {least:g}" if above else f"of at least {least:g}"
        raise DataError(f"{name}: expected a number {bound}, or the least and the most: {value}")
    return float(low), float(high)


def drawn_numbers(
    shares: Mapping[int, float], n: int, generator: np.random.Generator
) -> NDArray[np.int_]:
    """Atomic numbers of `n` atoms, sorted as the shares are; what is left over is drawn."""
    elements, parts = np.array(list(shares)), np.array(list(shares.values())) * n
    whole = np.floor(parts + 1e-9).astype(int)
    left, rest = n - int(whole.sum()), np.maximum(parts - whole, 0.0)
    if left:
        drawn = generator.choice(len(elements), size=left, p=rest / rest.sum(), replace=False)
        whole[drawn] += 1
    return np.repeat(elements, whole)
