"""`maxvolt compile`: a potential with its evaluation plan in one file, for LAMMPS."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.console import note
from maxvolt.cli.options import add_species
from maxvolt.cli.outputs import check_output
from maxvolt.cli.potentials import load, potential_files
from maxvolt.errors import DataError, MaxvoltError

if TYPE_CHECKING:
    from maxvolt.potentials import MTP
    from maxvolt.selection.active_rows import ActiveRows

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "compile"
SUMMARY = "write a potential as a compiled model, which LAMMPS evaluates"
DESCRIPTION = """\
Write a moment tensor potential with its evaluation plan as one compiled model file, from which the
compiled core evaluates at full speed without Python: pair_style maxvolt of LAMMPS reads it. The
file holds the names of the elements, and the active set, by which LAMMPS grades, where POT or
--active-set has one. With --uncertainty LAMMPS predicts force errors in eV/A, too."""
EXAMPLES = """\
  maxvolt compile pot.mtp -o pot.maxvolt
  maxvolt compile pot.mtp --active-set pot.almtp -o pot.maxvolt
  maxvolt compile pot.mtp --uncertainty pot.uncertainty -o pot.maxvolt
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
    parser.add_argument(
        "--uncertainty",
        type=Path,
        metavar="FILE",
        help="expected errors of POT by the measures posterior or grade, of maxvolt calibrate",
    )
    add_species(parser)


def run(options: argparse.Namespace) -> None:
    """Read, compile, write."""
    from maxvolt.selection.mlip_files import read_active_rows, write_active_set

    if options.output.suffix != ".maxvolt":
        raise MaxvoltError(f"{options.output}: end the name of a compiled model with .maxvolt")
    check_output(options.output, [options.potential])
    potential, active_set = _read(options)
    if options.active_set is not None:
        active_set = read_active_rows(options.active_set, potential.species)
        if active_set.potential.digest != potential.digest:
            raise MaxvoltError(
                f"{options.active_set}: the active set belongs to another potential than "
                f"{options.potential}; select it again: maxvolt select POT TRAIN "
                "--save-active-set FILE"
            )
    graded = "without an active set"
    if active_set is not None:
        graded = f"with its active set ({active_set.mode} mode)"
    if options.uncertainty is not None:
        graded = _write_with_errors(options, potential, active_set)
    elif active_set is None:
        potential.write_compiled(options.output)
    else:
        write_active_set(options.output, active_set)
    kilobytes = options.output.stat().st_size / 1000
    elements = ", ".join(potential.species)
    note(f"{options.output}: compiled model of {elements}, {graded}, {kilobytes:.0f} kB")


def _write_with_errors(
    options: argparse.Namespace, potential: MTP, active_set: ActiveRows | None
) -> str:
    """Write a model that holds expected errors; return what it holds, in words."""
    from maxvolt.uncertainty import read_uncertainty

    uncertainty = read_uncertainty(options.uncertainty)
    try:
        uncertainty.check_compilable()
    except DataError as error:
        raise MaxvoltError(f"{options.uncertainty}: {error}") from error
    if [member.digest for member in uncertainty.members] != [potential.digest]:
        raise MaxvoltError(
            f"{options.uncertainty}: the expected errors are of another potential than "
            f"{options.potential}; calibrate again: maxvolt calibrate POT --train TRAIN -o FILE"
        )
    uncertainty.write_compiled(options.output, active_set)
    mode = uncertainty.active_set or active_set
    graded = "" if mode is None else f"its active set ({mode.mode} mode) and "
    return f"with {graded}expected errors by {' and '.join(uncertainty.calibration.force.names)}"


def _read(options: argparse.Namespace) -> tuple[MTP, ActiveRows | None]:
    """Read the potential, and the active set where its file has one, from one reading of it."""
    from maxvolt.potentials import MTP
    from maxvolt.potentials.families import family_of_file
    from maxvolt.selection.mlip_files import read_with_active_rows

    files = potential_files(options.potential)
    family = family_of_file(files[0]) if len(files) == 1 and files[0].is_file() else None
    if options.active_set is None and family is not None and family.name == "mtp":
        return read_with_active_rows(files[0], options.species)
    potential = load(options.potential, options.species)
    if isinstance(potential, MTP):
        return potential, None
    raise MaxvoltError(
        f"{options.potential}: compiled models are made of one moment tensor potential, not of "
        f"{type(potential).__name__}"
    )
