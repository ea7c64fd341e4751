"""vesin for arrays of NumPy alone: it would import torch and cupy, which takes seconds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

__all__ = ["NeighborSearch"]

_OTHER_ARRAYS = ("torch", "cupy")
"""Libraries that vesin imports where they are installed, in case it is given their arrays."""


@contextmanager
def _hidden(names: tuple[str, ...]) -> Iterator[bool]:
    """Let imports fail of those that nobody has imported yet; yield whether there are any."""
    modules: dict[str, Any] = sys.modules
    hidden = [name for name in names if name not in modules]
    modules |= dict.fromkeys(hidden)
    try:
        yield bool(hidden)
    finally:
        for name in hidden:
            del modules[name]


def _neighbor_search() -> Any:
    """The class of vesin; whoever else imports vesin gets it with all that it can do."""
    if "vesin" in sys.modules:
        return import_module("vesin").NeighborList
    with _hidden(_OTHER_ARRAYS) as is_partial:
        found = import_module("vesin").NeighborList
    if is_partial:
        for name in [name for name in sys.modules if name.partition(".")[0] == "vesin"]:
            del sys.modules[name]
    return found


NeighborSearch = _neighbor_search()
"""`vesin.NeighborList`."""
