"""What the head asks of its helpers, and what they answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from maxvolt.parallel.blocks import Shapes
from maxvolt.parallel.store import Done

__all__ = [
    "Begin",
    "End",
    "Farewell",
    "Forget",
    "Go",
    "Item",
    "Place",
    "Reply",
    "Request",
    "Sum",
    "Work",
]

Setup = Callable[[], Callable[..., Any]]


@dataclass(frozen=True, slots=True)
class Place:
    """Keep blocks of a sequence."""

    key: int
    items: Mapping[int, Any]


@dataclass(frozen=True, slots=True)
class Forget:
    """Drop sequences of blocks."""

    keys: Sequence[int]


@dataclass(frozen=True, slots=True)
class Work:
    """Work on blocks of some sequences; send the results, or keep them as another sequence."""

    number: int
    setup: Setup
    keys: Sequence[int]
    chosen: Sequence[int]
    threads: int
    keep: int | None = None


@dataclass(frozen=True, slots=True)
class Sum:
    """Take part in a sum, see `OrderedSum`; before each exchange wait for `Go`."""

    number: int
    setup: Setup
    keys: Sequence[int]
    owners: Sequence[int]
    shapes: Shapes
    threads: int
    keep: int


@dataclass(frozen=True, slots=True)
class Go:
    """Nobody has failed: exchange. Any other request instead means that somebody has."""

    number: int


@dataclass(frozen=True, slots=True)
class Begin:
    """Get ready for items."""

    number: int
    setup: Setup


@dataclass(frozen=True, slots=True)
class Item:
    """Work on an item."""

    number: int
    index: int
    item: Any


@dataclass(frozen=True, slots=True)
class End:
    """Say farewell and end with this exit code."""

    code: int


Request = Place | Forget | Work | Sum | Go | Begin | Item | End


@dataclass(frozen=True, slots=True)
class Reply:
    """What came out of the request of this number, and the warnings it has caused."""

    number: int
    done: Done
    warnings: Sequence[tuple[type[Warning], str]] = ()


@dataclass(frozen=True, slots=True)
class Farewell:
    """The last message of a helper."""
