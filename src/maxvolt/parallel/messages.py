"""Messages between processes, and waits that end where a signal comes or a process has died.

MPI's own waits keep a core busy and hear no signal. These ask again and again, at once in the
beginning and then every millisecond, so that Ctrl-C is heard and the cores are left to others.
Numbers on their way move on only when they are asked for, a few at a time: there it is asked at
once for longer. Most launchers end all processes where one is killed; srun does not, unless it is
asked to.
"""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mpi4py import MPI

from maxvolt.errors import MaxvoltError
from maxvolt.parallel.blocks import Array

__all__ = ["HEAD", "LostProcessError", "Messenger", "wait_until"]

HEAD = 0
"""Number of the process that runs the program."""

_TAG = 1
_AT_ONCE, _LATER = 2e-3, 1e-3
"""Seconds for which a wait asks again at once, and after which it asks again then."""

_ON_THE_WAY = 0.25
"""Seconds for which a wait for what is being sent asks again at once."""

_BETWEEN_LOOKS = 1.0
"""Seconds of a wait after which it looks whether the processes of this machine are alive."""


class LostProcessError(MaxvoltError):
    """A process of this run has died."""


def wait_until(
    happened: Callable[[], bool], seconds: float = float("inf"), at_once: float = _AT_ONCE
) -> bool:
    """Wait for something, at most for so long; return whether it has happened."""
    began = time.perf_counter()
    while not happened():
        waited = time.perf_counter() - began
        if waited > seconds:
            return False
        time.sleep(0.0 if waited < at_once else _LATER)
    return True


class Messenger:
    """Sends and receives for one process.

    Parameters
    ----------
    communicator
        Of all processes; it is duplicated, so that other messages in it do not matter.
    neighbors
        Process identifiers of the other processes of this machine, by their number.
    """

    def __init__(self, communicator: MPI.Intracomm, neighbors: Mapping[int, int]) -> None:
        self._communicator = communicator.Dup()
        self._neighbors = dict(neighbors)
        self._sent: list[tuple[MPI.Request, bytes]] = []
        self.rank = communicator.Get_rank()
        self.size = communicator.Get_size()
        self.exchanging = False
        """Whether an exchange among all has begun and not ended: nothing else can be done then."""
        self.complete = True
        """Whether all processes are alive, as far as is known."""

    def send(self, to: int, message: Any) -> None:
        """Send what can be pickled, without waiting until it has arrived."""
        data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        self.all_sent()
        request = self._communicator.Isend([data, MPI.BYTE], dest=to, tag=_TAG)
        self._sent.append((request, data))

    def all_sent(self) -> bool:
        """Whether everything has been sent; asking lets MPI go on with it."""
        self._sent = [(request, data) for request, data in self._sent if not request.Test()]
        return not self._sent

    def received(self, source: int = MPI.ANY_SOURCE) -> tuple[int, Any] | None:
        """The next message and who sent it; None where there is none yet."""
        self.all_sent()
        status = MPI.Status()
        message = self._communicator.Improbe(source, _TAG, status)
        if message is None:
            return None
        data = bytearray(status.Get_count(MPI.BYTE))
        request = message.Irecv([data, MPI.BYTE])
        self.wait(lambda: bool(request.Test()), _ON_THE_WAY)
        return status.Get_source(), pickle.loads(data)

    def wait_for_message(self, source: int = MPI.ANY_SOURCE) -> tuple[int, Any]:
        """Wait for the next message; return who sent it, and the message."""
        found: list[tuple[int, Any]] = []

        def arrived() -> bool:
            message = self.received(source)
            if message is not None:
                found.append(message)
            return message is not None

        self.wait(arrived)
        return found[0]

    def released(self, rank: int) -> None:
        """Note that a process may end from now on."""
        self._neighbors.pop(rank, None)

    def wait(self, happened: Callable[[], bool], at_once: float = _AT_ONCE) -> None:
        """Wait for something that other processes do.

        Parameters
        ----------
        happened
            Whether they have.
        at_once
            Seconds for which it is asked again at once.

        Raises
        ------
        LostProcessError
            One of this machine has died.
        """
        while not wait_until(happened, _BETWEEN_LOOKS, at_once):
            for rank, identifier in self._neighbors.items():
                if not _is_alive(identifier):
                    self.complete = False
                    raise LostProcessError(
                        f"process {rank} of {self.size} has died: killed, perhaps for lack of "
                        "memory; start again, a training with a checkpoint by --restart"
                    )

    def exchange(
        self, sent: Array, of_each: Sequence[int], received: Array, from_each: Sequence[int]
    ) -> None:
        """Give each process its part of an array and take a part from each, all at once.

        Parameters
        ----------
        sent : shape (sum of `of_each`,)
            Numbers for process 0, then for process 1, ...
        of_each, from_each
            How many.
        received : shape (sum of `from_each`,)
            Where to put what the others give.
        """
        self.exchanging = True
        request = self._communicator.Ialltoallv(
            [sent, (of_each, _places(of_each)), MPI.DOUBLE],
            [received, (from_each, _places(from_each)), MPI.DOUBLE],
        )
        self.wait(lambda: bool(request.Test()), _ON_THE_WAY)
        self.exchanging = False

    def abort(self, code: int) -> None:
        """End all processes at once."""
        self._communicator.Abort(code)


def _is_alive(identifier: int) -> bool:
    try:
        os.kill(identifier, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of another user, who has got its number
        return False
    return True


def _places(counts: Sequence[int]) -> list[int]:
    return [sum(counts[:i]) for i in range(len(counts))]
