"""Tasks in processes of their own: what they give, and that nothing of them stays."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from maxvolt.errors import FileFormatError, MaxvoltError
from maxvolt.executors.isolation import isolated, pickled_task
from maxvolt.labelling.sessions import session_members
from maxvolt.sampling.processes import ProcessDiedError

HERE = str(Path(__file__).parent)


def perform(function, *arguments):
    error, result = pickle.loads(isolated(pickled_task(function, *arguments), [HERE]))
    if error is not None:
        raise error
    return result


def shout(size: int) -> bytes:
    """Print and write where answers go, fork, and return much."""
    print("loud" * 1000)
    os.write(1, b"louder")
    return b"x" * size


def refuse_file() -> None:
    raise FileFormatError("a.xyz", "is broken", line=3)


class StubbornError(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def raise_stubborn() -> None:
    raise StubbornError(1, 2)


def leave_a_child(path: str) -> int:
    """Start a process that keeps all descriptors open, and die."""
    child = subprocess.Popen(["sleep", "1000"], close_fds=False)
    Path(path).write_text(str(child.pid))
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def hang(path: str) -> None:
    Path(path).write_text(str(os.getpid()))
    time.sleep(1000)


def test_results_come_whole() -> None:
    assert perform(pow, 2, 5) == 32
    assert perform(shout, 10_000_000) == b"x" * 10_000_000


def test_a_process_is_kept_for_the_next_task() -> None:
    assert perform(os.getpid) == perform(os.getpid) != os.getpid()


def test_errors_come_as_they_are() -> None:
    with pytest.raises(FileNotFoundError) as caught:
        perform(os.listdir, "/nowhere/at/all")
    assert "Traceback" in caught.value.__notes__[0]
    with pytest.raises(MaxvoltError, match=r"a\.xyz, line 3: is broken"):
        perform(refuse_file)
    with pytest.raises(RuntimeError, match="StubbornError: 1 and 2"):
        perform(raise_stubborn)


def test_what_cannot_be_pickled_is_refused() -> None:
    with pytest.raises(MaxvoltError, match="no lambda"):
        pickled_task(lambda: 1)


def test_a_process_that_dies(tmp_path: Path) -> None:
    with pytest.raises(ProcessDiedError, match="ended with code 3"):
        perform(os._exit, 3)
    path = tmp_path / "pid"
    with pytest.raises(ProcessDiedError, match="killed by SIGKILL"):
        perform(leave_a_child, str(path))
    child = int(path.read_text())
    give_up = time.monotonic() + 10
    while Path(f"/proc/{child}").exists() and time.monotonic() < give_up:
        time.sleep(0.05)
    assert not Path(f"/proc/{child}").exists()
    assert perform(pow, 2, 2) == 4


def test_nothing_goes_on_for_nobody(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    code = f"import test_isolation as t; t.perform(t.hang, {str(path)!r})"
    paths = os.pathsep.join(
        [HERE, str(Path(HERE).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": paths}
    )
    give_up = time.monotonic() + 60
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < give_up
        time.sleep(0.05)
    child = int(path.read_text())
    assert session_members(child) == [child]
    process.kill()
    process.wait()
    give_up = time.monotonic() + 10
    while session_members(child):
        assert time.monotonic() < give_up
        time.sleep(0.05)
