"""`maxvolt errors`: how far a potential is from the labels of a file."""

from __future__ import annotations

import argparse
from pathlib import Path

from maxvolt.cli.console import note, print_json
from maxvolt.cli.options import add_json, add_species, add_threads, check_output
from maxvolt.cli.potentials import load_potential

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "errors"
SUMMARY = "errors of a potential: RMSE, MAE and maximum, per group and total"
DESCRIPTION = """\
Compare a potential with the labels of a file: errors of energies, forces (per component and as
vectors) and stresses, equations (8) to (10) of docs/formulation.md, per group (config_type) and in
total. An ensemble is judged by the mean of its members, with their mean and two sigma beside it."""
EXAMPLES = """\
  maxvolt errors pot.mtp test.xyz
  maxvolt errors pot.mtp test.xyz --plot parity.png
  maxvolt errors mlip.almtp test.cfg --species Ti,Al --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("potential", type=Path, metavar="POT", help="potential or ensemble")
    parser.add_argument("data", type=Path, metavar="DATA", help="labelled structures")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write parity plots, e.g. .png")
    add_species(parser)
    add_threads(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Read, compare, print and plot."""
    from maxvolt.fitting.errors import compute_errors
    from maxvolt.io import read

    if options.plot is not None:
        check_output(options.plot)
    potential = load_potential(options.potential, options.species)
    dataset = read(options.data, species=options.species or potential.species)
    report = compute_errors(potential, dataset, threads=options.threads)
    if options.json:
        print_json(report.to_dict())
    else:
        from maxvolt.report import print_errors

        print_errors(report)
    if options.plot is not None:
        from maxvolt.report import save_parity_plot

        save_parity_plot(report, options.plot)
        note(f"{options.plot}: parity plots")
