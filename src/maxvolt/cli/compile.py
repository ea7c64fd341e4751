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
file holds the names of the elements, and the active set, by which LAMMPS grades, where POT or
--active-set has one."""
EXAMPLES = """\
  maxvolt compile pot.mtp -o pot.maxvolt
  maxvolt compile pot.mtp --active-set pot.almtp -o pot.maxvolt
  maxvolt compile mlip.almtp -o pot.maxvolt --species Ag,Pd"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("potential", type=Path, metavar="POT", help="trained potential")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT", help="file to write, .maxvolt"
    )
    parser.add_argument(
        "--active-set",
        type=Path,
        metavar="FILE",
        help="active set to grade by, .almtp or .als; default: that of POT, where it has one",
    )
    add_species(parser)


def run(options: argparse.Namespace) -> None:
    """Read, compile, write."""
    from maxvolt.potentials import MTP
    from maxvolt.selection.active_set import read_active_set
    from maxvolt.selection.mlip_files import has_active_set

    if options.output.suffix != ".maxvolt":
        raise MaxvoltError(f"{options.output}: end the name of a compiled model with .maxvolt")
    check_output(options.output, [options.potential])
    potential = load(options.potential, options.species)
    if not isinstance(potential, MTP):
        raise MaxvoltError(
            f"{options.potential}: compiled models are made of one moment tensor potential, not of "
            f"{type(potential).__name__}"
        )
    source = options.active_set or options.potential
    if options.active_set or has_active_set(source):
        active_set = read_active_set(source, potential.species)
        if active_set.potential.digest != potential.digest:
            raise MaxvoltError(
                f"{source}: the active set belongs to another potential than {options.potential}; "
                "select it again: maxvolt select POT TRAIN --save-active-set FILE"
            )
        active_set.write(options.output)
        graded = f"with its active set ({active_set.mode} mode)"
    else:
        potential.write_compiled(options.output)
        graded = "without an active set"
    kilobytes = options.output.stat().st_size / 1000
    elements = ", ".join(potential.species)
    note(f"{options.output}: compiled model of {elements}, {graded}, {kilobytes:.0f} kB")
