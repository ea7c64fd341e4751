"""One configuration of a file after the other is changed, and all are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from maxvolt.cli.outputs import check_output
from maxvolt.errors import MaxvoltError
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.mlp.configurations import naming, read_configurations, write_configurations

__all__ = ["change_each", "number_of", "whole_number"]


def change_each(
    files: Sequence[str], change: Callable[[CfgConfiguration], CfgConfiguration]
) -> int:
    """Change each configuration of a file and write them to another one.

    Parameters
    ----------
    files
        The file to read and the one to write.
    change
        Raises a `DataError` where it cannot; file and number are put before its message.

    Returns
    -------
    number
        Of configurations.
    """
    source, target = map(Path, files)
    check_output(target, [source])
    changed = []
    for number, one in enumerate(read_configurations(source, empty=True), 1):
        with naming(source, number):
            changed.append(change(one))
    write_configurations(target, changed)
    return len(changed)


def whole_number(word: str) -> int:
    """Read a whole number among the files of a line.

    Raises
    ------
    MaxvoltError
        It is none.
    """
    try:
        return int(word)
    except ValueError:
        raise MaxvoltError(f"'{word}': expected a whole number") from None


def number_of(word: str, what: str) -> float:
    """Read a number above 0 among the files of a line.

    Raises
    ------
    MaxvoltError
        It is none.
    """
    try:
        number = float(word)
    except ValueError:
        number = float("nan")
    if not 0 < number < float("inf"):
        raise MaxvoltError(f"'{word}': expected {what}, a number above 0")
    return number
