"""From a line with `mlp` to the command that it names."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial

from maxvolt.cli.application import OF_HELPERS
from maxvolt.cli.console import note
from maxvolt.cli.program import Program
from maxvolt.errors import MaxvoltError, nearest_name
from maxvolt.mlp.command import Command
from maxvolt.mlp.commands import COMMANDS
from maxvolt.mlp.help import help_of, help_of_all, list_of
from maxvolt.mlp.words import read_call
from maxvolt.parallel.ranks import Ranks

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line of `mlp`.

    Parameters
    ----------
    arguments
        The words behind ``mlp``; those of the process where None.

    Returns
    -------
    exit_code
        As of `maxvolt`.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    return Program("mlp", partial(_run, words)).run(OF_HELPERS)


def _run(words: list[str], program: Program, ranks: Ranks) -> None:
    if not words or words[0] in ("help", "--help", "-h"):
        _help(words[1:])
        return
    if words == ["list"]:
        print(list_of(COMMANDS))
        return
    if words == ["--version"]:
        import maxvolt

        print(f"mlp of maxvolt {maxvolt.__version__}")
        return
    name = words[0]
    command = _named(name)
    program.name = f"mlp {name}"
    if "--help" in words[1:]:
        print(help_of(command), end="")
        return
    call = read_call(command, name, words[1:])
    call.ranks = ranks
    if ranks.size > 1 and not command.on_ranks:
        note(f"mlp {name}: note: one of the {ranks.size} processes does the work")
    command.run(call)


def _help(words: list[str]) -> None:
    if not words:
        print(help_of_all(COMMANDS), end="")
        return
    print("\n".join(help_of(_named(name)) for name in words), end="")


def _named(name: str) -> Command:
    names = {known: command for command in COMMANDS for known in command.names.values()}
    if name in names:
        return names[name]
    near = nearest_name(name, [*names, "list", "help"])
    hint = f"did you mean '{near}'? " if near else ""
    raise MaxvoltError(f"'{name}' is no command; {hint}'mlp list' shows all")
