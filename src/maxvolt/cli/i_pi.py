"""`maxvolt i-pi`: the client through which i-PI drives a potential."""

from __future__ import annotations

import argparse
import math
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maxvolt.cli.console import counted, note, print_json, print_table, progress_bar
from maxvolt.cli.inputs import check_order, check_species, read_structures
from maxvolt.cli.options import (
    add_json,
    add_species,
    add_threads,
    non_negative_float,
    positive_int,
)
from maxvolt.cli.outputs import check_structures
from maxvolt.cli.potentials import potential_files
from maxvolt.cli.sampling_options import (
    add_rule,
    calculator_factory,
    committee_files,
    limits_of,
    load_calculator,
    thresholds_of,
)
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from maxvolt.dataset import Dataset
    from maxvolt.sampling.i_pi import Address, Client, Replicas
    from maxvolt.sampling.trajectory_file import TrajectoryFile

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "i-pi"
SUMMARY = "compute forces for i-PI, which moves the atoms (path integrals and more)"
DESCRIPTION = """\
Compute energies, forces and virials for i-PI, which runs beside it and moves the atoms: path
integrals, replica exchange, geometry optimisation. STRUCTURE is what i-PI starts from; of it the
elements, in their order, and the periodic directions count. Each replica (bead) has a neighbour
list of its own; several clients share the replicas. With an active set (.almtp, .als) or a
committee, grades are written into the extras of i-PI, structures above one grade are kept, and the
client ends above another. It ends well when i-PI says that it has finished, and with an error where
i-PI dies."""
EXAMPLES = """\
  maxvolt i-pi pot.mtp start.xyz --unix maxvolt
  maxvolt i-pi pot.almtp start.xyz --port 31415 --select 2 --break 10 --save-extrapolative new.xyz
  maxvolt i-pi Al.eam.alloy start.xyz --unix maxvolt --threads 1 --reconnect 60 --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("potential", type=Path, metavar="POT", help="potential or ensemble")
    parser.add_argument(
        "structure", type=Path, metavar="STRUCTURE", help="one structure, as i-PI starts from it"
    )
    where = parser.add_argument_group("where i-PI listens")
    where.add_argument(
        "--unix",
        metavar="NAME",
        help="<address> of a unix socket (/tmp/ipi_NAME), or its whole path",
    )
    where.add_argument("--host", metavar="H", help="machine (default: localhost)")
    where.add_argument("--port", type=positive_int, metavar="P", help="<port> (default: 31415)")
    for name, default, text in (
        ("--wait", 60.0, "wait so long for i-PI to listen"),
        ("--reconnect", 0.0, "after a lost connection, wait so long for i-PI to come back"),
    ):
        where.add_argument(
            name,
            type=non_negative_float,
            default=default,
            metavar="S",
            help=f"{text}, seconds (default: %(default)g)",
        )
    parser.add_argument(
        "--record-every",
        type=positive_int,
        default=10,
        metavar="N",
        help="keep structures of each replica every N evaluations (default: %(default)g)",
    )
    add_rule(parser)
    add_species(parser)
    add_threads(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Read, connect, compute until i-PI has finished, print."""
    from maxvolt.sampling.i_pi import BrokenOffError, Client

    address = _address(options)
    check_order(options.potential, options.structure)
    if options.save_extrapolative is not None:
        check_structures(options.save_extrapolative, None, _inputs(options), several=True)
    replicas, species = _replicas(options)
    began = time.perf_counter()
    with (
        _kept(options.save_extrapolative, species) as kept,
        progress_bar("structures", None) as advance,
    ):
        replicas.keep = None if kept is None else kept.add
        try:
            _serve(Client(replicas, advance), address, options)
        except BrokenOffError as error:
            raise _with_advice(error, options.save_extrapolative) from error
    if kept is not None:
        note(f"{kept.path}: {counted(kept.length, 'structure')} for selection")
    _print(replicas, time.perf_counter() - began, as_json=options.json)


def _serve(client: Client, address: Address, options: argparse.Namespace) -> None:
    """Serve i-PI, also one that comes back after the connection was lost, until it has finished."""
    from maxvolt.sampling.i_pi import LostError, connect

    connection = connect(address, options.wait)
    while True:
        note(f"connected to i-PI at {address}")
        try:
            return client.serve(connection)
        except LostError as error:
            if not options.reconnect:
                raise
            note(f"maxvolt: warning: {error}; waiting {options.reconnect:g} s for it to come back")
        finally:
            connection.close()
        connection = connect(address, options.reconnect)


def _address(options: argparse.Namespace) -> Address:
    from maxvolt.sampling.i_pi import InternetAddress, UnixAddress

    internet = options.host is not None or options.port is not None
    if (options.unix is not None) == internet:
        raise MaxvoltError(
            "say where i-PI listens: --unix NAME, or --host H and --port P, as in the <ffsocket> "
            "of its input"
        )
    if options.unix is not None:
        return UnixAddress(options.unix)
    given = {key: getattr(options, key) for key in ("host", "port")}
    return InternetAddress(**{key: value for key, value in given.items() if value is not None})


def _inputs(options: argparse.Namespace) -> list[Path]:
    files = potential_files(options.potential)
    return [options.structure, *files, *committee_files(options)]


def _replicas(options: argparse.Namespace) -> tuple[Replicas, tuple[str, ...]]:
    """Give what evaluates structures, and the species for files that number them."""
    from maxvolt.sampling.i_pi import Replicas

    thresholds = thresholds_of(options)
    potential, query = load_calculator(options.potential, options.species, options)
    species = options.species or potential.species
    dataset = read_structures(options.structure, species)
    check_species(options.structure, dataset, potential.species)
    _check_one(options.structure, dataset)
    structure = dataset[0]
    if not structure.pbc.all():
        note(
            f"{options.structure}: not periodic in three directions, so that there is no virial: "
            "i-PI must not change the cell"
        )
    replicas = Replicas(
        structure,
        calculator_factory(potential, query, options.threads),
        thresholds,
        limits_of(options),
        record_every=options.record_every,
    )
    return replicas, species


def _check_one(path: Path, dataset: Dataset) -> None:
    if len(dataset) != 1:
        raise MaxvoltError(
            f"{path}: holds {len(dataset)} structures; expected one, that which i-PI starts from "
            "(maxvolt convert IN OUT --index 0 takes the first)"
        )


def _kept(
    path: Path | None, species: tuple[str, ...]
) -> AbstractContextManager[TrajectoryFile | None]:
    from maxvolt.sampling.trajectory_file import TrajectoryFile

    return nullcontext() if path is None else TrajectoryFile(path, species)


def _with_advice(error: MaxvoltError, kept: Path | None) -> MaxvoltError:
    where = "" if kept is None else f"; what was kept is in {kept}"
    return MaxvoltError(
        f"{error}{where}. i-PI now waits for another client: end it with 'touch EXIT' in its "
        "folder, or start a client with a better potential"
    )


def _print(replicas: Replicas, seconds: float, *, as_json: bool) -> None:
    rows = [
        {
            "replica": one.index,
            "structures": one.evaluations,
            "kept_for_selection": one.kept,
            "largest_grade": one.largest_grade,
            "lists_built": getattr(getattr(one.atoms.calc, "neighbors", None), "n_builds", None),
        }
        for one in replicas.all
    ]
    if as_json:
        print_json({"seconds": seconds, "replicas": rows})
        return
    print_table(
        ("replica", "structures", "kept", "largest\ngrade", "lists\nbuilt"),
        [[_shown(value) for value in row.values()] for row in rows],
        text_columns=1,
    )


def _shown(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
