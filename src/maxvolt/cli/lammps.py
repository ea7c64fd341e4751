"""`maxvolt lammps`: what is installed, a working input, and a check against Python."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.console import print_json, print_table
from maxvolt.cli.options import add_json, add_species, positive_float, positive_int
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from maxvolt.sampling.lammps.comparison import Difference

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "lammps"
SUMMARY = "potentials in LAMMPS: what is installed, a working input, a check against Python"
DESCRIPTION = """\
Without more, print which LAMMPS and which plugin are installed, and an input that works with them.

With check, evaluate and grade a structure in LAMMPS on one and on two ranks, and print how far the
energies, forces, stress and grades are from those of Python. The potential may be a .mtp, .almtp or
.als file; it is an error where a difference is too large."""
EXAMPLES = """\
  maxvolt lammps
  maxvolt lammps check pot.almtp train.xyz
  maxvolt lammps check mlip.mtp POSCAR --species Ag,Pd --ranks 1 2 4"""

INPUT = """\
units       metal
atom_style  atomic
boundary    p p p
read_data   structure.data         # maxvolt convert train.xyz structure.data --index 0

pair_style  maxvolt select 2 break 10 every 10 frames found.xyz    # without an active set: maxvolt
pair_coeff  * * pot.maxvolt Al     # maxvolt compile pot.almtp -o pot.maxvolt; an element per type

compute     grade all pair maxvolt
velocity    all create 600 1
fix         move all nvt temp 300 300 0.1
timestep    0.002
thermo_style custom step temp pe press c_grade[1]
thermo      100
run         10000
"""

_TOLERANCE = 1e-9


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "action", nargs="?", choices=["check"], help="compare a structure with Python"
    )
    parser.add_argument("potential", nargs="?", type=Path, metavar="POT", help="of check")
    parser.add_argument(
        "structure", nargs="?", type=Path, metavar="STRUCTURE", help="of check: a file"
    )
    parser.add_argument(
        "--index", type=int, default=0, metavar="N", help="which structure of the file (0)"
    )
    parser.add_argument(
        "--ranks",
        dest="on_ranks",
        nargs="+",
        type=positive_int,
        default=[1, 2],
        metavar="N",
        help="numbers of MPI ranks to run on (1 2)",
    )
    parser.add_argument(
        "--tolerance",
        type=positive_float,
        default=_TOLERANCE,
        metavar="X",
        help=f"largest difference, by the size of the quantity ({_TOLERANCE:g})",
    )
    add_species(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Print what is installed, or check."""
    if options.action is None:
        _print_installation(as_json=options.json)
        return
    if options.structure is None:
        raise MaxvoltError("check needs POT and STRUCTURE: maxvolt lammps check pot.mtp train.xyz")
    _check(options)


def _print_installation(*, as_json: bool) -> None:
    from maxvolt.sampling.lammps.installation import find_installation

    found = find_installation()
    if as_json:
        print_json({**asdict(found), "input": INPUT})
        return
    absent = "not here"
    rows = [
        ("lmp", found.program or absent, found.lammps or ""),
        ("mpiexec", found.launcher or absent, ""),
        ("plugin", found.plugin or absent, found.plugin_version or ""),
    ]
    print_table(("", "path", "version"), rows)
    print(found.problem or "pair_style maxvolt works")
    print(f"\nAn input that works (docs/lammps says more):\n\n{INPUT}")


def _check(options: argparse.Namespace) -> None:
    from maxvolt.cli.potentials import load
    from maxvolt.cli.structures import read_with_names
    from maxvolt.sampling.lammps.comparison import compare_with_lammps
    from maxvolt.selection.active_set import read_active_set
    from maxvolt.selection.mlip_files import has_active_set

    potential = load(options.potential, options.species)
    query = None
    if has_active_set(options.potential):
        query = read_active_set(options.potential, potential.species)
    dataset, _ = read_with_names(options.structure, options.species or potential.species)
    if not 0 <= options.index < len(dataset):
        raise MaxvoltError(f"--index {options.index}: {options.structure} holds {len(dataset)}")
    found = compare_with_lammps(
        options.potential, potential, query, dataset[options.index], options.on_ranks
    )
    worst = max(found, key=lambda difference: difference.relative)
    _print_differences(found, as_json=options.json)
    if worst.relative > options.tolerance:
        raise MaxvoltError(
            f"LAMMPS and Python do not agree: {worst.quantity} by {worst.relative:.1e} of its "
            f"size, more than --tolerance {options.tolerance:g}; build the plugin again: "
            "pip install --force-reinstall --no-deps ./lammps"
        )


def _print_differences(found: list[Difference], *, as_json: bool) -> None:
    if as_json:
        print_json([{**asdict(d), "relative": d.relative} for d in found])
        return
    ranks = list(found[0].largest)
    rows = [
        (
            f"{d.quantity}, {d.unit}" if d.unit else d.quantity,
            f"{d.size:.6g}",
            *(f"{d.largest[n]:.1e}" for n in ranks),
        )
        for d in found
    ]
    print_table(("", "largest\nin Python", *(f"difference on\n{n} rank(s)" for n in ranks)), rows)
