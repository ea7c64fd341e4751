"""The seam between what a campaign computes and where it is computed.

A task is a function that can be pickled, its arguments, and its kind. The kind says what it needs:
scenarios one core each, reference calculations what their program takes, fits all cores of a
machine. For each kind there is an executor of `concurrent.futures`, which takes tasks, hands over
results as they come, cancels what has not begun and shuts down; or None, and then the step runs its
tasks in processes of this machine, with the limits it has there.

What a task gives does not depend on the executor. Tasks write only files of their own (results and
states of scenarios, checkpoints of fits, folders of calculations); everything shared (journal,
labels, training set, potentials) is written by the process that runs the campaign, because a shared
file system gives no good way for several machines to write one file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from enum import StrEnum
from typing import Any, Protocol

from maxvolt.errors import MaxvoltError

__all__ = ["Executors", "GivenExecutors", "Kind", "ThisMachine", "given_executors", "run_task"]


class Kind(StrEnum):
    """What a task needs."""

    SAMPLING = "sampling"
    LABELLING = "labelling"
    FITTING = "fitting"


class Executors(Protocol):
    """An executor for each kind of task."""

    def of(self, kind: Kind) -> Executor | None:
        """Return what takes tasks of a kind; None: this machine does."""

    def threads(self, kind: Kind) -> int | None:
        """Return the number of threads of a task; None for as many as on this machine."""

    def is_apart(self, kind: Kind) -> bool:
        """Whether tasks of a kind take no worker, and no core, from those of other kinds."""

    def close(self) -> None:
        """Give everything back, in the middle of what it does."""


class ThisMachine:
    """Everything runs in processes of this machine."""

    def of(self, kind: Kind) -> Executor | None:
        """Return None."""
        return None

    def threads(self, kind: Kind) -> int | None:
        """Return None."""
        return None

    def is_apart(self, kind: Kind) -> bool:
        """All share this machine."""
        return False

    def close(self) -> None:
        """There is nothing to give back."""


class GivenExecutors:
    """Executors that somebody else has made, which stay open.

    Parameters
    ----------
    executors
        By kind; what is left out runs on this machine.
    """

    def __init__(self, executors: Mapping[Kind, Executor]) -> None:
        self._executors = dict(executors)

    def of(self, kind: Kind) -> Executor | None:
        """Return what was given."""
        return self._executors.get(kind)

    def threads(self, kind: Kind) -> int | None:
        """Return None: nobody knows what the machines of the executor have."""
        return None

    def is_apart(self, kind: Kind) -> bool:
        """Nobody knows where the executors have their workers."""
        return False

    def close(self) -> None:
        """Leave that to whoever has made them."""


def given_executors(given: Executor | Mapping[str, Executor]) -> GivenExecutors:
    """Take one executor, for scenarios and reference calculations, or some by the name of a kind.

    Raises
    ------
    MaxvoltError
        There is no such kind, or something is no executor.
    """
    if not isinstance(given, Mapping):
        given = {Kind.SAMPLING: given, Kind.LABELLING: given}
    kinds = ", ".join(map(repr, map(str, Kind)))
    for name, executor in given.items():
        if name not in list(Kind):
            raise MaxvoltError(f"executor: there is no kind of task {name!r}; use {kinds}")
        if not callable(getattr(executor, "submit", None)):
            raise MaxvoltError(
                f"executor: expected an executor of concurrent.futures, or a mapping of {kinds} to "
                f"executors, found {executor!r}"
            )
    return GivenExecutors({Kind(name): executor for name, executor in given.items()})


def run_task(executor: Executor | None, function: Callable[..., Any], *arguments: Any) -> Any:
    """Run one task and wait for it: here where there is no executor."""
    if executor is None:
        return function(*arguments)
    return executor.submit(function, *arguments).result()
