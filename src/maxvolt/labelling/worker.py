"""The process that calculates: ``python -m maxvolt.labelling.worker``.

It reads requests from its standard input, a line of JSON each, and answers them on what was its
standard output: first that the calculation begins, which starts the clock, then the outcome. What
the calculators print goes into a file in the folder of the job.

The process leads a session of its own, so that a calculation can be ended with all it started. When
whoever asked is gone (the input ends, or the parent changed), the process ends its session too:
nothing goes on calculating for nobody. Only what is just about to finish is finished first.
"""

from __future__ import annotations

import json
import os
import queue
import select
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from maxvolt.errors import FileFormatError
from maxvolt.labelling.calculation import calculate
from maxvolt.labelling.claims import Claims
from maxvolt.labelling.jobs import JOB, Job, Outcome, Status, read_result, write_result
from maxvolt.labelling.limits import LabelLimits
from maxvolt.labelling.sessions import kill_session

__all__ = ["LOG", "main"]

LOG = "printed.txt"
"""File in the folder of a job for what the calculator prints."""

_ORPHAN_CHECK = 1.0
"""Seconds between looks at whether the parent still lives."""

_LAST_WORDS = 0.5
"""Seconds for a calculation to finish when nobody waits for it any more: short ones always do, and
of long ones hardly any is interrupted between its end and the writing of its result."""

_Say = Callable[[Mapping[str, Any]], None]


def main() -> None:
    """Answer requests until there are no more."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what calculators print must not mix with the answers
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    writing = threading.Lock()
    idle = threading.Event()
    threading.Thread(target=_listen, args=(requests, idle, writing), daemon=True).start()

    def say(message: Mapping[str, Any]) -> None:
        _write_line(answers, message)

    claims: dict[Path, Claims] = {}
    while True:
        idle.set()
        request = json.loads(requests.get())
        idle.clear()
        sys.path[:] = request["sys_path"]
        os.environ.clear()
        os.environ.update(request["environment"])
        folder = Path(request["folder"])
        claim_file = Path(request["claims"])
        limits = LabelLimits(max_force=request["max_force"])
        attempt = int(request["attempt"])
        try:
            if claim_file not in claims:
                claims[claim_file] = Claims(claim_file)
            with claims[claim_file].claimed(request["key"]) as mine:
                outcome = (
                    _work(folder, limits, attempt, writing, say) if mine else Outcome(Status.BUSY)
                )
        except Exception as error:  # noqa: BLE001 - no fault of the structure: say it upstairs
            outcome = Outcome(Status.MISCONFIGURED, f"{type(error).__name__}: {error}")
        say(outcome.to_dict())


def _work(
    folder: Path, limits: LabelLimits, attempt: int, writing: threading.Lock, say: _Say
) -> Outcome:
    """Calculate the job of a folder, unless it is done already."""
    try:
        job = Job.read(folder)
        finished = read_result(folder)
    except FileFormatError:
        if not (folder / JOB).exists():
            return Outcome(Status.GONE)
        raise
    if finished is not None:
        return finished
    _clear(folder)
    with _printing_into(folder / LOG):
        outcome = calculate(job, folder, limits, begins=lambda: say({"begins": True}))
    with writing:  # from here to the end of the block, nobody ends this process on purpose
        outcome = replace(outcome, attempts=attempt)
        if outcome.status in (Status.LABELLED, Status.QUARANTINED):
            write_result(folder, outcome)
    return outcome


def _clear(folder: Path) -> None:
    """Remove what an earlier attempt left, so that each begins as the first did."""
    for path in folder.iterdir():
        if path.name == JOB:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _listen(
    requests: queue.SimpleQueue[bytes], idle: threading.Event, writing: threading.Lock
) -> None:
    """Pass requests on; when the other side is gone, end everything."""
    parent = os.getppid()
    rest = b""
    while os.getppid() == parent:
        if not select.select([0], [], [], _ORPHAN_CHECK)[0]:
            continue
        data = os.read(0, 1 << 16)
        if not data:
            break
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            requests.put(line)
    idle.wait(_LAST_WORDS)
    with writing:
        kill_session(os.getpid())


@contextmanager
def _printing_into(path: Path) -> Iterator[None]:
    """Send what this process and its children print into a file."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with path.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, descriptor in zip((1, 2), kept, strict=True):
            os.dup2(descriptor, number)
            os.close(descriptor)


def _write_line(stream: BinaryIO, message: Mapping[str, Any]) -> None:
    stream.write(json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    main()
