"""The blocks that lie with one process, and work on them."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from maxvolt.errors import MaxvoltError
from maxvolt.threads import map_ranges

__all__ = ["BlockStore", "Done", "Failure", "RemoteError"]


class RemoteError(RuntimeError):
    """Something unexpected has happened in another process; the message is its traceback."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error that travels.

    Attributes
    ----------
    block
        Number of the block or item whose work has failed.
    error
        What was raised, or what stands for it.
    """

    block: int
    error: Exception

    @classmethod
    def of(cls, block: int, error: Exception) -> Failure:
        """Make an error ready to travel."""
        if isinstance(error, MaxvoltError | OSError | MemoryError) and _survives(error):
            return cls(block, error)
        if isinstance(error, MaxvoltError):
            return cls(block, MaxvoltError(str(error)))
        return cls(block, RemoteError("".join(traceback.format_exception(error)).rstrip()))


def _survives(error: Exception) -> bool:
    try:
        return str(pickle.loads(pickle.dumps(error))) == str(error)
    except Exception:  # noqa: BLE001 (whatever the class of an error does when it is made again)
        return False


@dataclass(frozen=True, slots=True)
class Done:
    """What came out of work on some blocks.

    Attributes
    ----------
    results
        By the number of the block.
    failure
        The first error; blocks behind it have no results.
    """

    results: dict[int, Any]
    failure: Failure | None = None


class BlockStore:
    """Blocks by the name of their sequence and their number in it."""

    def __init__(self) -> None:
        self._blocks: dict[int, dict[int, Any]] = {}

    def place(self, key: int, items: Mapping[int, Any]) -> None:
        """Keep blocks."""
        self._blocks.setdefault(key, {}).update(items)

    def forget(self, keys: Iterable[int]) -> None:
        """Drop sequences that nobody needs any more."""
        for key in keys:
            self._blocks.pop(key, None)

    def own(self, key: int) -> list[int]:
        """Numbers of the blocks of a sequence that lie here."""
        return sorted(self._blocks.get(key, ()))

    def work(
        self,
        setup: Callable[[], Callable[..., Any]],
        keys: Sequence[int],
        chosen: Sequence[int],
        threads: int,
    ) -> Done:
        """Work on some blocks of one or several sequences.

        Parameters
        ----------
        setup, threads
            As of `Blocks`.
        keys
            Sequences whose blocks are taken together.
        chosen
            Numbers of blocks, ascending.
        """
        results: dict[int, Any] = {}
        if not chosen:
            return Done(results)
        waiting = iter(chosen)
        try:
            for result in self._computed(setup(), keys, chosen, threads):
                results[next(waiting)] = result
        except Exception as error:  # noqa: BLE001 (it travels to the head, which raises it)
            return Done(results, Failure.of(next(waiting), error))
        return Done(results)

    def _computed(
        self, work: Callable[..., Any], keys: Sequence[int], chosen: Sequence[int], threads: int
    ) -> Iterator[Any]:
        together = [[self._blocks[key][block] for key in keys] for block in chosen]
        ranges = [(i, i + 1) for i in range(len(chosen))]
        return map_ranges(lambda i, _: work(*together[i]), ranges, threads)
