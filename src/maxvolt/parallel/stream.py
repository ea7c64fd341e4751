"""Items handed out one by one, each to the process that is free first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue
from typing import Any, Generic, Protocol, TypeVar

from maxvolt.parallel.messages import HEAD
from maxvolt.parallel.requests import Begin, Item, Request
from maxvolt.parallel.store import Done, Failure

__all__ = ["Asking", "ItemStream"]

T = TypeVar("T")
R = TypeVar("R")

_AHEAD = 2
"""Items that a process has at once, so that it does not wait for the next one."""

_WINDOW = 4
"""Items, for each process, that are taken and whose results have not been given; of ordered streams
one that takes long holds back the results behind it."""


class Asking(Protocol):
    """What a stream needs of the head."""

    @property
    def size(self) -> int:
        """Number of processes."""
        ...

    @property
    def helpers(self) -> range:
        """Numbers of the others."""
        ...

    def new_number(self) -> int:
        """Name a request."""
        ...

    def ask(self, number: int, request: Callable[[int], Request]) -> None:
        """Send each helper a request."""
        ...

    def send(self, process: int, request: Request) -> None:
        """Send one helper a request."""
        ...

    def reply(self, number: int) -> tuple[int, Done] | None:
        """The next reply."""
        ...

    def wait(self, happened: Callable[[], bool]) -> None:
        """Wait for something that the helpers do."""
        ...

    def close(self, number: int) -> None:
        """Listen no longer."""
        ...


class ItemStream(Generic[T, R]):
    """One stream of items; arguments as of `Ranks.stream`.

    The head works too, in a thread of its own: its main thread hands out, and hears signals.
    """

    def __init__(
        self,
        head: Asking,
        setup: Callable[[], Callable[[T], R]],
        items: Iterable[T],
        ordered: bool,
    ) -> None:
        self._head = head
        self._setup = setup
        self._waiting = enumerate(items)
        self._ordered = ordered
        self._number = head.new_number()
        self._own = _OwnWork(setup)
        self._with: dict[int, int] = dict.fromkeys(range(head.size), 0)
        self._ready: dict[int, Done] = {}
        self._taken = self._given = 0
        self._more = True

    def results(self) -> Iterator[R]:
        """Hand out, collect, give."""
        self._head.ask(self._number, lambda _: Begin(self._number, self._setup))
        try:
            while self._given < self._taken or self._more:
                self._hand_out()
                if self._given == self._taken:
                    continue
                self._head.wait(self._collected)
                yield from self._take_ready()
        finally:
            self._own.stop()
            self._head.close(self._number)

    def _hand_out(self) -> None:
        """Give items to those that have the fewest, while there are any."""
        while self._more and self._taken - self._given < _WINDOW * self._head.size:
            process = min(self._with, key=lambda one: (self._with[one], one))
            if self._with[process] >= _AHEAD:
                return
            try:
                index, item = next(self._waiting)
            except StopIteration:
                self._more = False
                return
            self._taken += 1
            self._with[process] += 1
            if process == HEAD:
                self._own.give(index, item)
            else:
                self._head.send(process, Item(self._number, index, item))

    def _collected(self) -> bool:
        """Take what is done; say whether the next result can be given."""
        found = [(HEAD, done) for done in self._own.done()]
        while (reply := self._head.reply(self._number)) is not None:
            found.append(reply)
        for process, done in found:
            self._with[process] -= 1
            index = next(iter(done.results)) if done.failure is None else done.failure.block
            self._ready[index] = done
        if found:
            self._hand_out()
        return self._given in self._ready if self._ordered else bool(self._ready)

    def _take_ready(self) -> Iterator[R]:
        """Give what can be given."""
        while self._ready:
            index = self._given if self._ordered else next(iter(self._ready))
            if index not in self._ready:
                return
            done = self._ready.pop(index)
            self._given += 1
            if done.failure is not None:
                raise done.failure.error
            yield done.results[index]


class _OwnWork:
    """The part of the head, in a thread that ends with the stream."""

    def __init__(self, setup: Callable[[], Callable[[Any], Any]]) -> None:
        self._setup = setup
        self._items: SimpleQueue[tuple[int, Any] | None] = SimpleQueue()
        self._done: SimpleQueue[Done] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def give(self, index: int, item: Any) -> None:
        """Add an item."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="maxvolt-head", daemon=True)
            self._thread.start()
        self._items.put((index, item))

    def done(self) -> Iterator[Done]:
        """What is done since this was asked last."""
        while True:
            try:
                yield self._done.get_nowait()
            except Empty:
                return

    def stop(self) -> None:
        """Begin no further item."""
        while not self._items.empty():
            try:
                self._items.get_nowait()
            except Empty:  # the thread has taken it in between
                break
        self._items.put(None)

    def _run(self) -> None:
        work: Callable[[Any], Any] | None = None
        while (given := self._items.get()) is not None:
            index, item = given
            try:
                work = work or self._setup()
                self._done.put(Done({index: work(item)}))
            except Exception as error:  # noqa: BLE001 (raised where the result is asked for)
                self._done.put(Done({}, Failure(index, error)))
