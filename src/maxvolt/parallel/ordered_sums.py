"""Sums over blocks that lie with several processes, added up in the order of the blocks.

Floating-point sums depend on their order. Each process therefore adds up a slice of the numbers, of
all blocks in their order, and the head puts the slices together: the same bits as one process gets,
and no process has to take in more than its share.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from maxvolt.parallel.blocks import Array, Shapes, add_in_place
from maxvolt.parallel.messages import HEAD, Messenger

__all__ = ["OrderedSum"]

_BYTES = 32 * 2**20
"""Of the arrays that a process holds until they are exchanged."""


class OrderedSum:
    """One sum; every process makes one and goes through the same steps.

    Parameters
    ----------
    messenger
        Of this process.
    owners
        Process of each block.
    shapes
        Of the arrays that each block gives.
    """

    def __init__(self, messenger: Messenger, owners: Sequence[int], shapes: Shapes) -> None:
        self._messenger = messenger
        self._owners = owners
        self._shapes = shapes
        size = sum(math.prod(shape) for shape in shapes)
        self._bounds: list[int] = [size * p // messenger.size for p in range(messenger.size + 1)]
        self._slice = np.zeros(self._width(messenger.rank))

    def _width(self, process: int) -> int:
        return self._bounds[process + 1] - self._bounds[process]

    def rounds(self, threads: int) -> Iterator[range]:
        """Blocks whose arrays are exchanged together, in order."""
        each = max(threads, _BYTES // (8 * max(1, self._bounds[-1])))
        at_once, total = each * self._messenger.size, len(self._owners)
        return (range(i, min(i + at_once, total)) for i in range(0, total, at_once))

    def add(self, blocks: range, own: Mapping[int, Sequence[Array]]) -> None:
        """Exchange the arrays of a round and add them up.

        Parameters
        ----------
        blocks
            Of the round.
        own
            Arrays of those of them that lie here.
        """
        processes, bounds = range(self._messenger.size), self._bounds
        rows = [np.concatenate([np.ravel(part) for part in own[i]]) for i in blocks if i in own]
        sent = [row[bounds[p] : bounds[p + 1]] for p in processes for row in rows]
        width = self._width(self._messenger.rank)
        of_owner = [[i for i in blocks if self._owners[i] == p] for p in processes]
        from_each = [width * len(theirs) for theirs in of_owner]
        received = np.empty(sum(from_each))
        self._messenger.exchange(
            np.concatenate(sent) if sent else np.empty(0),
            [self._width(p) * len(rows) for p in processes],
            received,
            from_each,
        )
        order = [block for theirs in of_owner for block in theirs]
        row_of = {block: row for row, block in enumerate(order)}
        table = received.reshape(len(order), width)
        for block in blocks:
            add_in_place(self._slice, table[row_of[block]])

    def totals(self) -> tuple[Array, ...]:
        """The sums, which the head gets; the others get zeros."""
        messenger = self._messenger
        at_head = messenger.rank == HEAD
        widths = [self._width(p) if at_head else 0 for p in range(messenger.size)]
        whole = np.zeros(self._bounds[-1])
        to_each = [len(self._slice) if p == HEAD else 0 for p in range(messenger.size)]
        messenger.exchange(self._slice, to_each, whole, widths)
        ends = np.cumsum([math.prod(shape) for shape in self._shapes])
        parts = np.split(whole, ends[:-1])
        return tuple(part.reshape(shape) for part, shape in zip(parts, self._shapes, strict=True))
