"""`maxvolt grade`: how far structures extrapolate."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maxvolt.cli.active_sets import (
    add_rows,
    add_save,
    check_save,
    facts,
    load_with_gradients,
    rows_of,
    say_complete,
)
from maxvolt.cli.console import counted, note, print_json, print_table
from maxvolt.cli.inputs import check_order, check_species
from maxvolt.cli.options import add_json, add_species, add_threads
from maxvolt.cli.outputs import check_structures
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from maxvolt.cli.structures import Naming
    from maxvolt.dataset import Dataset
    from maxvolt.selection import ActiveSet, Grades

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "grade"
SUMMARY = "extrapolation grades of structures"
DESCRIPTION = """\
Say for each structure of IN how far the potential extrapolates: up to grade 1 it interpolates,
structures above about 2 are worth a reference calculation, and above about 10 its results are not
to be trusted. Grades need an active set: that of the file (.almtp, .als), or one made from the
structures of --train."""
EXAMPLES = """\
  maxvolt grade pot.almtp relaxed.xyz
  maxvolt grade pot.almtp in.cfg -o graded.cfg --species Mo
  maxvolt grade pot.mtp in.xyz --train train.xyz --mode neighborhood --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("potential", type=Path, metavar="POT", help="potential, usually .almtp")
    parser.add_argument("input", type=Path, metavar="IN", help="structures to grade")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="OUT",
        help="write the structures with their grades (MV_grade; nbh_grades of atoms)",
    )
    parser.add_argument(
        "--train", type=Path, metavar="TRAIN", help="make the active set from these structures"
    )
    add_rows(parser)
    add_save(parser)
    add_species(parser)
    add_threads(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Read, grade, write or print."""
    from maxvolt.cli.structures import naming_of_potential
    from maxvolt.selection.grades import with_grades

    check_order(options.potential, options.input)
    inputs = [options.input, options.potential, *([options.train] if options.train else [])]
    # The active set may go back to the file of its potential, which has been read by then.
    check_save(options.save_active_set, [path for path in inputs if path != options.potential])
    naming = naming_of_potential(options.potential, options.species, [options.input, options.train])
    if options.output is not None:
        kind = check_structures(options.output, None, inputs, labels=True)
        naming.check_output(options.output, kind)
    active_set = _active_set(options, naming)
    dataset = naming.read(options.input, active_set.species)
    check_species(options.input, dataset, active_set.species)
    say_complete(active_set)
    grades = active_set.grade_dataset(dataset, threads=options.threads, ranks=options.ranks)
    above = [int((grades.structures > limit).sum()) for limit in (2, 10)]
    note(f"of {counted(len(dataset), 'structure')}: {above[0]} above 2, {above[1]} above 10")
    if options.output is not None:
        naming.write(options.output, kind, with_grades(dataset, grades), active_set.species)
        note(f"{options.output}: {counted(len(dataset), 'structure')} as {kind}")
    if options.json:
        rows = [_row(dataset, grades, index) for index in range(len(dataset))]
        print_json({"active_set": facts(active_set), "structures": rows})
    elif options.output is None:
        _print(dataset, grades)


def _active_set(options: argparse.Namespace, naming: Naming) -> ActiveSet:
    from maxvolt.selection import ActiveSet, read_active_set

    potential = load_with_gradients(options.potential, naming.species)
    weights = rows_of(options)
    if options.train is None:
        if weights is not None or options.save_active_set or options.algorithm == "mlip":
            raise MaxvoltError(
                "--mode, weights, --mlip-order and --save-active-set apply to an active set made "
                "from --train"
            )
        return read_active_set(options.potential, naming.species)
    training = naming.read(options.train, potential.species)
    check_species(options.train, training, potential.species)
    active_set = ActiveSet.from_dataset(
        potential,
        training,
        weights=weights,
        algorithm=options.algorithm,
        threads=options.threads,
        ranks=options.ranks,
    )
    if options.save_active_set is not None:
        active_set.write(options.save_active_set)
    return active_set


def _row(dataset: Dataset, grades: Grades, index: int) -> dict[str, Any]:
    row: dict[str, Any] = {
        "structure": index,
        "atoms": int(dataset.counts[index]),
        "grade": grades.structures[index],
    }
    if grades.sites is not None:
        row["atom_grades"] = grades.sites[dataset.atoms_of(index)]
    return row


def _print(dataset: Dataset, grades: Grades) -> None:
    columns = ["structure", "atoms", "grade"]
    if grades.sites is not None:
        columns.append("atom of\nlargest grade")
    rows = []
    for index in range(len(dataset)):
        row = _row(dataset, grades, index)
        cells = [str(index), str(row["atoms"]), f"{row['grade']:.6f}"]
        if grades.sites is not None:
            cells.append(str(int(row["atom_grades"].argmax())))
        rows.append(cells)
    print_table(columns, rows, text_columns=0)
