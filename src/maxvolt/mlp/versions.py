"""Which version of MLIP a line is written for.

Most names belong to one version. Those that both have (``train``, ``relax``, ``mindist``, ``run``)
are decided by the options, whose names have hyphens in MLIP-2 and underscores in MLIP-3, and by the
number of files and their names: ``.almtp`` belongs to MLIP-3, ``.als`` and ``mlip.ini`` to MLIP-2.
What a line leaves open the environment variable `VARIABLE` decides, and without it `ASSUMED`; a
note says so.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from maxvolt.cli.console import note
from maxvolt.errors import MaxvoltError
from maxvolt.mlp.command import Command

__all__ = ["ASSUMED", "VARIABLE", "fits", "version_of"]

VARIABLE = "MLIP_VERSION"
"""Environment variable that says which version is meant where a line leaves it open: 2 or 3."""

ASSUMED = 2
"""Where nothing says which: `.mtp` files are what MLIP-2 has."""

_ENDINGS = {".almtp": 3, ".als": 2, ".ini": 2}


def version_of(
    command: Command, name: str, files: Sequence[str], written: Sequence[tuple[str, str]]
) -> int:
    """Return the version that a line is written for.

    Parameters
    ----------
    command, name
        The command, and the name of it that was written.
    files, written
        Files and options behind it.

    Raises
    ------
    MaxvoltError
        Options of both versions in one line, or a `VARIABLE` that is neither 2 nor 3.
    """
    named = [version for version, known in command.names.items() if known == name]
    if len(named) == 1:
        return named[0]
    by_options = _of_options(command, written)
    if by_options is not None:
        return by_options
    by_number = [version for version in named if fits(command, version, len(files))]
    if len(by_number) == 1:
        return by_number[0]
    endings = {_ENDINGS[suffix] for file in files if (suffix := Path(file).suffix) in _ENDINGS}
    if len(endings) == 1:
        return endings.pop()
    chosen = _of_environment()
    if chosen is None and command.same:
        return ASSUMED
    if chosen is None:
        other = f"{VARIABLE}=3" if ASSUMED == 2 else f"{VARIABLE}=2"
        note(
            f"mlp: note: '{name}' is read as a command of MLIP-{ASSUMED}; "
            f"set {other} in the environment for the other version"
        )
        return ASSUMED
    return chosen


def fits(command: Command, version: int, files: int) -> bool:
    """Whether so many files are what a command of a version takes."""
    shape = command.files[version].split()
    least = sum(not word.startswith("[") for word in shape if word != "...")
    return least <= files <= (float("inf") if "..." in shape else len(shape))


def _of_options(command: Command, written: Sequence[tuple[str, str]]) -> int | None:
    """Version that alone has the options written; None where they leave it open."""
    told: dict[int, str] = {}
    for key, _ in written:
        having = {v for option in command.options if option.name == key for v in option.versions}
        if len(having) == 1:
            told.setdefault(having.pop(), key)
    if len(told) > 1:
        both = ", ".join(f"--{key} of MLIP-{version}" for version, key in sorted(told.items()))
        raise MaxvoltError(f"the line mixes the two versions of MLIP: {both}; use those of one")
    return next(iter(told), None)


def _of_environment() -> int | None:
    text = os.environ.get(VARIABLE, "").strip()
    if text in ("2", "3"):
        return int(text)
    if text:
        raise MaxvoltError(f"the environment variable {VARIABLE} is '{text}'; expected 2 or 3")
    return None
