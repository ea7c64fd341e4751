"""Who takes part in a computation: this process alone, or several that MPI has started.

Nothing heavy is imported here: every command has one or the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from maxvolt.parallel.blocks import Blocks

__all__ = ["ONE_PROCESS", "OneProcess", "Ranks", "balanced"]

T = TypeVar("T")
R = TypeVar("R")


class Ranks(Protocol):
    """The processes that share work; asked by the head alone, which takes its own part of it."""

    @property
    def size(self) -> int:
        """Number of processes."""
        ...

    def place(self, items: Sequence[T], costs: Sequence[float]) -> Blocks[T]:
        """Put blocks of data to the processes, so that each gets about the same cost.

        Parameters
        ----------
        items
            The blocks, to be pickled.
        costs
            How long work on each takes, in any unit.
        """
        ...

    def stream(
        self,
        setup: Callable[[], Callable[[T], R]],
        items: Iterable[T],
        *,
        ordered: bool = True,
    ) -> Iterator[R]:
        """Work on items one by one, each in the process that is free first.

        Parameters
        ----------
        setup
            Called once in each process; returns what is called with each item. It travels, as the
            items and the results do: all must be possible to pickle.
        items
            Taken little by little, so that there may be any number of them.
        ordered
            Whether results come in the order of the items, or as they are done.

        Yields
        ------
        result
            Of one item. An error of the work is raised in its place.
        """
        ...


class OneProcess:
    """Stands for several processes where there is one."""

    size = 1

    def place(self, items: Sequence[T], costs: Sequence[float]) -> Blocks[T]:
        """Keep all here; costs do not matter."""
        from maxvolt.parallel.blocks import LocalBlocks

        return LocalBlocks(items)

    def stream(
        self,
        setup: Callable[[], Callable[[T], R]],
        items: Iterable[T],
        *,
        ordered: bool = True,
    ) -> Iterator[R]:
        """Work on the items one after the other."""
        work = setup()
        for item in items:
            yield work(item)


ONE_PROCESS = OneProcess()


def balanced(costs: Sequence[float], processes: int) -> list[int]:
    """Give each block to a process: the dearest first, each to the one with least to do.

    Parameters
    ----------
    costs
        Of the blocks.
    processes
        How many there are.

    Returns
    -------
    owners : list of int
        Number of the process of each block.
    """
    loads, owners = [0.0] * processes, [0] * len(costs)
    for block in sorted(range(len(costs)), key=lambda i: -costs[i]):
        owner = min(range(processes), key=loads.__getitem__)
        loads[owner] += costs[block]
        owners[block] = owner
    return owners
