"""Data cut into fixed blocks, and work on them whose results do not depend on where they lie."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from maxvolt.threads import map_ranges

__all__ = ["Array", "Blocks", "LocalBlocks", "Shapes", "add_in_place"]

Array = NDArray[np.float64]
Shapes = Sequence[tuple[int, ...]]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
R = TypeVar("R")
K = TypeVar("K")


class Blocks(ABC, Generic[T_co]):
    """A sequence of things, each of which lies with one process.

    Work is given as a ``setup``: called once in each process it returns what is called with each
    block, and with the blocks of the same number of `others`, which lie where these do. It travels,
    so that it must be possible to pickle it: a function of a module, or ``functools.partial`` of
    one. Errors of the work are raised here, that of the first block that has one.
    """

    @property
    @abstractmethod
    def owners(self) -> Sequence[int]:
        """Number of the process that each block lies with."""

    @abstractmethod
    def __len__(self) -> int:
        """Number of blocks."""

    @abstractmethod
    def __iter__(self) -> Iterator[T_co]:
        """The blocks themselves, brought here."""

    @abstractmethod
    def beside(self, items: Sequence[T]) -> Blocks[T]:
        """Other things, put where the blocks of the same number lie."""

    @abstractmethod
    def each(
        self, setup: Callable[[], Callable[..., R]], *others: Blocks[Any], threads: int = 1
    ) -> Iterator[R]:
        """The results of all blocks, in order, brought here; computed little ahead of their use."""

    @abstractmethod
    def kept(
        self, setup: Callable[[], Callable[..., R]], *others: Blocks[Any], threads: int = 1
    ) -> Blocks[R]:
        """The results as blocks, which stay where they were computed."""

    @abstractmethod
    def sums(
        self,
        setup: Callable[[], Callable[..., tuple[Sequence[Array], K]]],
        shapes: Shapes,
        *others: Blocks[Any],
        threads: int = 1,
    ) -> tuple[tuple[Array, ...], Blocks[K]]:
        """Sums of arrays over all blocks, added up one after the other in their order.

        Parameters
        ----------
        setup
            Its work returns arrays to add up, and something to keep beside the block.
        shapes
            Of these arrays.
        others, threads
            As of the other methods.

        Returns
        -------
        sums : tuple of array
            The same bit for bit, whatever the number of processes and threads.
        kept : Blocks
            What the work returned besides.
        """


class LocalBlocks(Blocks[T]):
    """Blocks of a single process.

    Parameters
    ----------
    items
        The blocks.
    """

    def __init__(self, items: Sequence[T]) -> None:
        self._items = tuple(items)

    @property
    def owners(self) -> Sequence[int]:
        """Everything lies here."""
        return (0,) * len(self._items)

    def __len__(self) -> int:
        """Return the number of blocks."""
        return len(self._items)

    def __iter__(self) -> Iterator[T]:
        """Iterate over the blocks."""
        return iter(self._items)

    def beside(self, items: Sequence[R]) -> LocalBlocks[R]:
        """Other things for the same blocks."""
        return LocalBlocks(items)

    def each(
        self, setup: Callable[[], Callable[..., R]], *others: Blocks[Any], threads: int = 1
    ) -> Iterator[R]:
        """Compute the results, in order."""
        work, together = setup(), list(zip(self, *others, strict=True))
        ranges = [(i, i + 1) for i in range(len(together))]
        return map_ranges(lambda i, _: work(*together[i]), ranges, threads)

    def kept(
        self, setup: Callable[[], Callable[..., R]], *others: Blocks[Any], threads: int = 1
    ) -> LocalBlocks[R]:
        """Compute the results and keep them."""
        return LocalBlocks(tuple(self.each(setup, *others, threads=threads)))

    def sums(
        self,
        setup: Callable[[], Callable[..., tuple[Sequence[Array], K]]],
        shapes: Shapes,
        *others: Blocks[Any],
        threads: int = 1,
    ) -> tuple[tuple[Array, ...], LocalBlocks[K]]:
        """Add up arrays in the order of the blocks."""
        totals, kept = tuple(np.zeros(shape) for shape in shapes), []
        for parts, rest in self.each(setup, *others, threads=threads):
            for total, part in zip(totals, parts, strict=True):
                add_in_place(total, part)
            kept.append(rest)
        return totals, LocalBlocks(kept)


def add_in_place(total: Array, part: Array) -> None:
    """Add to a sum; who uses it looks for what is not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        np.add(total, part, out=total)
