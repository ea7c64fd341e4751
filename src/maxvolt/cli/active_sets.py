"""What the commands share that work with active sets."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maxvolt.cli.console import note
from maxvolt.cli.options import non_negative_float
from maxvolt.cli.outputs import check_output
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from maxvolt.potentials import ParameterGradients
    from maxvolt.selection import ActiveSet, RowWeights

__all__ = [
    "add_rows",
    "add_save",
    "check_save",
    "facts",
    "load_with_gradients",
    "rows_of",
    "say_complete",
]

_SUFFIXES = (".almtp", ".als")

_WEIGHTS = {
    "energy": ("--energy-weight", "of the energy of a structure (1 in configuration mode)"),
    "force": ("--force-weight", "of each force component (0)"),
    "stress": ("--stress-weight", "of each stress component (0)"),
    "site_energy": (
        "--site-energy-weight",
        "above 0: a row for each atom (1 in neighborhood mode)",
    ),
}


def add_rows(parser: argparse.ArgumentParser) -> None:
    """Add ``--mode`` and the weights of rows."""
    group = parser.add_argument_group("rows of an active set made from TRAIN, equation (36)")
    group.add_argument(
        "--mode",
        choices=("configuration", "neighborhood"),
        help="one row per structure (default) or one row per atom",
    )
    for name, (option, text) in _WEIGHTS.items():
        group.add_argument(
            option, dest=f"row_{name}", type=non_negative_float, metavar="W", help=text
        )
    group.add_argument(
        "--weight-scaling",
        dest="row_scaling",
        type=int,
        choices=(0, 1, 2),
        help="rows of energies and stresses are divided by N^(scaling/2) (2)",
    )
    group.add_argument(
        "--mlip-order",
        dest="algorithm",
        action="store_const",
        const="mlip",
        default="stream",
        help="offer rows in the order of MLIP-3, to get its active set and its grades to every "
        "digit that it prints; needs memory for the rows of 9999 structures",
    )


def rows_of(options: argparse.Namespace) -> RowWeights | None:
    """Return the weights of the rows that were asked for; None where none were asked for."""
    from maxvolt.selection.weights import RowWeights, weights_of_mode

    names = (*_WEIGHTS, "scaling")
    given = {
        name: value for name in names if (value := getattr(options, f"row_{name}")) is not None
    }
    if options.mode == "neighborhood":
        given = {"energy": 0.0, "site_energy": 1.0, **given}
    if not given and options.mode is None:
        return None
    return weights_of_mode(RowWeights(**given), options.mode)


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


def load_with_gradients(path: Path, species: tuple[str, ...] | None) -> ParameterGradients:
    """Read one trained potential that active sets can be made for."""
    from maxvolt.potentials import ParameterGradients, load
    from maxvolt.potentials.families import title_of

    potential = load(path, species)
    if not isinstance(potential, ParameterGradients):
        raise MaxvoltError(
            f"{path}: an active set needs gradients by parameters, which this potential "
            f"({title_of(potential)}) does not have; give a single potential that can be trained, "
            "or grade by a committee of several: maxvolt md or relax with --committee"
        )
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
