"""What a command of `mlp` is declared with: its names, its files and its options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from maxvolt.parallel.ranks import ONE_PROCESS, Ranks

__all__ = ["OWN", "Call", "Command", "Option"]

OWN = 0
"""Stands for this package where versions of MLIP are named: commands that MLIP does not have."""


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
        Of MLIP that have it: (2,), (3,) or (2, 3). Two options may have one name in two versions.
    refused
        Why `mlp` does not take it, unless with its default; empty where it does.
    ignored
        Why it makes no difference here; empty where it does. Said in a note when it is given.
    differs
        What is different here; empty where nothing is. Shown in the help.
    short
        A letter that stands for it, with the value behind it as the next word: ``-o FILE``.
    """

    name: str
    default: bool | int | float | str | None
    help: str
    versions: tuple[int, ...]
    refused: str = ""
    ignored: str = ""
    differs: str = ""
    short: str = ""


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
        Values by name, defaults included: those of the version.
    given
        Names of those that were written.
    ranks
        Processes that share the work.
    version
        Of MLIP whose behaviour is asked for: 2, 3, or `OWN`.
    """

    name: str
    files: list[str]
    options: dict[str, Any]
    given: frozenset[str] = frozenset()
    ranks: Ranks = field(default=ONE_PROCESS)
    version: int = OWN

    def value(self, name: str) -> Any:
        """Value of an option by its name with underscores, for which MLIP-2 has hyphens.

        None where the version has no such option.
        """
        return self.options.get(name, self.options.get(name.replace("_", "-")))


@dataclass(frozen=True, slots=True)
class Command:
    """A command of `mlp`.

    Attributes
    ----------
    names
        By version of MLIP: ``{2: "calc-efs", 3: "calculate_efs"}``; each may be written.
    files
        Of each version, as the help shows them: ``{2: "pot.mtp in.cfg out.cfg"}``. A word in
        brackets may be left out, three dots stand for more of the last.
    summary
        One line.
    options
        Of all versions.
    run
        Does the work.
    takes_others
        Whether further options are its own business (keys of a settings file): they arrive as text.
    on_ranks
        Whether several MPI processes share its work.
    same
        Whether it does the same in both versions, so that nobody needs to know which is meant.
    details
        Further lines of its help.
    """

    names: dict[int, str]
    files: dict[int, str]
    summary: str
    options: tuple[Option, ...]
    run: Callable[[Call], None]
    takes_others: bool = False
    on_ranks: bool = False
    same: bool = False
    details: str = ""

    def options_of(self, version: int) -> tuple[Option, ...]:
        """Options of a version of MLIP."""
        return tuple(option for option in self.options if version in option.versions)
