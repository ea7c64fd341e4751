"""``mlp list`` and ``mlp help``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from maxvolt.mlp.command import OWN, Command, Option

__all__ = ["help_of", "help_of_all", "list_of"]

_WIDTH = 80


def list_of(commands: Sequence[Command]) -> str:
    """All commands, one a line: names and summary."""
    names = [_names(command) for command in commands]
    width = max(map(len, names), default=0)
    lines = (
        f"{name:<{width}}  {command.summary}" for name, command in zip(names, commands, strict=True)
    )
    return "\n".join(lines)


def help_of_all(commands: Sequence[Command]) -> str:
    """What `mlp` is, and its commands."""
    return f"""\
mlp: the commands of MLIP-2 and MLIP-3, by maxvolt

Usage:
    mlp COMMAND FILES... [--option=value ...]   run a command; a bare --option means true
    mlp list                                    list the commands
    mlp help COMMAND                            what a command takes, with its options
    mpirun -n 4 mlp COMMAND ...                 share the work of a command

Names with hyphens are those of MLIP-2, with underscores those of MLIP-3. Where a name belongs to
both, options and files decide (.almtp: MLIP-3); MLIP_VERSION=2 or 3 in the environment decides what
they leave open.

{list_of(commands)}
"""


def help_of(command: Command) -> str:
    """Files and options of a command."""
    parts = [f"{_names(command)}: {command.summary}\n"]
    for version, name in sorted(command.names.items()):
        title = "" if version == OWN else f"MLIP-{version}:\n"
        usage = f"    mlp {name} {command.files[version]}".rstrip()
        options = command.options_of(version)
        usage += " [--option=value ...]" if options or command.takes_others else ""
        parts.append(title + usage + "\n" + "".join(map(_described, options)))
    if command.details:
        parts.append(command.details.strip() + "\n")
    return "\n".join(parts)


def _names(command: Command) -> str:
    return ", ".join(dict.fromkeys(name for _, name in sorted(command.names.items())))


def _described(option: Option) -> str:
    default = option.default
    value = "" if default is None or default == "" else f"={_text(default)}"
    head = f"        --{option.name}{value}" + (f", -{option.short}" if option.short else "")
    return head + "\n" + "\n".join(_wrapped(option)) + "\n"


def _wrapped(option: Option) -> Iterator[str]:
    said = [option.help]
    for what, why in (
        ("not available here", option.refused),
        ("makes no difference here", option.ignored),
        ("here", option.differs),
    ):
        if why:
            said.append(f"{what}: {why}")
    indent = " " * 12
    for text in said:
        yield from textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent)


def _text(default: bool | int | float | str) -> str:
    return str(default).lower() if isinstance(default, bool) else f"{default}"
