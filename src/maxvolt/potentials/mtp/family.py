"""Moment tensor potentials as a family of potentials.

Files are recognised without what evaluates them: commands that read structures need no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.potentials.families import Description
from maxvolt.potentials.mtp.files.parser import looks_like_potential as looks_like

if TYPE_CHECKING:
    from maxvolt.potentials.mtp.potential import MTP

__all__ = ["describe", "lammps_suffix", "looks_like", "read"]


def read(path: str | Path, species: Sequence[str] | None = None) -> MTP:
    """Read a file; see `maxvolt.read_potential`."""
    from maxvolt.potentials.mtp.potential import read_potential

    return read_potential(path, species)


def describe(path: str | Path, species: Sequence[str] | None = None) -> Description:
    """Describe a file; see `maxvolt.potentials.mtp.summary`."""
    from maxvolt.potentials.mtp import summary

    return summary.describe(path, species)


def lammps_suffix(potential: MTP) -> str:
    """The plugin reads them."""
    return ".mtp"
