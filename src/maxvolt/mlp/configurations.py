"""Files of configurations, kept as they are but for what a command changes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from maxvolt.cli.inputs import check_is_structures
from maxvolt.cli.outputs import check_output
from maxvolt.errors import DataError
from maxvolt.io.cfg import Encoding, read_cfg, write_cfg
from maxvolt.io.cfg_record import CfgConfiguration

__all__ = [
    "check_outputs",
    "naming",
    "read_configurations",
    "with_features",
    "write_configurations",
]


def read_configurations(path: str | Path, *, empty: bool = False) -> list[CfgConfiguration]:
    """Read a .cfg, text or binary.

    Parameters
    ----------
    path
        The file, whatever its name.
    empty
        Whether it may hold no configuration.

    Raises
    ------
    FileFormatError
        It is no .cfg.
    DataError
        It holds a potential, or nothing.
    """
    check_is_structures(Path(path))
    found = read_cfg(path)
    if not found and not empty:
        raise DataError(
            f"{path}: holds no configuration; expected at least one, from BEGIN_CFG to END_CFG"
        )
    return found


def write_configurations(
    path: str | Path,
    configurations: Iterable[CfgConfiguration],
    *,
    encoding: Encoding = "ordinary",
    append: bool = False,
) -> None:
    """Write a .cfg with MLIP's usual digits and its order of features; through a temporary file."""
    write_cfg(path, map(_ordered, configurations), encoding=encoding, append=append)


@contextmanager
def naming(path: str | Path, number: int) -> Iterator[None]:
    """Put a file and the number of a configuration in it, from 1, before the message of an error.

    Raises
    ------
    DataError
    """
    try:
        yield
    except DataError as error:
        raise DataError(f"{path}: configuration {number}: {error}") from error


def with_features(one: CfgConfiguration, features: Mapping[str, str]) -> CfgConfiguration:
    """Return a configuration with further or other features."""
    return replace(one, features={**one.features, **features})


def check_outputs(*paths: str | Path | None, inputs: Iterable[str | Path] = ()) -> None:
    """Refuse, before work begins, outputs that cannot be written or are the same file.

    Parameters
    ----------
    paths
        Files to write; None for those that are not asked for.
    inputs
        Files that none of them may replace.

    Raises
    ------
    MaxvoltError
        Says what is wrong.
    """
    wanted = [Path(path) for path in paths if path is not None]
    for path in wanted:
        check_output(path, map(Path, inputs))
    real = [os.path.realpath(path) for path in wanted]
    for number, target in enumerate(real):
        if target in real[:number]:
            raise DataError(f"{wanted[number]}: two outputs would go to this file; name another")


def _ordered(one: CfgConfiguration) -> CfgConfiguration:
    """Features by name, as MLIP keeps them."""
    return replace(one, features=dict(sorted(one.features.items())))
