"""`maxvolt convert`: structures from one file format to another."""

from __future__ import annotations

import argparse
from pathlib import Path

from maxvolt.cli.console import note, print_json
from maxvolt.cli.options import add_json, add_species, check_output

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "convert"
SUMMARY = "convert structures from one format to another"
DESCRIPTION = """\
Convert labelled structures. Formats follow from the file names: .cfg (MLIP, text or binary) and
every format that ASE knows (extended XYZ, OUTCAR, vasprun.xml, POSCAR, LAMMPS, ASE databases).
Units, order and sign of stresses are converted; unconverged steps of VASP are left out."""
EXAMPLES = """\
  maxvolt convert OUTCAR train.cfg
  maxvolt convert train.cfg train.xyz --species Ti,Al
  maxvolt convert OUTCAR train.cfg --append --index -1
  maxvolt convert relax.dump relax.xyz --input-format lammps-dump-text --species Mo"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("input", type=Path, metavar="IN", help="file to read")
    parser.add_argument("output", type=Path, metavar="OUT", help="file to write")
    add_species(parser)
    parser.add_argument("--input-format", metavar="NAME", help="instead of guessing from IN")
    parser.add_argument("--output-format", metavar="NAME", help="instead of guessing from OUT")
    parser.add_argument(
        "--index", default=":", metavar="I", help="which structures, as in ASE: 0, -1, ::10 (all)"
    )
    parser.add_argument("--append", action="store_true", help="add to OUT instead of replacing it")
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Read, convert, write and say what was written."""
    from maxvolt import io

    check_output(options.output)
    dataset = io.read(
        options.input, format=options.input_format, species=options.species, index=options.index
    )
    io.write(
        options.output,
        dataset,
        format=options.output_format,
        species=options.species,
        append=options.append,
    )
    if options.json:
        print_json(
            {"output": str(options.output), "structures": len(dataset), "atoms": dataset.n_atoms}
        )
    else:
        note(f"{options.output}: {len(dataset)} structures, {dataset.n_atoms} atoms")
