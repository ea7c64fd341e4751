"""Simulations in LAMMPS on the command line: what acts between the atoms, times, processes."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.defaults import OfSettings
from maxvolt.cli.options import positive_float, positive_int
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from maxvolt.properties.melting import Interaction

__all__ = ["add_interaction", "add_ranks", "add_times", "interaction_of"]


def add_interaction(parser: argparse.ArgumentParser) -> None:
    """Declare what acts between the atoms."""
    parser.add_argument(
        "potential",
        nargs="?",
        type=Path,
        metavar="POT",
        help="the potential: .mtp, .almtp, .maxvolt, .eam.alloy or .eam.fs",
    )
    parser.add_argument(
        "--pair-style",
        metavar="STYLE",
        help="pair style of LAMMPS with its arguments, instead of POT: eam/fs",
    )
    parser.add_argument(
        "--pair-coeff",
        nargs="+",
        metavar="WORDS",
        help="arguments of pair_coeff in LAMMPS; those of each such command in quotes: "
        '"* * Al_mm.eam.fs Al"',
    )


def add_times(
    parser: argparse.ArgumentParser,
    of_settings: Callable[[str], OfSettings],
    times: Iterable[tuple[str, str, str]],
) -> None:
    """Declare options of times that are settings.

    Parameters
    ----------
    parser
        Of the command.
    of_settings
        Gives the default of a setting.
    times
        Name, unit as help shows it, and meaning of each.
    """
    for name, unit, meaning in times:
        parser.add_argument(
            f"--{name}",
            type=positive_float,
            default=of_settings(name.replace("-", "_")),
            metavar=unit,
            help=f"{meaning} (%(default)s)",
        )


def add_ranks(parser: argparse.ArgumentParser) -> None:
    """Declare ``--ranks``."""
    parser.add_argument(
        "--ranks",
        dest="on_ranks",
        type=positive_int,
        default=1,
        metavar="N",
        help="MPI processes of each simulation in LAMMPS (1)",
    )


def interaction_of(options: argparse.Namespace, species: str) -> Interaction:
    """Make what acts between the atoms from its options.

    Parameters
    ----------
    options
        Of the command.
    species
        Elements in the order of the types of LAMMPS, with spaces between them.

    Raises
    ------
    MaxvoltError
        There is none, or both kinds.
    """
    from maxvolt.properties.melting import Interaction

    if (options.potential is None) == (options.pair_style is None):
        raise MaxvoltError(
            "give a potential file, or --pair-style with --pair-coeff, and not both; "
            f"see maxvolt {options.parser.prog.split()[-1]} --help"
        )
    if options.potential is not None:
        if options.pair_coeff:
            raise MaxvoltError("--pair-coeff belongs to --pair-style; leave it out with POT")
        return Interaction.of_potential(options.potential, species)
    return Interaction.of_pair_style(options.pair_style, options.pair_coeff or [])
