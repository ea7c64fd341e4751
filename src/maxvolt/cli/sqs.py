"""`maxvolt sqs`: a special quasi-random structure of an alloy on a lattice."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.console import counted, note, print_json, print_table
from maxvolt.cli.lattice_options import add_lattice, parent_of, shares_of
from maxvolt.cli.options import add_json, non_negative_int, positive_float, positive_int
from maxvolt.cli.outputs import check_structures

if TYPE_CHECKING:
    from maxvolt.potentials.lattice import ParentLattice
    from maxvolt.properties.lattice import Quasirandom

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "sqs"
SUMMARY = "a small cell of an alloy that is as disordered as a random one"
DESCRIPTION = """\
Write a special quasi-random structure: of all cells of a lattice with a number of sites, and of all
arrangements in them, one whose correlations of pairs and triplets are nearly those of a random
alloy. Annealing finds it, the same for the same seed. The short-range order of Warren and Cowley
that is left is printed, 0 where species are at random. icet does the annealing: pip install
'maxvolt[enumeration,lattice]'."""
EXAMPLES = """\
  maxvolt sqs --lattice fcc:4.09 --composition Ag=0.5,Pd=0.5 --atoms 16 -o sqs.xyz
  maxvolt sqs --lattice salt.cif --sites Mg=Mg,Ca --composition Mg=3,Ca=1 --atoms 8 -o sqs.xyz
  maxvolt sqs --lattice bcc:3.2 --composition Mo=1,Nb=1,Ta=1,W=1 --atoms 16 --seed 1 \\
      -o sqs.xyz --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add_lattice(parser)
    parser.add_argument(
        "--composition", required=True, metavar="A=X,B=Y", help="shares of the species of the sites"
    )
    parser.add_argument(
        "--atoms", type=positive_int, required=True, metavar="N",
        help="of the cell: sites that are shared out, without spectators",
    )  # fmt: skip
    parser.add_argument(
        "--cutoffs", type=_lengths, metavar="A,B,...",
        help="Angstrom, of pairs, triplets, ... whose correlations count (pairs of three shells, "
        "triplets of the nearest)",
    )  # fmt: skip
    parser.add_argument(
        "--shells", type=positive_int, default=3, metavar="N",
        help="of the order that is printed (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--steps", type=positive_int, default=20_000, metavar="N",
        help="swaps that are tried (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=non_negative_int, default=0, metavar="N", help="(%(default)s)"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT", help="file to write"
    )
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Anneal, write, print the order."""
    from maxvolt import io
    from maxvolt.properties.lattice import quasirandom_structure

    check_structures(options.output, None, [Path(options.lattice)])
    composition = shares_of(options.composition, "--composition")
    parent = parent_of(options, tuple(composition))
    found = quasirandom_structure(
        parent,
        options.atoms,
        composition,
        cutoffs=options.cutoffs,
        shells=options.shells,
        steps=options.steps,
        seed=options.seed,
    )
    atoms = parent.atoms(found.supercell, found.occupation)
    io.write(options.output, atoms)
    _tell(options, parent, found)
    note(f"{options.output}: {counted(len(atoms), 'atom')}")


def _tell(options: argparse.Namespace, parent: ParentLattice, found: Quasirandom) -> None:
    species = parent.species
    if options.json:
        print_json(
            {
                "species": species,
                "edges": found.supercell.vectors,
                "occupation": found.occupation,
                "distances_A": found.distances,
                "order": found.order,
            }
        )
        return
    pairs = [(s, t) for s in range(len(species)) for t in range(s, len(species))]
    rows = [
        [str(shell), f"{distance:.3f}", *(f"{order[s, t]:.3f}" for s, t in pairs)]
        for shell, (distance, order) in enumerate(zip(found.distances, found.order, strict=True), 1)
    ]
    head = ["shell", "distance\nA", *(f"order\n{species[s]}-{species[t]}" for s, t in pairs)]
    print_table(head, rows)


def _lengths(text: str) -> tuple[float, ...]:
    return tuple(positive_float(part) for part in text.split(","))
