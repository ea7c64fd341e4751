"""`maxvolt cut-neighborhood`: small clusters around the atoms that extrapolate most."""

from __future__ import annotations

import argparse
from pathlib import Path

from maxvolt.cli.console import counted, note
from maxvolt.cli.options import add_species, non_negative_float, positive_float
from maxvolt.cli.outputs import check_structures
from maxvolt.errors import DataError

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "cut-neighborhood"
SUMMARY = "cut out the neighbourhoods of the atoms that extrapolate most"
DESCRIPTION = """\
Cut a sphere around the atom with the largest grade out of each structure of IN, which must hold
grades of atoms (nbh_grades), as maxvolt grade writes them in neighborhood mode. Structures that are
interpolated are skipped. The clusters have no cell."""
EXAMPLES = """\
  maxvolt cut-neighborhood graded.cfg -o clusters.cfg --species Mo
  maxvolt cut-neighborhood graded.xyz -o clusters.xyz --cutoff 7 --lowest-grade 2"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("input", type=Path, metavar="IN", help="structures with grades of atoms")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT", help="file to write"
    )
    parser.add_argument(
        "--cutoff",
        type=positive_float,
        default=8.0,
        metavar="A",
        help="radius of the sphere in Angstrom (8)",
    )
    parser.add_argument(
        "--lowest-grade",
        type=non_negative_float,
        default=1.1,
        metavar="G",
        help="skip structures whose largest grade is below this (1.1, as MLIP-3)",
    )
    add_species(parser)


def run(options: argparse.Namespace) -> None:
    """Read, cut, write."""
    from maxvolt.cli.structures import naming_of
    from maxvolt.dataset import Dataset
    from maxvolt.selection.neighborhood_cut import cut_neighborhoods
    from maxvolt.sources import holding

    kind = check_structures(options.output, None, [options.input], several=True)
    with holding(options.input):
        naming = naming_of(options.input, options.species)
        naming.check_output(options.output, kind)
        dataset = naming.read(options.input)
    clusters = cut_neighborhoods(dataset, options.cutoff, options.lowest_grade)
    if not clusters:
        raise DataError(
            f"{options.input}: no atom has a grade of {options.lowest_grade:g} or more; there is "
            "nothing to cut out"
        )
    naming.write(options.output, kind, Dataset.from_atoms(clusters), naming.species)
    note(
        f"{options.output}: {counted(len(clusters), 'cluster')} of "
        f"{counted(len(dataset), 'structure')} as {kind}"
    )
