"""Potentials as the command line names them: one file, or the files of an ensemble."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.options import check_output
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from maxvolt.potentials import MTP, Ensemble

__all__ = ["check_potential_output", "load_potential"]

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

    files = _member_files(path)
    if path.exists() or not files:
        return read_potential(path, species=species)
    return Ensemble(tuple(read_potential(file, species=species) for file in files))


def check_potential_output(path: Path, members: int) -> None:
    """Refuse an output whose old files would later be taken for part of the new potential."""
    from maxvolt.potentials import member_paths

    check_output(path)
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
