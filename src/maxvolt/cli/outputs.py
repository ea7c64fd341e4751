"""Checks of what a command will write, before it begins to work."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from maxvolt.errors import MaxvoltError

__all__ = ["check_figure", "check_folder", "check_output", "check_structures"]


class _EnoughError(Exception):
    """Ends the trial of writing: nothing is to take the name of the output."""


def check_output(path: Path, inputs: Iterable[Path | None] = ()) -> None:
    """Refuse a path that could not be written in the end, or that would replace an input.

    Parameters
    ----------
    path
        The file to write.
    inputs
        The files that the same command reads; None for those that are not given.

    Raises
    ------
    MaxvoltError
        Says what is wrong with the path.
    """
    if path.is_dir():
        raise MaxvoltError(f"{path}: is a folder; give the name of a file")
    if not path.parent.is_dir():
        raise MaxvoltError(f"{path}: the folder {path.parent} does not exist; create it first")
    target = os.path.realpath(path)
    for given in inputs:
        if given is not None and os.path.realpath(given) == target:
            raise MaxvoltError(
                f"{path}: the output would overwrite the input {given}; give it another name"
            )
    _try_to_write(path)


def check_folder(path: Path, option: str) -> None:
    """Refuse a file where a folder is needed that an option names.

    Raises
    ------
    MaxvoltError
        There is one.
    """
    if path.exists() and not path.is_dir():
        raise MaxvoltError(f"{path}: is a file; give the name of a folder with {option}")


def check_structures(
    path: Path,
    format: str | None,
    inputs: Iterable[Path | None],
    *,
    labels: bool = False,
    several: bool = False,
) -> str:
    """Check an output of structures as `check_output` does; return its format.

    Parameters
    ----------
    path
        The file to write.
    format
        Its format; None: as the name of the file says.
    inputs
        The files that the same command reads.
    labels
        Whether energies, forces and stresses must be kept.
    several
        Whether there may be several structures; False where their number is checked later.

    Raises
    ------
    MaxvoltError
        Says what is wrong with the path, or what the format cannot hold.
    """
    from maxvolt.io.formats import check_holds, output_format

    kind = output_format(path, format)
    check_holds(path, kind, None if several else 1, labels=labels)
    check_output(path, inputs)
    return kind


def check_figure(path: Path, inputs: Iterable[Path | None]) -> None:
    """Check an output of plots as `check_output` does, and that its ending names a format."""
    from maxvolt.report.output import figure_format

    check_output(path, inputs)
    figure_format(path)


def _try_to_write(path: Path) -> None:
    """Do as the writers do, up to the last step: only the system knows what it allows."""
    from maxvolt.files import replacing_path

    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        return  # a pipe or a terminal is written to as it is
    with suppress(_EnoughError), replacing_path(path) as temporary:
        temporary.touch()
        raise _EnoughError
