"""A process that waits for requests of the head and answers them."""

from __future__ import annotations

import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from threadpoolctl import threadpool_limits

from maxvolt.parallel.messages import HEAD, LostProcessError, Messenger, wait_until
from maxvolt.parallel.ordered_sums import OrderedSum
from maxvolt.parallel.requests import (
    Begin,
    End,
    Farewell,
    Forget,
    Go,
    Item,
    Place,
    Reply,
    Request,
    Sum,
    Work,
)
from maxvolt.parallel.store import BlockStore, Done

__all__ = ["serve"]

_GRACE = 10.0
"""Seconds in which the head may end all in order, after this process was asked to end."""

_TERMINATED = 128 + signal.SIGTERM


def serve(messenger: Messenger, modules: Sequence[str] = ()) -> int:
    """Answer requests until the head ends; return the exit code that it gives.

    Ctrl-C is for the head, which hears it too. A request of the system to end this process alone
    ends all of them.

    Parameters
    ----------
    messenger
        Of this process.
    modules
        Imported first; what else the work needs is imported with it.
    """
    helper = _Helper(messenger)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with threadpool_limits(1, user_api="blas"):  # as in the head, where sums depend on it
            for module in modules:
                import_module(module)
            return helper.serve()
    except KeyboardInterrupt:
        said = f"process {messenger.rank} of {messenger.size} was terminated"
        return helper.end_all_unless_the_head_does(said, _TERMINATED)
    except LostProcessError as error:
        return helper.end_all_unless_the_head_does(f"error: {error}", 1)
    except BaseException:  # the others would wait for this process for ever
        traceback.print_exc()
        messenger.abort(1)
        raise


class _Helper:
    def __init__(self, messenger: Messenger) -> None:
        self._messenger = messenger
        self._store = BlockStore()
        self._streams: dict[int, Callable[[Any], Any]] = {}

    def serve(self) -> int:
        """Answer until the end."""
        request = self._next()
        while not isinstance(request, End):
            request = self._answer(request) or self._next()
        return self._ended(request)

    def end_all_unless_the_head_does(self, message: str, code: int) -> int:
        """Leave it to the head to say why all end; say it here where it does not end soon."""
        of_head = self._wait_for_end(_GRACE)
        if of_head is not None:
            return of_head
        print(f"maxvolt: {message}", file=sys.stderr, flush=True)
        self._messenger.abort(code)
        return code

    def _wait_for_end(self, seconds: float) -> int | None:
        """Exit code of the head, if it ends so soon; other requests are not heard."""
        found: list[End] = []

        def ended() -> bool:
            message = None if self._messenger.exchanging else self._messenger.received(HEAD)
            if message is not None and isinstance(message[1], End):
                found.append(message[1])
            return bool(found)

        return self._ended(found[0]) if wait_until(ended, seconds) else None

    def _ended(self, end: End) -> int:
        self._messenger.send(HEAD, Farewell())
        wait_until(self._messenger.all_sent)
        return end.code

    def _next(self) -> Request:
        request: Request = self._messenger.wait_for_message(HEAD)[1]
        return request

    def _answer(self, request: Request) -> Request | None:
        """Do what is asked; return the next request where it has come already."""
        match request:
            case Place():
                self._store.place(request.key, request.items)
            case Forget():
                self._store.forget(request.keys)
            case Begin():
                self._streams = {request.number: _made_once(request.setup)}
            case Item():
                self._item(request)
            case Work():
                self._work(request)
            case Sum():
                return self._sum(request)
        return None

    def _item(self, request: Item) -> None:
        work = self._streams.get(request.number)
        if work is None:  # of a stream that nobody reads any more
            return
        alone = BlockStore()
        alone.place(0, {request.index: request.item})
        self._reply(request.number, lambda: alone.work(lambda: work, [0], [request.index], 1))

    def _work(self, request: Work) -> None:
        def work() -> Done:
            done = self._store.work(request.setup, request.keys, request.chosen, request.threads)
            if request.keep is None:
                return done
            self._store.place(request.keep, done.results)
            return Done({}, done.failure)

        self._reply(request.number, work)

    def _sum(self, request: Sum) -> Request | None:
        total = OrderedSum(self._messenger, request.owners, request.shapes)
        rank = self._messenger.rank
        self._store.place(request.keep, {})
        for blocks in total.rounds(request.threads):
            chosen = [block for block in blocks if request.owners[block] == rank]
            results: dict[int, Any] = {}

            def work(
                chosen: list[int] = chosen, results: dict[int, Any] = results
            ) -> Done:  # of this round
                done = self._store.work(request.setup, request.keys, chosen, request.threads)
                results.update(done.results)
                return Done({}, done.failure)

            self._reply(request.number, work)
            answer = self._next()
            if answer != Go(request.number):
                return answer
            total.add(blocks, {block: parts for block, (parts, _) in results.items()})
            self._store.place(request.keep, {block: rest for block, (_, rest) in results.items()})
        total.totals()
        return None

    def _reply(self, number: int, work: Callable[[], Done]) -> None:
        with warnings.catch_warnings(record=True) as caught:
            done = work()
        told = [(warning.category, str(warning.message)) for warning in caught]
        self._messenger.send(HEAD, Reply(number, done, told))


def _made_once(setup: Callable[[], Callable[[Any], Any]]) -> Callable[[Any], Any]:
    """Set work up with the first item, so that an error of it is one of the item."""
    made: list[Callable[[Any], Any]] = []

    def work(item: Any) -> Any:
        if not made:
            made.append(setup())
        return made[0](item)

    return work
