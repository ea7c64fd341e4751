"""The process that runs the program and asks the others for their part of the work."""

from __future__ import annotations

import warnings
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from maxvolt.errors import MaxvoltError
from maxvolt.parallel.blocks import Array, Blocks, Shapes
from maxvolt.parallel.messages import HEAD, Messenger, wait_until
from maxvolt.parallel.ordered_sums import OrderedSum
from maxvolt.parallel.ranks import balanced
from maxvolt.parallel.requests import End, Farewell, Forget, Go, Place, Reply, Request, Sum, Work
from maxvolt.parallel.store import BlockStore, Done
from maxvolt.parallel.stream import ItemStream

__all__ = ["Head", "SpreadBlocks"]

T = TypeVar("T")
R = TypeVar("R")
K = TypeVar("K")

_GRACE = 5.0
"""Seconds that helpers have to end in order after an error; then they are ended."""


class Head:
    """All processes, as `Ranks` has them; made in the first one while the others serve.

    Parameters
    ----------
    messenger
        Of this process.
    """

    def __init__(self, messenger: Messenger) -> None:
        self.messenger = messenger
        self.size = messenger.size
        self.store = BlockStore()
        self._numbers = 0
        self._unneeded: list[int] = []
        self._replies: dict[int, deque[tuple[int, Done]]] = {}
        self._farewells = 0

    def place(self, items: Sequence[T], costs: Sequence[float]) -> Blocks[T]:
        """Put blocks of data to the processes, see `Ranks.place`."""
        return self.placed(items, balanced(costs, self.size))

    def placed(self, items: Sequence[T], owners: Sequence[int]) -> SpreadBlocks[T]:
        """Put each block to its owner."""
        key = self.new_number()
        of_owner: list[dict[int, T]] = [{} for _ in range(self.size)]
        for number, (item, owner) in enumerate(zip(items, owners, strict=True)):
            of_owner[owner][number] = item
        self.store.place(key, of_owner[HEAD])
        for process in self.helpers:
            self.send(process, Place(key, of_owner[process]))
        return SpreadBlocks(self, key, owners)

    def stream(
        self, setup: Callable[[], Callable[[T], R]], items: Iterable[T], *, ordered: bool = True
    ) -> Iterator[R]:
        """Work on items one by one, see `Ranks.stream`."""
        return ItemStream(self, setup, items, ordered).results()

    def end(self, code: int) -> None:
        """Let the helpers end with an exit code; where they do not, after an error, end them."""
        try:
            if self.messenger.complete and not self.messenger.exchanging:
                for process in self.helpers:
                    self.messenger.send(process, End(code))
                if not code:
                    self.messenger.wait(self._all_gone)
                    return
                if wait_until(self._all_gone, _GRACE):
                    return
            self.messenger.abort(code or 1)
        except BaseException:
            self.messenger.abort(code or 1)
            raise

    # ----------------------------------------------------------------- for what stands on it

    @property
    def helpers(self) -> range:
        """Numbers of the other processes."""
        return range(1, self.size)

    def new_number(self) -> int:
        """Name a request or a sequence of blocks."""
        self._numbers += 1
        return self._numbers

    def unneeded(self, key: int) -> None:
        """Note that a sequence of blocks may be dropped; safe where garbage is collected."""
        self._unneeded.append(key)

    def send(self, process: int, request: Request) -> None:
        """Send a request to one helper."""
        if self.messenger.exchanging or not self.messenger.complete:
            raise MaxvoltError("the processes of this run have lost each other; start it again")
        self.messenger.send(process, request)

    def ask(self, number: int, request: Callable[[int], Request]) -> None:
        """Send each helper its request; replies to this number are listened for from now on."""
        if self._unneeded:
            unneeded, self._unneeded = self._unneeded, []
            self.store.forget(unneeded)
            for process in self.helpers:
                self.send(process, Forget(unneeded))
        self._replies[number] = deque()
        for process in self.helpers:
            self.send(process, request(process))

    def close(self, number: int) -> None:
        """Listen no longer for replies to a number."""
        self._replies.pop(number, None)

    def reply(self, number: int) -> tuple[int, Done] | None:
        """The next reply to a number and who sent it; None where there is none yet."""
        while (message := self.messenger.received()) is not None:
            self._take(*message)
        replies = self._replies[number]
        return replies.popleft() if replies else None

    def wait(self, happened: Callable[[], bool]) -> None:
        """Wait for something that the helpers do."""
        self.messenger.wait(happened)

    def gather(self, number: int, own: Done) -> dict[int, Any]:
        """Results of all processes by block; raises the first error of any."""
        done = [own]
        for _ in self.helpers:
            found: list[tuple[int, Done]] = []

            def arrived(found: list[tuple[int, Done]] = found) -> bool:
                reply = self.reply(number)
                if reply is not None:
                    found.append(reply)
                return reply is not None

            self.wait(arrived)
            done.append(found[0][1])
        failures = [one.failure for one in done if one.failure is not None]
        if failures:
            raise min(failures, key=lambda failure: failure.block).error
        return {block: result for one in done for block, result in one.results.items()}

    def _take(self, process: int, message: Any) -> None:
        if isinstance(message, Farewell):
            self.messenger.released(process)
            self._farewells += 1
            return
        assert isinstance(message, Reply)
        if message.number in self._replies:
            for category, text in message.warnings:
                warnings.warn(text, category, stacklevel=2)
            self._replies[message.number].append((process, message.done))

    def _all_gone(self) -> bool:
        self._replies.clear()
        while (message := self.messenger.received()) is not None:
            self._take(*message)
        return self._farewells == len(self.helpers)


