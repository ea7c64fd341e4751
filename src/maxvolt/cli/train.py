"""`maxvolt train`: fit a potential, or an ensemble of them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.console import note, print_json
from maxvolt.cli.options import (
    add_json,
    add_species,
    add_threads,
    check_output,
    non_negative_float,
    positive_float,
    positive_int,
)
from maxvolt.cli.potentials import check_potential_output, load_potential
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from maxvolt.dataset import Dataset
    from maxvolt.potentials import MTP

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "train"
SUMMARY = "fit a potential, or an ensemble, to labelled structures"
DESCRIPTION = """\
Fit a moment tensor potential to energies, forces and stresses, whichever of them a structure has.
The elements are those of the training files. The N potentials of an ensemble go to files of their
own: pot.0.mtp, pot.1.mtp, ... for -o pot.mtp; that name is then the name of all of them."""
EXAMPLES = """\
  maxvolt train train.xyz -o pot.mtp --level 16 --cutoff 5.2 --min-dist 1.9 --radial-basis-size 8
  maxvolt train bulk.xyz slab.cfg -o pot.mtp --species Ti,Al --validation test.xyz
  maxvolt train train.xyz -o pot.mtp --ensemble 5 --seed 1 --checkpoint fit.ckpt
  maxvolt train train.xyz -o pot.mtp --ensemble 5 --seed 1 --checkpoint fit.ckpt --restart
  maxvolt train more.xyz -o better.mtp --init pot.mtp"""

_NEW_POTENTIAL = ("level", "cutoff", "min_dist", "radial_basis_size")
"""Options that describe a new potential; none of them goes with --init."""

_BELOW_SHORTEST = 0.99
"""--min-dist by default, as part of the shortest distance of the training set."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("train", nargs="+", type=Path, metavar="TRAIN", help="training structures")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="POT", required=True, help="potential to write"
    )
    parser.add_argument("--validation", type=Path, metavar="FILE", help="structures not trained on")
    _add_potential(parser)
    _add_loss(parser)
    _add_running(parser)
    add_json(parser)


def _add_potential(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the potential")
    group.add_argument("--level", type=positive_int, metavar="L", help="2, 4, ..., 28 (16)")
    group.add_argument("--cutoff", type=positive_float, metavar="A", help="in Angstrom (5.0)")
    group.add_argument(
        "--min-dist",
        type=positive_float,
        metavar="A",
        help="lower end of the radial basis (0.99 of the shortest distance of the training set)",
    )
    group.add_argument(
        "--radial-basis-size", type=positive_int, metavar="N", help="radial polynomials (8)"
    )
    group.add_argument(
        "--init", type=Path, metavar="FILE", help="start from this potential, trained or not"
    )
    add_species(parser)


def _add_loss(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the loss, equations (7), (11), (12) of docs/formulation.md")
    for label, weight in (("energy", 1.0), ("force", 0.01), ("stress", 0.001)):
        group.add_argument(
            f"--{label}-weight",
            type=non_negative_float,
            default=weight,
            metavar="W",
            help="default: %(default)s",
        )
    group.add_argument(
        "--scaling",
        choices=("vibrations", "molecules", "structures"),
        default="vibrations",
        help="how errors are scaled by the number of atoms (%(default)s)",
    )


def _add_running(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the run")
    group.add_argument(
        "--ensemble", type=positive_int, default=1, metavar="N", help="train N potentials (1)"
    )
    group.add_argument("--seed", type=int, default=0, help="of the random start (0)")
    group.add_argument(
        "--checkpoint", type=Path, metavar="FILE", help="keep the state of the fit here"
    )
    group.add_argument(
        "--restart", action="store_true", help="continue from --checkpoint, bit for bit"
    )
    add_threads(parser)


def run(options: argparse.Namespace) -> None:
    """Read, fit, write, print the errors."""
    from maxvolt.dataset import Dataset
    from maxvolt.fitting import Weights, fit
    from maxvolt.io import read
    from maxvolt.potentials import member_paths

    _check(options)
    species = options.species or _species_of_init(options)
    dataset = Dataset.concatenate([read(path, species=species) for path in options.train])
    validation = None
    if options.validation is not None:
        validation = read(options.validation, species=species or dataset.species)
    result = fit(
        _start(options, dataset),
        dataset,
        validation=validation,
        weights=Weights(options.energy_weight, options.force_weight, options.stress_weight),
        scaling=options.scaling,
        ensemble=options.ensemble,
        seed=options.seed,
        threads=options.threads,
    )
    result.potential.write(options.output)
    files = member_paths(options.output, options.ensemble)
    note("wrote " + ", ".join(str(file) for file in files))
    if options.json:
        print_json(
            {
                "potentials": [str(file) for file in files],
                "training_errors": result.training_errors.to_dict(),
                "validation_errors": (
                    None if result.validation_errors is None else result.validation_errors.to_dict()
                ),
            }
        )


def _check(options: argparse.Namespace) -> None:
    """Refuse, before reading data, what could not end well."""
    check_potential_output(options.output, options.ensemble)
    if options.restart and options.checkpoint is None:
        raise MaxvoltError("--restart continues from a checkpoint: name it with --checkpoint FILE")
    if options.checkpoint is not None:
        check_output(options.checkpoint)
    given = [name for name in _NEW_POTENTIAL if getattr(options, name) is not None]
    if options.init is not None and given:
        names = ", ".join("--" + name.replace("_", "-") for name in given)
        raise MaxvoltError(f"--init brings its own {names}: leave them out, or leave out --init")


def _species_of_init(options: argparse.Namespace) -> tuple[str, ...] | None:
    if options.init is None:
        return None
    return load_potential(options.init, None).species


def _start(options: argparse.Namespace, dataset: Dataset) -> MTP:
    """Return the potential to train: that of --init, or a new one."""
    from maxvolt.neighbors import minimum_distances
    from maxvolt.potentials import MTP, read_potential

    if options.init is not None:
        return read_potential(options.init, species=options.species)
    min_dist = options.min_dist
    if min_dist is None:
        min_dist = _BELOW_SHORTEST * minimum_distances(dataset).overall
    return MTP(
        level=options.level or 16,
        species=dataset.species,
        cutoff=options.cutoff or 5.0,
        min_dist=min_dist,
        radial_basis_size=options.radial_basis_size or 8,
    )
