"""From the command line to a command, and from an error to one line and an exit code."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from maxvolt.cli import (
    convert,
    cut_neighborhood,
    errors,
    evaluate,
    grade,
    info,
    label,
    md,
    mindist,
    relax,
    report,
    run,
    select,
    status,
    train,
)
from maxvolt.errors import MaxvoltError

__all__ = ["BAD_INPUT", "INTERRUPTED", "main"]

BAD_INPUT = 2
"""Exit code for wrong usage and for input that cannot be used."""

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells count it: 128 + SIGINT."""

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
    label,
    convert,
    mindist,
    info,
)


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
        0 after success, 2 for wrong usage or unusable input, 130 after Ctrl-C.
    """
    options, unknown = _build_parser().parse_known_args(arguments)
    if unknown:  # the parser of the command refers to its own help
        options.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    program = f"maxvolt {options.command}"
    try:
        with _warnings_in_one_line():
            options.run(options)
            sys.stdout.flush()
    except MaxvoltError as error:
        return _complain(program, str(error))
    except BrokenPipeError:
        # The reader of our output (head, less) went away: nothing is wrong. Python flushes stdout
        # once more at exit, which must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename is not None else ""
        return _complain(program, f"{where}{error.strerror or error}")
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        return INTERRUPTED
    return 0


def _build_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="maxvolt",
        allow_abbrev=False,
        description="Moment tensor potentials: train, check and use them.",
        epilog="'maxvolt COMMAND --help' shows the options of a command, with examples.",
    )
    parser.add_argument(
        "--version", action=_ShowVersion, nargs=0, help="print the version and leave"
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


def _complain(program: str, message: str) -> int:
    print(f"{program}: error: {message}", file=sys.stderr)
    return BAD_INPUT


@contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    """Show warnings, and what the package logs, as a message without a place in the code."""

    def show(message: Warning | str, *_: object, **__: object) -> None:
        print(f"maxvolt: warning: {message}", file=sys.stderr)

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
