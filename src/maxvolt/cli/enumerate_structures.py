"""`maxvolt enumerate`: all orderings of elements on crystal lattices."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.console import counted, note, print_json, print_table, progress_bar
from maxvolt.cli.lattice_options import add_sites, parent_of
from maxvolt.cli.options import add_json, positive_float, positive_int, species_list
from maxvolt.cli.outputs import check_structures
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from ase import Atoms

    from maxvolt.sampling import Enumeration

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "enumerate"
SUMMARY = "all orderings of elements on fcc, bcc, hcp and other lattices"
DESCRIPTION = """\
Write every ordering of the elements on crystal lattices that no symmetry turns into another one, up
to a number of atoms: candidates for 'maxvolt relax' or a campaign. Lattice constants are means of
those of the elements (Vegard); these follow from the volume of an atom in nature unless they are
given. 'parent_lattice' in the info of a structure is its lattice. --lattice takes any other
primitive cell, too; atoms are counted without spectators there. icet makes the orderings: pip
install 'maxvolt[enumeration]'."""
EXAMPLES = """\
  maxvolt enumerate Ag,Pd --atoms 6 -o candidates.xyz
  maxvolt enumerate Ag,Pd --atoms 12 --lattice fcc --concentration Ag=0.25:0.75 -o fcc.xyz
  maxvolt enumerate Ni,Al --atoms 8 --lattice-constant fcc:Ni=3.52 --lattice-constant fcc:Al=4.05 \\
      -o candidates.xyz --json
  maxvolt enumerate --atoms 4 --lattice salt.cif --sites Mg=Mg,Ca -o salts.xyz"""

_ATOMS_AT_ONCE = 20_000
"""That are held before they are written."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "species", type=species_list, nargs="?", metavar="A,B,...",
        help="elements; not with --sites, which names them",
    )  # fmt: skip
    parser.add_argument(
        "--atoms", type=positive_int, required=True, metavar="N", help="most atoms of a cell"
    )
    parser.add_argument(
        "--fewest", type=positive_int, default=1, metavar="N", help="fewest atoms of a cell (1)"
    )
    parser.add_argument(
        "--lattice",
        action="append",
        default=[],
        metavar="LATTICE",
        help="fcc, bcc or hcp, with lattice constants of the elements; may be given several times "
        "(default: all three). Or one primitive cell: a file, or sc, fcc, bcc, diamond or hcp with "
        "its lattice constant, as fcc:4.09",
    )
    add_sites(parser)
    parser.add_argument(
        "--concentration",
        type=_concentration,
        action="append",
        default=[],
        metavar="A=LEAST:MOST",
        help="share of an element, from 0 to 1; may be given several times",
    )
    parser.add_argument(
        "--lattice-constant",
        type=_constant,
        action="append",
        default=[],
        metavar="LATTICE:A=LENGTH",
        help="lattice constant of a pure element, A; may be given several times",
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT", help="file to write"
    )
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Enumerate, write, count."""
    from maxvolt.sampling.enumeration import PARENT_LATTICE

    inputs = [Path(one) for one in options.lattice]
    kind = check_structures(options.output, None, inputs, several=True)
    lattices, elements, made = _made(options)
    counts: Counter[tuple[str, int]] = Counter()
    with progress_bar("enumerating", None) as advance:

        def structures() -> Iterator[Atoms]:
            for atoms in made:
                counts[atoms.info[PARENT_LATTICE], len(atoms)] += 1
                advance(1)
                yield atoms

        _write(options.output, kind, structures(), elements)
    note(f"{options.output}: {counted(counts.total(), 'structure')}")
    sizes = sorted({size for _, size in counts})
    if options.json:
        found = {
            lattice: {str(size): counts[lattice, size] for size in sizes if counts[lattice, size]}
            for lattice in lattices
        }
        print_json({"structures": counts.total(), "counts": found})
        return
    rows = [[str(size), *(str(counts[lattice, size]) for lattice in lattices)] for size in sizes]
    rows.append(["all", *(str(sum(counts[name, size] for size in sizes)) for name in lattices)])
    print_table(["atoms", *lattices], rows)


def _made(options: argparse.Namespace) -> tuple[tuple[str, ...], tuple[str, ...], Iterator[Atoms]]:
    """Names of the lattices, all elements, and the structures."""
    from maxvolt.potentials.lattice import VACANCY
    from maxvolt.properties.lattice import enumerated_arrangements
    from maxvolt.sampling.enumeration import LATTICES, PARENT_LATTICE, enumerated_structures

    if (options.species is None) != bool(options.sites):
        raise MaxvoltError("give elements, A,B,..., or --sites, which names them: one of both")
    if all(one in LATTICES for one in options.lattice):
        if options.sites:
            raise MaxvoltError(
                "--sites names sites of one primitive cell: give it as --lattice FILE or fcc:4.09"
            )
        wanted = _wanted(options)
        return wanted.lattices, options.species, enumerated_structures(wanted)
    if len(options.lattice) > 1 or options.lattice_constant:
        raise MaxvoltError(
            f"--lattice: {', '.join(options.lattice)}: a primitive cell with its lattice constant "
            "stands alone, without other lattices and --lattice-constant"
        )
    (name,) = options.lattice
    parent = parent_of(options, options.species or (), name)

    def structures() -> Iterator[Atoms]:
        for supercell, occupation in enumerated_arrangements(
            parent,
            options.atoms,
            fewest_sites=options.fewest,
            concentrations=dict(options.concentration),
        ):
            atoms = parent.atoms(supercell, occupation)
            if len(atoms):
                atoms.info = {PARENT_LATTICE: name}
                yield atoms

    every = dict.fromkeys(symbol for one in parent.allowed for symbol in one)
    elements = tuple(symbol for symbol in every if symbol != VACANCY)
    return (name,), elements, structures()


def _write(path: Path, kind: str, structures: Iterator[Atoms], species: tuple[str, ...]) -> None:
    """Write structures as they come, in bounded memory; the file appears when it is complete."""
    from maxvolt import io
    from maxvolt.dataset import Dataset
    from maxvolt.files import replacing_path
    from maxvolt.io.formats import holds_labels

    if not holds_labels(kind):  # its files cannot grow
        io.write(path, Dataset.from_atoms(list(structures)), format=kind, species=species)
        return
    with replacing_path(path) as temporary:
        io.write(temporary, Dataset.from_atoms([]), format=kind, species=species)
        for some in Dataset.batches(structures, _ATOMS_AT_ONCE):
            io.write(temporary, some, format=kind, species=species, append=True)


def _wanted(options: argparse.Namespace) -> Enumeration:
    from maxvolt.sampling.enumeration import LATTICES, Enumeration

    constants: dict[str, dict[str, float]] = {}
    for lattice, symbol, value in options.lattice_constant:
        constants.setdefault(lattice, {})[symbol] = value
    return Enumeration(
        options.species,
        options.atoms,
        options.fewest,
        tuple(dict.fromkeys(options.lattice or LATTICES)),
        dict(options.concentration),
        constants,
    )


def _concentration(text: str) -> tuple[str, tuple[float, float]]:
    symbol, _, span = text.partition("=")
    least, _, most = span.partition(":")
    try:
        return symbol, (float(least), float(most))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected an element and its least and largest share, such as Ag=0.25:0.75"
        ) from None


def _constant(text: str) -> tuple[str, str, float]:
    place, _, value = text.partition("=")
    lattice, _, symbol = place.partition(":")
    try:
        if not symbol:
            raise ValueError
        return lattice, symbol, positive_float(value)
    except (ValueError, argparse.ArgumentTypeError):
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected lattice, element and length in A, such as fcc:Ag=4.09"
        ) from None
