"""The commands of `maxvolt`, and the way from the command line to one of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial

from maxvolt.cli import (
    calibrate,
    card,
    compile,
    completion,
    convert,
    cut_neighborhood,
    enumerate_structures,
    errors,
    evaluate,
    free_energy,
    grade,
    hull,
    i_pi,
    info,
    label,
    lammps,
    lattice_fit,
    map,
    mc,
    md,
    melting,
    mindist,
    phase_diagram,
    phases,
    property,
    prune,
    relax,
    report,
    run,
    search,
    select,
    sqs,
    status,
    train,
    tune,
)
from maxvolt.cli.mlip_names import refuse_mlip_name
from maxvolt.cli.parser import CommandParser, Parser, ShowVersion
from maxvolt.cli.program import Program
from maxvolt.errors import MaxvoltError
from maxvolt.parallel.ranks import Ranks

__all__ = ["OF_HELPERS", "main"]

_COMMANDS = (
    train,
    prune,
    tune,
    run,
    status,
    report,
    evaluate,
    errors,
    map,
    grade,
    calibrate,
    select,
    cut_neighborhood,
    md,
    relax,
    search,
    enumerate_structures,
    sqs,
    hull,
    lammps,
    property,
    card,
    lattice_fit,
    mc,
    phase_diagram,
    melting,
    free_energy,
    i_pi,
    label,
    convert,
    mindist,
    phases,
    compile,
    info,
    completion,
)

_ON_RANKS = (train, evaluate, errors, grade, select, relax)
"""Commands whose work several MPI processes share."""

OF_HELPERS = (
    "maxvolt.fitting.variable_projection.problem",
    "maxvolt.selection.active_set",
    "maxvolt.sampling.runner",
)
"""What the work of these commands needs; it takes seconds to import."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments
        The words behind ``maxvolt``; those of the process where None.

    Returns
    -------
    exit_code
        0 after success, 2 for wrong usage or unusable input, 130 after Ctrl-C, 143 after SIGTERM.
    """
    return Program("maxvolt", partial(_run, arguments)).run(OF_HELPERS)


def _run(arguments: Sequence[str] | None, program: Program, ranks: Ranks) -> None:
    options = _parsed(arguments)
    program.name = f"{program.family} {options.command}"
    options.ranks = ranks
    _check_ranks(options.command, ranks)
    options.run(options)


def _check_ranks(command: str, ranks: Ranks) -> None:
    """Refuse several processes for a command that would leave all but one of them idle."""
    able = [module.NAME for module in _ON_RANKS]
    if ranks.size == 1 or command in able:
        return
    instead = (
        "a campaign runs its simulations and calculations in processes of its own and starts "
        "programs that may use MPI themselves; say in the campaign file how many"
        if command == run.NAME
        else f"MPI shares the work of {', '.join(able)}"
    )
    raise MaxvoltError(
        f"was started as {ranks.size} MPI processes; start it once, without mpiexec or srun: "
        f"{instead}"
    )


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    words = sys.argv[1:] if arguments is None else arguments
    if words:
        refuse_mlip_name(words[0])
    options, unknown = _build_parser().parse_known_args(arguments)
    if unknown:  # the parser of the command refers to its own help
        options.parser.refuse_unknown(unknown)
    return options


def _build_parser() -> Parser:
    parser = Parser(
        prog="maxvolt",
        allow_abbrev=False,
        description="Moment tensor potentials and ANI neural networks: train, check and use them.",
        epilog="'maxvolt COMMAND --help' shows the options of a command, with examples. Exit "
        "codes: 0 done, 2 wrong usage or unusable input, 130 interrupted, 143 terminated.",
    )
    parser.add_argument(
        "--version",
        action=ShowVersion,
        nargs=0,
        help="print version, threads and instruction set, and exit",
    )
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=CommandParser
    )
    for module in _COMMANDS:
        command = commands.add_parser(
            module.NAME,
            allow_abbrev=False,
            help=module.SUMMARY,
            description=module.DESCRIPTION,
            epilog=f"examples:\n{module.EXAMPLES}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run, parser=command, root=parser)
    return parser