def _itself() -> Callable[[T], T]:
    return lambda item: item


class SpreadBlocks(Blocks[T]):
    """Blocks that lie with several processes, see `Blocks`.

    Parameters
    ----------
    head
        Where it is asked.
    key
        Name of the sequence.
    owners
        Process of each block.
    """

    def __init__(self, head: Head, key: int, owners: Sequence[int]) -> None:
        self._head = head
        self._owners = owners
        self.key = key
        weakref.finalize(self, head.unneeded, key)

    @property
    def owners(self) -> Sequence[int]:
        """Number of the process that each block lies with."""
        return self._owners

    def __len__(self) -> int:
        """Return the number of blocks."""
        return len(self._owners)

    def __iter__(self) -> Iterator[T]:
        """Bring the blocks here."""
        return self.each(_itself)

    def beside(self, items: Sequence[R]) -> SpreadBlocks[R]:
        """Other things, put where the blocks of the same number lie."""
        return self._head.placed(items, self.owners)

    def each(
        self, setup: Callable[[], Callable[..., R]], *others: Blocks[Any], threads: int = 1
    ) -> Iterator[R]:
        """Compute results and bring them here: a few, and more the longer they are asked for."""
        begin, at_once = 0, self._head.size * threads
        while begin < len(self):
            chosen = range(begin, min(begin + at_once, len(self)))
            results = self._worked(setup, others, chosen, threads, None)
            yield from (results[block] for block in chosen)
            begin, at_once = chosen.stop, 2 * at_once

    def kept(
        self, setup: Callable[[], Callable[..., R]], *others: Blocks[Any], threads: int = 1
    ) -> SpreadBlocks[R]:
        """Compute results and keep them where they are."""
        key = self._head.new_number()
        kept: SpreadBlocks[R] = SpreadBlocks(self._head, key, self.owners)
        self._worked(setup, others, range(len(self)), threads, key)
        return kept

    def sums(
        self,
        setup: Callable[[], Callable[..., tuple[Sequence[Array], K]]],
        shapes: Shapes,
        *others: Blocks[Any],
        threads: int = 1,
    ) -> tuple[tuple[Array, ...], SpreadBlocks[K]]:
        """Add up arrays in the order of the blocks."""
        head, keys = self._head, self._keys(others)
        number, key = head.new_number(), head.new_number()
        kept: SpreadBlocks[K] = SpreadBlocks(head, key, self.owners)
        head.ask(number, lambda _: Sum(number, setup, keys, self.owners, shapes, threads, key))
        total = OrderedSum(head.messenger, self.owners, shapes)
        head.store.place(key, {})
        try:
            for blocks in total.rounds(threads):
                own = [block for block in blocks if self.owners[block] == HEAD]
                done = head.store.work(setup, keys, own, threads)
                head.gather(number, done)
                for process in head.helpers:
                    head.send(process, Go(number))
                total.add(blocks, {block: parts for block, (parts, _) in done.results.items()})
                rest = {block: rest for block, (_, rest) in done.results.items()}
                head.store.place(key, rest)
            return total.totals(), kept
        finally:
            head.close(number)

    def _worked(
        self,
        setup: Callable[[], Callable[..., Any]],
        others: Sequence[Blocks[Any]],
        chosen: range,
        threads: int,
        keep: int | None,
    ) -> dict[int, Any]:
        """Results of some blocks by number; none of those that are kept where they are."""
        head, keys, number = self._head, self._keys(others), self._head.new_number()

        def of(process: int) -> list[int]:
            return [block for block in chosen if self.owners[block] == process]

        head.ask(number, lambda p: Work(number, setup, keys, of(p), threads, keep))
        try:
            done = head.store.work(setup, keys, of(HEAD), threads)
            if keep is not None:
                head.store.place(keep, done.results)
            return head.gather(number, done)
        finally:
            head.close(number)

    def _keys(self, others: Sequence[Blocks[Any]]) -> list[int]:
        keys = [self.key]
        for other in others:
            assert isinstance(other, SpreadBlocks)
            assert list(other.owners) == list(self.owners)
            keys.append(other.key)
        return keys
