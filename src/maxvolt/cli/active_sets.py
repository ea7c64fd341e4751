"""What the commands share that work with active sets."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maxvolt.cli.console import note
from maxvolt.cli.outputs import check_output
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from maxvolt.potentials import MTP
    from maxvolt.selection import ActiveSet

__all__ = ["add_mode", "add_save", "check_save", "facts", "load_mtp", "say_complete"]

_SUFFIXES = (".almtp", ".als")


def add_mode(parser: argparse.ArgumentParser) -> None:
    """Add ``--mode``."""
    parser.add_argument(
        "--mode",
        choices=("configuration", "neighborhood"),
        help="one row a structure (default) or one row an atom, for a set made of TRAIN",
    )


def add_save(parser: argparse.ArgumentParser) -> None:
    """Add ``--save-active-set``."""
    parser.add_argument(
        "--save-active-set",
        type=Path,
        metavar="FILE",
        help="write potential and active set, as MLIP-3 (.almtp) or MLIP-2 (.als)",
    )


def check_save(path: Path | None, inputs: list[Path]) -> None:
    """Refuse a file for the active set that could not be written, or that no reader would know."""
    if path is None:
        return
    if path.suffix not in _SUFFIXES:
        raise MaxvoltError(f"{path}: end the name with .almtp (MLIP-3) or .als (MLIP-2)")
    check_output(path, inputs)


def load_mtp(path: Path, species: tuple[str, ...] | None) -> MTP:
    """Read one trained potential."""
    from maxvolt.potentials import read_potential

    potential = read_potential(path, species=species)
    if not potential.is_trained:
        raise MaxvoltError(f"{path}: this potential is untrained; fit it first, with maxvolt train")
    return potential


def facts(active_set: ActiveSet) -> dict[str, Any]:
    """Describe an active set for JSON."""
    return {
        "mode": active_set.mode,
        "structures": len(active_set.structures),
        "rank": active_set.rank,
        "largest_rank": active_set.largest_rank,
        "parameters": active_set.size,
        "complete": active_set.is_complete,
        "log_determinant": active_set.log_determinant,
    }


def say_complete(active_set: ActiveSet) -> None:
    """Say how much of the space of parameters the active set spans."""
    note(
        f"active set: {active_set.mode} mode, {len(active_set.structures)} structures, "
        f"{active_set.completeness}"
    )
