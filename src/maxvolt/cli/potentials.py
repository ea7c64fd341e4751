"""Potentials as the command line names them: one file, or the files of an ensemble."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.outputs import check_output
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from maxvolt.potentials import Potential

__all__ = ["check_potential_output", "load", "potential_files"]


def load(path: Path, species: tuple[str, ...] | None) -> Potential:
    """Read a potential; where ``pot.mtp`` does not exist, the ensemble ``pot.0.mtp``, ...

    Parameters
    ----------
    path
        A file of a potential, or the name an ensemble was saved under.
    species
        Elements of type 0, 1, ..., for a file that names none.
    """
    from maxvolt.potentials import loading

    return loading.load(path, species)


def potential_files(path: Path) -> list[Path]:
    """Return the files of the potential or ensemble of this name; the name where there is none."""
    from maxvolt.potentials import loading

    return loading.potential_files(path)


def check_potential_output(path: Path, members: int, inputs: Iterable[Path | None] = ()) -> None:
    """Refuse outputs that are inputs or whose old files would be confused with the new ones."""
    from maxvolt.potentials.families import member_paths
    from maxvolt.potentials.loading import MOST_MEMBERS

    inputs = list(inputs)
    for file in member_paths(path, members):
        check_output(file, inputs)
    if members == 1:
        return
    stale = list(takewhile(Path.exists, member_paths(path, MOST_MEMBERS)))[members:]
    if path.exists():
        stale.append(path)
    if stale:
        names = ", ".join(str(file) for file in stale)
        raise MaxvoltError(
            f"{path}: an ensemble of {members} goes to {member_paths(path, members)[0]} and so on, "
            f"and {names} of an earlier training would be confused with it; "
            "remove or rename it first"
        )
