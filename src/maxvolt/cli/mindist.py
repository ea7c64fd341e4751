"""`maxvolt mindist`: the shortest distances in a file of structures."""

from __future__ import annotations

import argparse
from pathlib import Path

from maxvolt.cli.console import print_json, print_table
from maxvolt.cli.options import add_json, add_species, positive_float

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "mindist"
SUMMARY = "shortest distances between atoms, per pair of species"
DESCRIPTION = """\
Print the shortest distance in a file and that of each pair of species. The --min-dist of a
potential should be a little below the shortest distance of its training set."""
EXAMPLES = """\
  maxvolt mindist train.xyz
  maxvolt mindist train.xyz --below 1.9
  maxvolt mindist train.cfg --species Ti,Al --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("data", type=Path, metavar="DATA", help="file of structures")
    parser.add_argument(
        "--below",
        type=positive_float,
        metavar="A",
        help="also list the structures with a distance below this",
    )
    add_species(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Measure and print."""
    import numpy as np

    from maxvolt.cli.structures import read_with_names
    from maxvolt.neighbors import minimum_distances

    dataset, names = read_with_names(options.data, options.species)
    found = minimum_distances(dataset)
    pairs = {f"{names[a]} - {names[b]}": distance for (a, b), distance in found.pairs.items()}
    shortest = int(np.argmin(found.structures))
    close = np.flatnonzero(found.structures < (options.below or 0.0))
    if options.json:
        print_json(
            {
                "shortest_A": found.overall,
                "structure": shortest,
                "pairs_A": pairs,
                "structures_A": found.structures,
                "below": close,
            }
        )
        return
    if np.isinf(found.overall):
        print("no two atoms are within the search radius of each other")
        return
    rows = [(pair, f"{distance:.6f}") for pair, distance in pairs.items()]
    print_table(("pair", "shortest distance\nA"), rows)
    print(f"shortest: {found.overall:.6f} A, in structure {shortest} (counted from 0)")
    if options.below is not None:
        print(f"below {options.below:g} A: {len(close)} of {len(dataset)} structures")
        for index in close:
            print(f"  {index}  {found.structures[index]:.6f} A")
