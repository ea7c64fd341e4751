"""From the command line to a command, and from an error to one line and an exit code."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from functools import partial
from typing import NoReturn

from maxvolt.cli import (
    compile,
    convert,
    cut_neighborhood,
    errors,
    evaluate,
    grade,
    i_pi,
    info,
    label,
    lammps,
    md,
    mindist,
    relax,
    report,
    run,
    select,
    status,
    train,
)
from maxvolt.cli.console import note
from maxvolt.cli.signals import TerminatedError, ending_as_interrupted
from maxvolt.cli.streams import discard, prepare_streams, settle_streams
from maxvolt.errors import MaxvoltError
from maxvolt.parallel.ranks import Ranks
from maxvolt.parallel.session import run_on_ranks

__all__ = ["BAD_INPUT", "INTERRUPTED", "TERMINATED", "main"]

BAD_INPUT = 2
"""Exit code for wrong usage and for input that cannot be used."""

_SIGNALS_FROM = 128

INTERRUPTED = _SIGNALS_FROM + signal.SIGINT
"""Exit code after Ctrl-C, as shells count it: 130."""

TERMINATED = _SIGNALS_FROM + signal.SIGTERM
"""Exit code after a request of the system to end: 143."""

_COMMANDS = (
    train,
    run,
    status,
    report,
    evaluate,
    errors,
    grade,
    select,
    cut_neighborhood,
    md,
    relax,
    lammps,
    i_pi,
    label,
    convert,
    mindist,
    compile,
    info,
)

_ON_RANKS = (train, evaluate, errors, grade, select, relax)
"""Commands whose work several MPI processes share."""

_OF_HELPERS = (
    "maxvolt.fitting.variable_projection.problem",
    "maxvolt.selection.active_set",
    "maxvolt.sampling.runner",
)
"""What the work of these commands needs; it takes seconds to import."""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line and a hint, not the whole usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: error: {message} (see '{self.prog} --help')\n")


class _ShowVersion(argparse.Action):
    """Look the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        import maxvolt

        print(f"maxvolt {maxvolt.__version__}")
        parser.exit()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments
        The words behind ``maxvolt``; those of the process where None.

    Returns
    -------
    exit_code
        0 after success, 2 for wrong usage or unusable input, 130 after Ctrl-C, 143 after SIGTERM.
    """
    prepare_streams()
    try:
        with ending_as_interrupted():
            return run_on_ranks(partial(_run, arguments), _OF_HELPERS)
    except MaxvoltError as error:  # MPI cannot be used
        note(f"maxvolt: error: {error}")
        return BAD_INPUT
    finally:
        settle_streams()


def _run(arguments: Sequence[str] | None, ranks: Ranks) -> int:
    """Run a command; turn what the user can act on into a line and an exit code."""
    program = "maxvolt"
    try:
        options = _parsed(arguments)
        program = f"maxvolt {options.command}"
        options.ranks = ranks
        _check_ranks(options.command, ranks)
        with _warnings_in_one_line():
            options.run(options)
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output (head, less) went away: nothing is wrong.
        discard(sys.stdout)
        return 0
    except KeyboardInterrupt as interrupt:
        number = interrupt.number if isinstance(interrupt, TerminatedError) else signal.SIGINT
        note(f"{program}: {'interrupted' if number == signal.SIGINT else 'terminated'}")
        return _SIGNALS_FROM + number
    except Exception as error:
        message = _for_the_user(error)
        if message is None:
            raise
        note(f"{program}: error: {message}")
        return BAD_INPUT
    return 0


def _check_ranks(command: str, ranks: Ranks) -> None:
    """Refuse several processes for a command that would leave all but one of them idle."""
    able = [module.NAME for module in _ON_RANKS]
    if ranks.size == 1 or command in able:
        return
    instead = (
        "a campaign runs its simulations and calculations in processes of its own and starts "
        "programs that may use MPI themselves; say in the campaign file how many"
        if command == run.NAME
        else f"MPI shares the work of {', '.join(able)}"
    )
    raise MaxvoltError(
        f"was started as {ranks.size} MPI processes; start it once, without mpiexec or srun: "
        f"{instead}"
    )


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


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    options, unknown = _build_parser().parse_known_args(arguments)
    if unknown:  # the parser of the command refers to its own help
        options.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    return options


def _build_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="maxvolt",
        allow_abbrev=False,
        description="Moment tensor potentials: train, check and use them.",
        epilog="'maxvolt COMMAND --help' shows the options of a command, with examples. Exit "
        "codes: 0 done, 2 wrong usage or unusable input, 130 interrupted, 143 terminated.",
    )
    parser.add_argument(
        "--version", action=_ShowVersion, nargs=0, help="print the version and exit"
    )
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=_Parser
    )
    for module in _COMMANDS:
        command = commands.add_parser(
            module.NAME,
            allow_abbrev=False,
            help=module.SUMMARY,
            description=module.DESCRIPTION,
            epilog=f"examples:\n{module.EXAMPLES}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run, parser=command)
    return parser


@contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    """Show warnings, and what the package logs, as a message without a place in the code."""

    def show(message: Warning | str, *_: object, **__: object) -> None:
        note(f"maxvolt: warning: {message}")

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LowerCaseLevel("maxvolt: %(levelname)s: %(message)s"))
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
