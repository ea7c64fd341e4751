"""`maxvolt info`: what a potential or a file of structures holds."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.console import print_json, print_pairs
from maxvolt.cli.inputs import is_potential
from maxvolt.cli.options import add_json, add_species
from maxvolt.cli.potentials import potential_files

if TYPE_CHECKING:
    from maxvolt.cli.data_summary import DataSummary
    from maxvolt.cli.potential_summary import PotentialSummary

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "info"
SUMMARY = "what a potential or a file of structures holds"
DESCRIPTION = """\
Describe a file: for a potential its level, species, radial basis and parameters; for structures
their number, species, labels and the ranges of energies, forces and stresses."""
EXAMPLES = """\
  maxvolt info pot.mtp
  maxvolt info train.xyz --json
  maxvolt info train.cfg --species Ti,Al"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("file", type=Path, metavar="FILE", help="potential, ensemble or structures")
    add_species(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Tell potentials from structures, summarise, print."""
    summary = _summary(options.file, options.species)
    if options.json:
        print_json({"file": str(options.file), **summary.to_dict()})
    else:
        print_pairs(str(options.file), summary.to_text())


def _summary(path: Path, species: tuple[str, ...] | None) -> PotentialSummary | DataSummary:
    if is_potential(path):
        from maxvolt.cli.potential_summary import PotentialSummary

        return PotentialSummary.of_files(potential_files(path), species)
    from maxvolt.cli.data_summary import DataSummary

    return DataSummary.of_file(path, species)
