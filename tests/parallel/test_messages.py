"""Waits of processes for each other."""

from __future__ import annotations

import subprocess
import sys

import pytest

from promises import needs


class Communicator:
    """Of a process 0 of 3 whose others say nothing."""

    def Dup(self) -> Communicator:
        return self

    def Get_rank(self) -> int:
        return 0

    def Get_size(self) -> int:
        return 3


def test_a_wait_ends_when_a_process_of_this_machine_has_died() -> None:
    needs("mpi4py")
    from maxvolt.parallel.messages import LostProcessError, Messenger

    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as alive:
        dead = subprocess.Popen([sys.executable, "-c", ""])
        dead.wait()
        messenger = Messenger(Communicator(), {1: alive.pid})
        with pytest.raises(KeyboardInterrupt):  # nothing else ends it
            messenger.wait(interrupted_after(1.5))
        messenger = Messenger(Communicator(), {1: alive.pid, 2: dead.pid})
        with pytest.raises(LostProcessError, match="process 2 of 3 has died"):
            messenger.wait(lambda: False)
        assert not messenger.complete
        messenger = Messenger(Communicator(), {2: dead.pid})
        messenger.released(2)
        with pytest.raises(KeyboardInterrupt):
            messenger.wait(interrupted_after(1.5))
        alive.communicate(b"\n")


def interrupted_after(seconds: float):
    import time

    end = time.monotonic() + seconds

    def happened() -> bool:
        if time.monotonic() > end:
            raise KeyboardInterrupt
        return False

    return happened
