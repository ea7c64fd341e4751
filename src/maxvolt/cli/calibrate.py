"""`maxvolt calibrate`: expected errors of a potential in physical units."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maxvolt.cli.console import counted, note, print_json, print_table, progress_bar
from maxvolt.cli.inputs import check_order, check_species
from maxvolt.cli.options import add_json, add_species, add_threads, positive_float, positive_int
from maxvolt.cli.outputs import check_figure, check_output
from maxvolt.cli.potentials import load, potential_files
from maxvolt.cli.train_options import add_loss, loss_of
from maxvolt.errors import MaxvoltError
from maxvolt.uncertainty import DEFAULT_MEASURE, MEASURES

if TYPE_CHECKING:
    from maxvolt.uncertainty import Calibration, Reliability

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run", "thresholds"]

NAME = "calibrate"
SUMMARY = "expected errors in eV/A and eV/atom, from held-out labels"
DESCRIPTION = """\
Find how large the errors of a potential are as a function of a measure of its uncertainty, on
labelled structures that it was not fitted to (HELD_OUT; without it, on TRAIN by cross-validation),
and write potential, measures and calibration to one file. Tables say how far it can be believed, on
structures left out of the calibration: how many errors are inside their bounds, how many large ones
a threshold misses, and how well each measure ranks the errors."""
EXAMPLES = """\
  maxvolt calibrate pot.mtp test.xyz --train train.xyz -o pot.uncertainty
  maxvolt calibrate pot.mtp --train train.xyz -o pot.uncertainty --plot reliability.png
  maxvolt calibrate pot.almtp test.xyz --train train.xyz --measure grade --measure posterior \\
      -o pot.uncertainty --json"""

_GRADES = (2.0, 10.0)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("potential", type=Path, metavar="POT", help="potential or ensemble")
    parser.add_argument(
        "held_out",
        type=Path,
        nargs="?",
        metavar="HELD_OUT",
        help="labelled structures that POT was not fitted to",
    )
    parser.add_argument(
        "--train", type=Path, metavar="TRAIN", help="the training set, which measures are made of"
    )
    parser.add_argument(
        "--measure",
        action="append",
        choices=MEASURES,
        help=f"what tells errors ({DEFAULT_MEASURE}); may be given several times",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="OUT",
        help="file to write, for example pot.uncertainty",
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write a reliability diagram")
    parser.add_argument(
        "--threshold",
        type=positive_float,
        action="append",
        metavar="E",
        help="expected force error, eV/A, for the table of misses (its median and 90 %% quantile)",
    )
    parser.add_argument(
        "--folds",
        type=positive_int,
        default=10,
        metavar="K",
        help="parts of TRAIN that are left out in turn, without HELD_OUT (10)",
    )
    add_loss(parser)
    add_species(parser)
    add_threads(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Read, calibrate, write and print."""
    from maxvolt.cli.structures import naming_of_potential
    from maxvolt.uncertainty.calibrating import calibrated_with_errors
    from maxvolt.uncertainty.reliability import reliability_of_folds

    if options.held_out is None and options.train is None:
        raise MaxvoltError("give HELD_OUT, --train TRAIN, or both")
    given = [path for path in (options.held_out, options.train) if path is not None]
    check_order(options.potential, given[0])
    inputs = [*given, *potential_files(options.potential)]
    check_output(options.output, inputs)
    if options.plot is not None:
        check_figure(options.plot, [*inputs, options.output])
    naming = naming_of_potential(options.potential, options.species, given)
    potential = load(options.potential, naming.species)
    read = {}
    for path in given:
        read[path] = naming.read(path, potential.species)
        check_species(path, read[path], potential.species)
    measures = list(dict.fromkeys(options.measure or [DEFAULT_MEASURE]))
    steps = options.folds if options.held_out is None else None
    with progress_bar("calibrating", steps) as advance:
        uncertainty, errors = calibrated_with_errors(
            *(potential, read.get(options.held_out), read.get(options.train), measures),
            settings=loss_of(options),
            folds=options.folds,
            threads=options.threads,
            advance=advance,
        )
    found = reliability_of_folds(errors, thresholds=options.threshold or ())
    uncertainty.write(options.output)
    calibration = uncertainty.calibration
    note(f"{options.output}: calibrated on {calibration.source}, by {' and '.join(measures)}")
    for warning in calibration.warnings:
        note(f"warning: {warning}")
    if options.json:
        print_json(document(calibration, found))
    else:
        _print(calibration, found)
    if options.plot is not None:
        from maxvolt.report.output import save_figure

        save_figure(found.figure(), options.plot)
        note(f"{options.plot}: reliability diagram")


def document(calibration: Calibration, found: Reliability) -> dict[str, Any]:
    """Numbers of a calibration for JSON."""
    return {
        "source": calibration.source,
        "structures": calibration.n_structures,
        "atoms": calibration.n_atoms,
        "force_measures": list(calibration.force.names),
        "bins": len(calibration.force.scores.scores),
        "largest_coverage": calibration.force.scores.largest_coverage,
        "thresholds": thresholds(calibration),
        "reliability": found.to_dict(),
        "warnings": list(calibration.warnings),
    }


def thresholds(calibration: Calibration) -> list[dict[str, Any]]:
    """Expected force error at the usual thresholds of grades, where grades are a measure."""
    if "grade" not in calibration.force.alone:
        return []
    return [
        {"grade": grade, "expected_eV_per_A": calibration.force.expected_at(grade, "grade")}
        for grade in _GRADES
    ]


def _print(calibration: Calibration, found: Reliability) -> None:
    print("Errors inside their bounds, of structures left out of the calibration")
    print_table(
        ["stated", "forces", "mean over\nstructures", "energies"],
        [
            [_percent(value) for value in (row.stated, row.forces, row.forces_by_structure)]
            + [_percent(row.energies)]
            for row in found.coverage
        ],
        text_columns=0,
    )
    print("Large force errors that a threshold on the expected error misses, and its false alarms")
    print_table(
        ["threshold\neV/A", "large\neV/A", "atoms", "missed", "structures", "missed", "false"],
        [
            [
                *(f"{row.threshold:.3g}", f"{row.large:.3g}"),
                *(str(row.atoms), _percent(row.missed_atoms)),
                *(str(row.structures), _percent(row.missed_structures)),
                _percent(row.false_structures),
            ]
            for row in found.misses
        ],
        text_columns=0,
    )
    print("Rank correlation with the force error")
    print_table(
        ["", "atoms", "structures"],
        [
            [name, f"{value:.2f}", f"{found.structure_correlations[name]:.2f}"]
            for name, value in found.correlations.items()
        ],
    )
    for row in thresholds(calibration):
        expected = f"{row['expected_eV_per_A']:.3g}"
        print(f"at grade {row['grade']:g} a force error of {expected} eV/A is expected")
    atoms = counted(calibration.n_atoms, "atom")
    note(f"{counted(calibration.n_structures, 'structure')} with {atoms} were compared")


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"
