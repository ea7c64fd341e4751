"""What the rest of the package knows of a code that labels structures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ase import Atoms

__all__ = [
    "Code",
    "MisconfiguredError",
    "ReadsFiles",
    "UnconvergedError",
    "UnfinishedError",
    "merged",
    "refuse_unknown",
    "unknown_machine_keys",
]


class MisconfiguredError(Exception):
    """Nothing can be calculated until the user does what the message says."""


class UnconvergedError(Exception):
    """The self-consistent field did not converge; the message says so in words."""


class UnfinishedError(Exception):
    """The output is not there or ends early: the program still runs, or was stopped."""


class Code(Protocol):
    """A code by its short name: defaults, input, a run, output.

    ``settings`` decide what the result is; they are complete, defaults included. ``machine`` says
    how and where the code runs here and changes no result.
    """

    @property
    def name(self) -> str:
        """The name it goes by."""
        ...

    @property
    def machine_keys(self) -> frozenset[str]:
        """Names that ``machine`` may hold, besides ``environment``."""
        ...

    def complete(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings with the defaults for what they leave open."""
        ...

    def check(
        self, settings: Mapping[str, Any], machine: Mapping[str, Any], symbols: Sequence[str]
    ) -> None:
        """Raise `MisconfiguredError` when input for these elements cannot be made."""
        ...

    def prepare(self, machine: Mapping[str, Any]) -> None:
        """Raise `MisconfiguredError` when the code cannot run here; load what takes long."""
        ...

    def try_out(self, machine: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        """Raise `MisconfiguredError` when a program that the code starts cannot start here.

        With these environment variables; called before anything is calculated.
        """

    def processes(self, machine: Mapping[str, Any]) -> int | None:
        """Return how many calculations fit on this machine at once; None: one per core."""
        ...

    def run(
        self, atoms: Atoms, settings: Mapping[str, Any], machine: Mapping[str, Any], folder: Path
    ) -> Mapping[str, Any]:
        """Calculate, leaving the files in the folder, and return the results in ASE's units.

        Raises `MisconfiguredError`, `UnconvergedError` or whatever went wrong.
        """
        ...

    def write_input(
        self, atoms: Atoms, settings: Mapping[str, Any], machine: Mapping[str, Any], folder: Path
    ) -> None:
        """Write what the code needs to run elsewhere, with a script ``run.sh`` that runs it."""
        ...

    def read_output(
        self, atoms: Atoms, settings: Mapping[str, Any], folder: Path
    ) -> dict[str, Any]:
        """Return the results that a run elsewhere left; raises as `run`, or `UnfinishedError`."""
        ...


@runtime_checkable
class ReadsFiles(Protocol):
    """A code among whose settings are names of files, whose content decides the result."""

    def located(
        self, settings: Mapping[str, Any], machine: Mapping[str, Any], folder: Path
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return settings with what tells the content, and machine with where the files lie.

        Parameters
        ----------
        settings, machine
            As a user gives them, or as they come from here.
        folder
            What names of files are relative to.
        """
        ...


def merged(
    defaults: Mapping[str, Any],
    settings: Mapping[str, Any],
    alternatives: Sequence[frozenset[str]] = (),
) -> dict[str, Any]:
    """Return settings over defaults.

    Parameters
    ----------
    defaults, settings
        By name; None removes a default.
    alternatives
        Names that stand for each other: who gives one does not get the default of another.
    """
    given = set(settings)
    for group in alternatives:
        if given & group:
            given |= group
    kept = {name: value for name, value in defaults.items() if name not in given}
    return kept | {name: value for name, value in settings.items() if value is not None}


def refuse_unknown(
    code: str, settings: Mapping[str, Any], known: Sequence[str], otherwise: str = ""
) -> None:
    """Refuse settings that a code does not have.

    Parameters
    ----------
    code
        Its name.
    settings
        That are given.
    known
        Names of those that there are.
    otherwise
        What takes others.

    Raises
    ------
    MisconfiguredError
        Names them, and those that there are.
    """
    if unknown := sorted(set(settings) - set(known)):
        raise MisconfiguredError(
            f"{code} has no setting {', '.join(unknown)} here; it knows {', '.join(known)}"
            f"{otherwise}"
        )


def unknown_machine_keys(code: Code, machine: Mapping[str, Any]) -> list[str]:
    """Return the names in ``machine`` that the code has no use for."""
    return sorted(set(machine) - {"environment"} - code.machine_keys)
