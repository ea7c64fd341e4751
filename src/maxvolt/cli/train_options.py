"""The options of `maxvolt train`."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import get_args

from maxvolt.cli.options import (
    add_json,
    add_species,
    add_threads,
    non_negative_float,
    non_negative_int,
    numbers_by_name,
    positive_float,
    positive_int,
)
from maxvolt.cli.train_networks import NEW_NETWORKS, add_networks, network_settings
from maxvolt.fitting.settings import FitSettings, Resampling, Scaling, Weights
from maxvolt.fitting.variable_projection.new_potential import (
    CUTOFF,
    FINAL_SET,
    LEVEL,
    RADIAL_BASIS_SIZE,
)
from maxvolt.potentials.ani.settings import ANISettings

__all__ = [
    "NEW_POTENTIAL",
    "add_arguments",
    "add_loss",
    "isolated_energies",
    "loss_of",
    "settings_of",
]

NEW_POTENTIAL = ("level", "cutoff", "min_dist", "radial_basis_size", *NEW_NETWORKS)
"""Options that describe a new potential; none of them goes with --init."""

_FIT = FitSettings()
"""Defaults, which are those of `maxvolt.fit` and of campaign files."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("train", nargs="+", type=Path, metavar="TRAIN", help="training structures")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="POT",
        required=True,
        help="potential to write; .almtp holds an active set too",
    )
    parser.add_argument(
        "--active-set",
        choices=("configuration", "neighborhood", "none"),
        help="what to store in POT.almtp for grades: one row per structure (default, as MLIP-3), "
        "one row per atom, or nothing",
    )
    parser.add_argument("--validation", type=Path, metavar="FILE", help="structures not trained on")
    _add_potential(parser)
    _add_robust(add_loss(parser))
    add_networks(parser)
    _add_running(parser)
    add_json(parser)


def isolated_energies(text: str) -> str | dict[str, float]:
    """Read ``fit``, ``data``, or energies in eV by element: ``Ti=-1.5,Al=-0.2``."""
    if text in ("fit", "data"):
        return text
    try:
        return numbers_by_name(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected fit, data, or energies like Ti=-1.5,Al=-0.2"
        ) from None


def loss_of(options: argparse.Namespace) -> FitSettings:
    """Settings of the loss that the options ask for, the others as by default."""
    return FitSettings(
        weights=Weights(options.energy_weight, options.force_weight, options.stress_weight),
        scaling=options.scaling,
        isolated_energies=options.isolated_energies,
    )


def settings_of(options: argparse.Namespace) -> FitSettings:
    """Settings of the fit that the options ask for."""
    return replace(
        loss_of(options),
        robust=options.robust,
        ensemble=options.ensemble,
        resampling=options.resampling,
        starts_apart=options.starts_apart,
        seed=options.seed,
        starts=options.starts,
        max_iterations=options.max_iterations,
        tolerance=options.tolerance,
        network=network_settings(options),
    )


def _add_potential(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the potential")
    group.add_argument(
        "--model",
        choices=("mtp", "ani"),
        help="kind of potential: moment tensors or neural networks (mtp, or that of --init)",
    )
    group.add_argument("--level", type=positive_int, metavar="L", help=f"even, 2 to 32 ({LEVEL})")
    group.add_argument(
        "--cutoff",
        type=positive_float,
        metavar="A",
        help=f"in Angstrom ({CUTOFF}); {ANISettings().radial_cutoff:g} with --model ani",
    )
    group.add_argument(
        "--min-dist",
        type=positive_float,
        metavar="A",
        help=f"lower end of the radial basis ({FINAL_SET} of the shortest distance in the training "
        "set)",
    )
    group.add_argument(
        "--radial-basis-size",
        type=positive_int,
        metavar="N",
        help=f"radial polynomials ({RADIAL_BASIS_SIZE})",
    )
    group.add_argument(
        "--zbl",
        nargs=2,
        type=non_negative_float,
        metavar=("INNER", "OUTER"),
        help="add the ZBL repulsion, complete up to INNER and gone at OUTER Angstrom",
    )
    group.add_argument(
        "--init",
        type=Path,
        metavar="FILE",
        help="start from this potential, trained or not; with --ensemble the first of N goes on "
        "from it and the others begin at random, or, where FILE names an ensemble of N, each goes "
        "on from its own",
    )
    add_species(group)


def add_loss(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Declare the options of the loss of squares, and return their group."""
    group = parser.add_argument_group("the loss, equations (7), (11), (12) of docs/formulation.md")
    weights = _FIT.weights
    for label, weight in (
        ("energy", weights.energy),
        ("force", weights.forces),
        ("stress", weights.stress),
    ):
        group.add_argument(
            f"--{label}-weight",
            type=non_negative_float,
            default=weight,
            metavar="W",
            help="(%(default)s)",
        )
    group.add_argument(
        "--scaling",
        choices=get_args(Scaling),
        default=_FIT.scaling,
        help="how errors are scaled by the number of atoms (%(default)s)",
    )
    group.add_argument(
        "--isolated-energies",
        type=isolated_energies,
        default=_FIT.isolated_energies,
        metavar="WHICH",
        help="energies of isolated atoms: fit, data (single atoms without neighbours in the "
        "training set), or Ti=-1.5,Al=-0.2 in eV (%(default)s)",
    )
    return group


def _add_robust(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--robust",
        action="store_true",
        default=_FIT.robust,
        help="Huber's loss in place of squares: labels with large errors count less, and the "
        "structures that they belong to are named",
    )


def _add_running(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the run")
    group.add_argument(
        "--ensemble",
        type=positive_int,
        default=_FIT.ensemble,
        metavar="N",
        help="train N potentials (%(default)s)",
    )
    group.add_argument(
        "--resampling",
        choices=get_args(Resampling),
        default=_FIT.resampling,
        help="data of the potentials of an ensemble: random weights of the structures for each, so "
        "that their spread shows what the choice of structures changes; bootstrap: structures "
        "drawn with replacement; none: the same data, so that only the starts differ (auto: "
        "weights for an ensemble)",
    )
    group.add_argument(
        "--starts-apart",
        action="store_true",
        default=_FIT.starts_apart,
        help="keep the potentials of an ensemble in different minima of the loss: one that comes "
        "to the minimum of an earlier one is begun again from another random start",
    )
    group.add_argument(
        "--seed",
        type=non_negative_int,
        default=_FIT.seed,
        help="random seed of starts and weights (%(default)s)",
    )
    group.add_argument(
        "--starts",
        type=positive_int,
        default=_FIT.starts,
        metavar="N",
        help=f"random starts tried for each potential ({_FIT.n_starts}; 1 in an ensemble)",
    )
    group.add_argument(
        "--max-iterations",
        type=positive_int,
        default=_FIT.max_iterations,
        metavar="N",
        help="most iterations of a fit (%(default)s)",
    )
    group.add_argument(
        "--tolerance",
        type=positive_float,
        default=_FIT.tolerance,
        metavar="T",
        help="relative fall of the loss below which a fit ends (%(default)s)",
    )
    group.add_argument(
        "--checkpoint", type=Path, metavar="FILE", help="keep the state of the fit in this file"
    )
    group.add_argument(
        "--restart", action="store_true", help="continue from --checkpoint, bit for bit"
    )
    add_threads(group)
