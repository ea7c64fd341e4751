"""The process that does tasks, one after the other: ``python -m maxvolt.executors.child``.

It reads tasks, pickled functions with their arguments, from its standard input, and answers on what
was its standard output; whatever prints goes to the standard error instead. It leads a session of
its own, so that it can be ended with everything it has started. When its input ends, whoever asked
is gone, and it ends its session: nothing goes on computing for nobody.
"""

from __future__ import annotations

import os
import pickle
import queue
import sys
import threading
import traceback

from maxvolt.errors import MaxvoltError
from maxvolt.labelling.sessions import kill_session

__all__ = ["ANSWER", "main", "perform_pickled"]

ANSWER = b"\nmaxvolt:"
"""Begins an answer, after whatever a library may have written there; then its length, a line."""


def main() -> None:
    """Do tasks until there are no more."""
    requests, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    tasks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests, tasks), daemon=True).start()
    while True:
        paths, task = pickle.loads(tasks.get())
        sys.path += [path for path in paths if path not in sys.path]
        answer = perform_pickled(task)
        left = b"%b%d\n%b" % (ANSWER, len(answer), answer)
        while left:
            left = left[os.write(answers, left) :]


def perform_pickled(task: bytes) -> bytes:
    """Do a pickled task; return the pickled pair of its error, if any, and its result."""
    try:
        function, arguments, options = pickle.loads(task)
        return pickle.dumps((None, function(*arguments, **options)))
    except Exception as error:  # noqa: BLE001 (handed over, as executors do)
        return pickle.dumps((_portable(error), None))


def _portable(error: Exception) -> Exception:
    """Return an error that survives being pickled, and has its traceback as a note."""
    text = "".join(traceback.format_exception(error))
    copy: Exception | None
    try:
        copy = pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001 (an error of a library may raise any other here)
        copy = None
    if copy is None or type(copy) is not type(error) or str(copy) != str(error):
        kind = MaxvoltError if isinstance(error, MaxvoltError) else RuntimeError
        copy = kind(str(error) if kind is MaxvoltError else f"{type(error).__name__}: {error}")
    if not isinstance(error, MaxvoltError):
        copy.add_note(text)
    return copy


def _listen(descriptor: int, tasks: queue.SimpleQueue[bytes]) -> None:
    """Pass tasks on; when the other side is gone, end everything."""
    with os.fdopen(descriptor, "rb", closefd=False) as stream:
        while line := stream.readline():
            task = stream.read(int(line))
            if len(task) == int(line):
                tasks.put(task)
    kill_session(os.getpid())


if __name__ == "__main__":
    main()
