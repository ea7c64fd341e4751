"""A program of the command line: from its work to an exit code, from an error to one line."""

from __future__ import annotations

import logging
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from maxvolt.cli.console import note
from maxvolt.cli.signals import TerminatedError, ending_as_interrupted
from maxvolt.cli.streams import discard, prepare_streams, settle_streams
from maxvolt.errors import MaxvoltError
from maxvolt.parallel.ranks import Ranks
from maxvolt.parallel.session import run_on_ranks

__all__ = ["BAD_INPUT", "INTERRUPTED", "TERMINATED", "Program"]

BAD_INPUT = 2
"""Exit code for wrong usage and for input that cannot be used."""

_SIGNALS_FROM = 128

INTERRUPTED = _SIGNALS_FROM + signal.SIGINT
"""Exit code after Ctrl-C, as shells count it: 130."""

TERMINATED = _SIGNALS_FROM + signal.SIGTERM
"""Exit code after a request of the system to end: 143."""


@dataclass(slots=True)
class Program:
    """What runs, and under which name messages speak of it.

    Attributes
    ----------
    family
        Name of the command, before warnings: ``maxvolt``.
    work
        Does what the command line asks for.
    name
        Before errors; ``work`` completes it once it knows: ``maxvolt train``.
    """

    family: str
    work: Callable[[Program, Ranks], None]
    name: str = ""

    def run(self, modules: Sequence[str] = ()) -> int:
        """Run it, on all processes that MPI has started.

        Parameters
        ----------
        modules
            That the other processes import in the beginning.

        Returns
        -------
        exit_code
            0 after success, 2 for wrong usage or unusable input, 130 after Ctrl-C, 143 after
            SIGTERM.
        """
        self.name = self.name or self.family
        prepare_streams()
        try:
            with ending_as_interrupted():
                return run_on_ranks(self._in_first_process, modules)
        except MaxvoltError as error:  # MPI cannot be used
            note(f"{self.family}: error: {error}")
            return BAD_INPUT
        finally:
            settle_streams()

    def _in_first_process(self, ranks: Ranks) -> int:
        """Do the work; turn what the user can act on into a line and an exit code."""
        try:
            with _warnings_in_one_line(self.family):
                self.work(self, ranks)
                sys.stdout.flush()
        except BrokenPipeError:
            # The reader of our output (head, less) went away: nothing is wrong.
            discard(sys.stdout)
            return 0
        except KeyboardInterrupt as interrupt:
            number = interrupt.number if isinstance(interrupt, TerminatedError) else signal.SIGINT
            note(f"{self.name}: {'interrupted' if number == signal.SIGINT else 'terminated'}")
            return _SIGNALS_FROM + number
        except Exception as error:
            message = _for_the_user(error)
            if message is None:
                raise
            note(f"{self.name}: error: {message}")
            return BAD_INPUT
        return 0


def _for_the_user(error: Exception) -> str | None:
    """Return what is to be said of an error that is none of the program's own; None for a bug."""
    if isinstance(error, MaxvoltError):
        return str(error)
    if isinstance(error, OSError):
        where = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        return f"{where}{error.strerror or error}"
    if isinstance(error, MemoryError):
        return "there is not enough memory; use fewer structures, fewer threads or a larger machine"
    if type(error).__module__ == "sqlite3":  # not imported for the sake of its names
        return f"a database cannot be used: {error}"
    if isinstance(error, BrokenExecutor | EOFError):  # EOFError: of the server that forks
        return f"a worker process has died, perhaps for lack of memory: {error}; run again"
    return None


@contextmanager
def _warnings_in_one_line(family: str) -> Iterator[None]:
    """Show warnings, and what the package logs, as a message without a place in the code."""

    def show(message: Warning | str, *_: object, **__: object) -> None:
        note(f"{family}: warning: {message}")

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LowerCaseLevel(f"{family}: %(levelname)s: %(message)s"))
    logger = logging.getLogger("maxvolt")
    logger.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = show
            yield
    finally:
        logger.removeHandler(handler)


class _LowerCaseLevel(logging.Formatter):
    """Write ``warning`` as argparse writes ``error``."""

    def format(self, record: logging.LogRecord) -> str:
        record.levelname = record.levelname.lower()
        return super().format(record)
