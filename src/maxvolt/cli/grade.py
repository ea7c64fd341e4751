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
from maxvolt.cli.calibrate import thresholds
from maxvolt.cli.console import counted, note, print_json, print_table
from maxvolt.cli.inputs import check_order, check_species
from maxvolt.cli.options import add_json, add_species, add_threads
from maxvolt.cli.outputs import check_structures
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from maxvolt.cli.structures import Naming
    from maxvolt.dataset import Dataset
    from maxvolt.selection import ActiveSet, Grades
    from maxvolt.uncertainty import ExpectedErrors, Uncertainty

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
  maxvolt grade pot.mtp in.xyz --train train.xyz --mode neighborhood --json
  maxvolt grade pot.almtp in.xyz --uncertainty pot.uncertainty"""


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
    parser.add_argument(
        "--uncertainty",
        type=Path,
        metavar="FILE",
        help="of maxvolt calibrate: show the expected force error beside each grade",
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
    others = [path for path in (options.train, options.uncertainty) if path is not None]
    inputs = [options.input, options.potential, *others]
    # The active set may go back to the file of its potential, which has been read by then.
    check_save(options.save_active_set, [path for path in inputs if path != options.potential])
    naming = naming_of_potential(options.potential, options.species, [options.input, options.train])
    if options.output is not None:
        kind = check_structures(options.output, None, inputs, labels=True)
        naming.check_output(options.output, kind)
    active_set = _active_set(options, naming)
    uncertainty = _uncertainty(options, active_set)
    dataset = naming.read(options.input, active_set.species)
    check_species(options.input, dataset, active_set.species)
    say_complete(active_set)
    grades = active_set.grade_dataset(dataset, threads=options.threads, ranks=options.ranks)
    above = [int((grades.structures > limit).sum()) for limit in (2, 10)]
    note(f"of {counted(len(dataset), 'structure')}: {above[0]} above 2, {above[1]} above 10")
    if options.output is not None:
        naming.write(options.output, kind, with_grades(dataset, grades), active_set.species)
        note(f"{options.output}: {counted(len(dataset), 'structure')} as {kind}")
    errors = None if uncertainty is None else uncertainty.of(dataset, threads=options.threads)
    if options.json:
        rows = [_row(dataset, grades, errors, index) for index in range(len(dataset))]
        document: dict[str, Any] = {"active_set": facts(active_set), "structures": rows}
        if uncertainty is not None:
            document["thresholds"] = thresholds(uncertainty.calibration)
        print_json(document)
    elif options.output is None:
        _print(dataset, grades, errors)
    if uncertainty is not None:
        _note_thresholds(uncertainty)


def _uncertainty(options: argparse.Namespace, active_set: ActiveSet) -> Uncertainty | None:
    from maxvolt.uncertainty import read_uncertainty

    if options.uncertainty is None:
        return None
    found = read_uncertainty(options.uncertainty)
    if [one.digest for one in found.members] != [active_set.potential.digest]:
        raise MaxvoltError(
            f"{options.uncertainty}: was calibrated for another potential than "
            f"{options.potential}; calibrate again: maxvolt calibrate {options.potential} ..."
        )
    return found


def _note_thresholds(uncertainty: Uncertainty) -> None:
    rows = thresholds(uncertainty.calibration)
    if not rows:
        note(
            "the expected error at a grade is not known: grades are no measure of this file; "
            "calibrate with --measure grade"
        )
    for row in rows:
        expected = f"{row['expected_eV_per_A']:.3g} eV/A"
        note(f"at grade {row['grade']:g} a force error of {expected} is expected")


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


def _row(
    dataset: Dataset, grades: Grades, errors: ExpectedErrors | None, index: int
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "structure": index,
        "atoms": int(dataset.counts[index]),
        "grade": grades.structures[index],
    }
    if grades.sites is not None:
        row["atom_grades"] = grades.sites[dataset.atoms_of(index)]
    if errors is not None:
        row["expected_force_error_eV_per_A"] = errors.structures[index]
        row["expected_energy_error_eV_per_atom"] = errors.energies[index]
        row["atom_force_errors_eV_per_A"] = errors.forces[dataset.atoms_of(index)]
    return row


def _print(dataset: Dataset, grades: Grades, errors: ExpectedErrors | None) -> None:
    columns = ["structure", "atoms", "grade"]
    if grades.sites is not None:
        columns.append("atom of\nlargest grade")
    if errors is not None:
        columns += ["expected error\neV/A", "meV/atom"]
    rows = []
    for index in range(len(dataset)):
        row = _row(dataset, grades, errors, index)
        cells = [str(index), str(row["atoms"]), f"{row['grade']:.6f}"]
        if grades.sites is not None:
            cells.append(str(int(row["atom_grades"].argmax())))
        if errors is not None:
            energy = 1000 * row["expected_energy_error_eV_per_atom"]
            cells += [f"{row['expected_force_error_eV_per_A']:.3g}", f"{energy:.3g}"]
        rows.append(cells)
    print_table(columns, rows, text_columns=0)
