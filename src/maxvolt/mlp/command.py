"""What a command of `mlp` is declared with: its names, its files and its options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from maxvolt.parallel.ranks import ONE_PROCESS, Ranks

__all__ = ["Call", "Command", "Option"]


@dataclass(frozen=True, slots=True)
class Option:
    """An option as MLIP writes it: ``--name=value``.

    Attributes
    ----------
    name
        Without the hyphens at the front.
    default
        Value where it is not given, as MLIP has it. Its class says what is expected: bool, int,
        float or str; None stands for text without a default.
    help
        What it does.
    versions
        Of MLIP that have it: (2,), (3,) or (2, 3).
    refused
        Why `mlp` does not take it; empty where it does.
    ignored
        Why it makes no difference here; empty where it does. Said in a note when it is given.
    """

    name: str
    default: bool | int | float | str | None
    help: str
    versions: tuple[int, ...]
    refused: str = ""
    ignored: str = ""


@dataclass(slots=True)
class Call:
    """One line: a command, its files and options.

    Attributes
    ----------
    name
        The command as it was written.
    files
        Words that are no options.
    options
        Values by name, defaults included.
    given
        Names of those that were written.
    ranks
        Processes that share the work.
    """

    name: str
    files: list[str]
    options: dict[str, Any]
    given: frozenset[str] = frozenset()
    ranks: Ranks = field(default=ONE_PROCESS)


@dataclass(frozen=True, slots=True)
class Command:
    """A command of `mlp`.

    Attributes
    ----------
    names
        By version of MLIP: ``{2: "calc-efs", 3: "calculate_efs"}``; each may be written.
    files
        Of each version, as the help shows them: ``{2: "pot.mtp in.cfg out.cfg"}``.
    summary
        One line.
    options
        Of all versions.
    run
        Does the work.
    takes_others
        Whether further options are its own business (keys of a settings file): they arrive as text.
    """

    names: dict[int, str]
    files: dict[int, str]
    summary: str
    options: tuple[Option, ...]
    run: Callable[[Call], None]
    takes_others: bool = False
