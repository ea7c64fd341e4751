"""Potentials as the command line names them: one file, or the files of an ensemble."""

from __future__ import annotations

from itertools import count, takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.options import check_output
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from maxvolt.potentials import MTP, Ensemble

__all__ = ["check_potential_output", "load_potential", "member_path", "save_potential"]


def member_path(path: Path, index: int) -> Path:
    """Return the file of one member: ``pot.0.mtp`` for member 0 of ``pot.mtp``."""
    return path.with_name(f"{path.stem}.{index}{path.suffix}")


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
    check_output(path)
    stale = _member_files(path)[members:] if members > 1 else []
    if members > 1 and path.exists():
        stale.append(path)
    if stale:
        names = ", ".join(str(file) for file in stale)
        raise MaxvoltError(
            f"{path}: an ensemble of {members} goes to {member_path(path, 0)} and so on, and "
            f"{names} of an earlier training would be confused with it; remove or rename it first"
        )


def save_potential(path: Path, potential: MTP | Ensemble) -> list[Path]:
    """Write a potential to one file, an ensemble to one a member; return the files."""
    members = getattr(potential, "members", (potential,))
    if len(members) == 1:
        files = [path]
    else:
        files = [member_path(path, index) for index in range(len(members))]
    for file, member in zip(files, members, strict=True):
        member.write(file)
    return files


def _member_files(path: Path) -> list[Path]:
    return list(takewhile(Path.exists, (member_path(path, index) for index in count())))
