"""`maxvolt compile`: a potential with its evaluation plan in one file, for LAMMPS."""

from __future__ import annotations

import argparse
from pathlib import Path

from maxvolt.cli.console import note
from maxvolt.cli.options import add_species
from maxvolt.cli.outputs import check_output
from maxvolt.cli.potentials import load
from maxvolt.errors import MaxvoltError

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "compile"
SUMMARY = "write a potential as a compiled model, which LAMMPS evaluates"
DESCRIPTION = """\
Write a moment tensor potential with its evaluation plan as one compiled model file, from which the
compiled core evaluates at full speed without Python: pair_style maxvolt of LAMMPS reads it. The
file holds the names of the elements."""
EXAMPLES = """\
  maxvolt compile pot.mtp -o pot.maxvolt
  maxvolt compile mlip.almtp -o pot.maxvolt --species Ag,Pd"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("potential", type=Path, metavar="POT", help="trained potential")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT", help="file to write, .maxvolt"
    )
    add_species(parser)


def run(options: argparse.Namespace) -> None:
    """Read, compile, write."""
    from maxvolt.potentials import MTP

    if options.output.suffix != ".maxvolt":
        raise MaxvoltError(f"{options.output}: end the name of a compiled model with .maxvolt")
    check_output(options.output, [options.potential])
    potential = load(options.potential, options.species)
    if not isinstance(potential, MTP):
        raise MaxvoltError(
            f"{options.potential}: compiled models are made of one moment tensor potential, not of "
            f"{type(potential).__name__}"
        )
    potential.write_compiled(options.output)
    kilobytes = options.output.stat().st_size / 1000
    note(f"{options.output}: compiled model of {', '.join(potential.species)}, {kilobytes:.0f} kB")
