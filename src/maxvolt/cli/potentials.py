"""Potentials as the command line names them: one file, or the files of an ensemble."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.outputs import check_output
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from maxvolt.potentials import MTP, Ensemble

__all__ = ["check_potential_output", "load_potential", "potential_files"]

_MOST_MEMBERS = 1000
"""Members that are looked for at most."""


def load_potential(path: Path, species: tuple[str, ...] | None) -> MTP | Ensemble:
    """Read a potential; where ``pot.mtp`` does not exist, the ensemble ``pot.0.mtp``, ...

    Parameters
    ----------
    path
        A file of a potential, or the name an ensemble was saved under.
    species
        Elements of type 0, 1, ..., for a file that names none.
    """
    from maxvolt.potentials import Ensemble, read_potential

    files = potential_files(path)
    if files == [path]:
        return read_potential(path, species=species)
    return Ensemble(tuple(read_potential(file, species=species) for file in files))


def potential_files(path: Path) -> list[Path]:
    """Return the files of the potential or ensemble of this name; the name where there is none."""
    return [path] if path.exists() else _member_files(path) or [path]


def check_potential_output(path: Path, members: int, inputs: Iterable[Path | None] = ()) -> None:
    """Refuse outputs that are inputs or whose old files would be confused with the new ones."""
    from maxvolt.potentials import member_paths

    inputs = list(inputs)
    for file in member_paths(path, members):
        check_output(file, inputs)
    if members == 1:
        return
    stale = _member_files(path)[members:]
    if path.exists():
        stale.append(path)
    if stale:
        names = ", ".join(str(file) for file in stale)
        raise MaxvoltError(
            f"{path}: an ensemble of {members} goes to {member_paths(path, members)[0]} and so on, "
            f"and {names} of an earlier training would be confused with it; "
            "remove or rename it first"
        )


def _member_files(path: Path) -> list[Path]:
    from maxvolt.potentials import member_paths

    return list(takewhile(Path.exists, member_paths(path, _MOST_MEMBERS)))
