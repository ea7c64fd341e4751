"""`maxvolt completion`: commands, options and files completed by the shell."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "completion"
SUMMARY = "completion of commands and options for a shell"
DESCRIPTION = """\
Print a script that lets a shell complete commands, options and file names when you press Tab. Let
the shell read it when it starts."""
EXAMPLES = """\
  maxvolt completion bash > ~/.local/share/bash-completion/completions/maxvolt
  maxvolt completion zsh > ~/.zfunc/_maxvolt
  maxvolt completion tcsh > ~/.maxvolt.csh"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "shell", choices=("bash", "zsh", "tcsh"), metavar="SHELL", help="bash, zsh or tcsh"
    )


def run(options: argparse.Namespace) -> None:
    """Print the script."""
    import shtab

    for action in _actions(options.root):
        if action.type is Path:
            action.complete = shtab.FILE  # type: ignore[attr-defined] # read by the library
    print(shtab.complete(options.root, options.shell))


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """All arguments of a parser and of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)
