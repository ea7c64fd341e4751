"""The process that calculates: ``python -m maxvolt.labelling.worker``.

It reads requests from what was its standard input, a line of JSON each, and answers them on what
was its standard output: first that the calculation begins, which starts the clock, then the
outcome. What the calculators print goes into a file in the folder of the job. Calculators run in
this process and may write into any of its descriptors: each answer stands in a line of its own and
repeats the name of the request, and what does not is ignored.

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
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from maxvolt.errors import DataError, FileFormatError
from maxvolt.labelling.calculation import calculate
from maxvolt.labelling.claims import Claims
from maxvolt.labelling.codes.protocol import MisconfiguredError
from maxvolt.labelling.jobs import JOB, Job, Outcome, Status, finished_outcome, write_result
from maxvolt.labelling.limits import LabelLimits
from maxvolt.labelling.process_state import ProcessState
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
    _Worker().run()


class _Worker:
    """What the process keeps between calculations."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._input, self._output = os.dup(0), os.dup(1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)  # who reads there must neither wait nor take requests away
        os.dup2(2, 1)  # what calculators print must not mix with the answers
        os.close(nothing)
        self._claims: dict[Path, Claims] = {}
        self._requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._idle = threading.Event()
        self._writing = threading.Lock()

    def run(self) -> None:
        """Answer requests."""
        threading.Thread(target=self._listen, daemon=True).start()
        while True:
            self._idle.set()
            request = json.loads(self._requests.get())
            self._idle.clear()
            sys.path[:] = request["sys_path"]
            os.environ.clear()
            os.environ.update(request["environment"])

            def say(message: Mapping[str, Any], name: str = request["request"]) -> None:
                self._write_line({"request": name, **message})

            outcome, reusable = self._answered(request, say)
            say({"reusable": reusable, **outcome.to_dict()})

    def _answered(self, request: Mapping[str, Any], say: _Say) -> tuple[Outcome, bool]:
        """Return an outcome and whether this process may calculate again."""
        path = Path(request["claims"])
        try:
            if path not in self._claims:
                self._claims[path] = Claims(path)
            with self._claims[path].claimed(request["key"]) as mine:
                if not mine:
                    return Outcome(Status.BUSY), True
                return self._work(request, say)
        except MisconfiguredError as error:
            return Outcome(Status.MISCONFIGURED, str(error)), True

    def _work(self, request: Mapping[str, Any], say: _Say) -> tuple[Outcome, bool]:
        """Calculate the job of a folder, unless it is done already."""
        folder = Path(request["folder"])
        try:
            job = replace(Job.read(folder), machine=request["machine"])
            finished = finished_outcome(folder)
            if finished is None:
                _clear(folder)
                (folder / LOG).touch()
        except (FileFormatError, OSError) as error:  # another process has taken the folder away
            return Outcome(Status.GONE, str(error)), True
        if finished is not None:
            return finished, True
        before: list[ProcessState] = []

        def begins() -> None:
            say({"begins": True})
            before.append(self._state())

        with _printing_into(folder / LOG):
            outcome = calculate(job, folder, LabelLimits(**request["limits"]), begins=begins)
            reusable = not before or before == [self._state()]
        self._end_copies()
        outcome = replace(outcome, attempts=int(request["attempt"]))
        with self._writing:  # from here to the end of the block, nobody ends this on purpose
            if outcome.status in (Status.LABELLED, Status.QUARANTINED):
                # Where the calculator has removed the folder, the answer alone must do.
                with suppress(DataError):
                    write_result(folder, outcome)
        return outcome, reusable

    def _state(self) -> ProcessState:
        claims = [claim.descriptor for claim in self._claims.values()]
        return ProcessState.now([self._input, self._output, 0, 1, 2, *claims])

    def _end_copies(self) -> None:
        """End this process where a calculator has forked it and both came back."""
        if os.getpid() != self._process:
            os._exit(1)

    def _listen(self) -> None:
        """Pass requests on; when the other side is gone, end everything."""
        parent = os.getppid()
        rest = b""
        with suppress(OSError):  # a calculator has closed the descriptor: nobody can ask any more
            while os.getppid() == parent:
                if not select.select([self._input], [], [], _ORPHAN_CHECK)[0]:
                    continue
                data = os.read(self._input, 1 << 16)
                if not data:
                    break
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    self._requests.put(line)
        self._idle.wait(_LAST_WORDS)
        with self._writing:
            kill_session(self._process)

    def _write_line(self, message: Mapping[str, Any]) -> None:
        self._end_copies()
        left = b"\n" + json.dumps(message).encode() + b"\n"  # after whatever was written there
        while left:
            left = left[os.write(self._output, left) :]


def _clear(folder: Path) -> None:
    """Remove what an earlier attempt left, so that each begins as the first did."""
    for path in folder.iterdir():
        if path.name == JOB:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


@contextmanager
def _printing_into(path: Path) -> Iterator[None]:
    """Send what this process and its children print into a file."""
    kept = os.dup(1), os.dup(2)
    streams = sys.stdout, sys.stderr
    with path.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # the calculator may have put anything there, closed or None
                stream.flush()
        sys.stdout, sys.stderr = streams
        for number, descriptor in zip((1, 2), kept, strict=True):
            os.dup2(descriptor, number)
            os.close(descriptor)


if __name__ == "__main__":
    main()
