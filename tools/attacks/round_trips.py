"""Whether what was written and read again is what it was."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

__all__ = ["difference"]


def difference(
    first: Any,
    second: Any,
    *,
    left_out: Collection[str] = (),
    comparable: Callable[[Any], Any] = lambda value: value,
) -> str | None:
    """Name the first field in which two records of the same class differ; None: in none.

    Parameters
    ----------
    first, second
        Instances of a dataclass. NaN is equal to NaN.
    left_out
        Fields that do not matter.
    comparable
        Makes a value that can be compared of one that cannot.
    """
    for field in dataclasses.fields(first):
        if field.name in left_out:
            continue
        a, b = (comparable(getattr(one, field.name)) for one in (first, second))
        if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
            nan = a.dtype.kind == "f"
            same = a.dtype == b.dtype and np.array_equal(a, b, equal_nan=nan)
        elif isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
            same = False
        else:
            same = bool(a == b)
        if not same:
            return field.name
    return None
