"""`maxvolt select`: the structures worth a reference calculation."""

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
from maxvolt.cli.console import counted, note, print_json
from maxvolt.cli.inputs import check_order, check_species
from maxvolt.cli.options import add_json, add_species, add_threads, positive_float, positive_int
from maxvolt.cli.outputs import check_structures
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from maxvolt.cli.structures import Naming
    from maxvolt.dataset import Dataset
    from maxvolt.selection import ActiveSelection, ActiveSet

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "select"
SUMMARY = "structures that a training set lacks, chosen by their grades"
DESCRIPTION = """\
Choose from CANDIDATES the structures that enlarge the active set of TRAIN: after a reference
calculation of these, all candidates are interpolated. Without candidates, choose the structures of
TRAIN from which all its others are interpolated. The selection starts from the active set in the
file POT, if it has one."""
EXAMPLES = """\
  maxvolt select pot.almtp train.cfg preselected.cfg -o selected.cfg
  maxvolt select pot.mtp train.xyz md.*.xyz -o new.xyz --limit 50
  maxvolt select pot.mtp train.xyz -o sparse.xyz --save-active-set pot.almtp
  maxvolt select pot.almtp train.xyz --save-active-set pot.almtp"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("potential", type=Path, metavar="POT", help="potential")
    parser.add_argument("train", type=Path, metavar="TRAIN", help="training set of POT")
    parser.add_argument(
        "candidates", type=Path, nargs="*", metavar="CANDIDATES", help="files of structures"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="OUT", help="file for the selection")
    parser.add_argument(
        "--threshold",
        type=positive_float,
        default=1.001,
        metavar="G",
        help="grade above which a structure is selected (1.001, as MLIP-3)",
    )
    parser.add_argument(
        "--limit", type=positive_int, metavar="N", help="select at most N structures"
    )
    add_rows(parser)
    add_save(parser)
    add_species(parser)
    add_threads(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Read, select, write."""
    from maxvolt.cli.structures import naming_of_potential

    check_order(options.potential, options.train)
    if options.output is None and options.save_active_set is None:
        raise MaxvoltError("give -o OUT, --save-active-set FILE or both: what should be written?")
    inputs = [options.potential, options.train, *options.candidates]
    naming = naming_of_potential(options.potential, options.species, inputs[1:])
    # The active set may go back to the file of its potential, which has been read by then.
    check_save(options.save_active_set, inputs[1:])
    if options.output is not None:
        kind = check_structures(
            options.output,
            None,
            inputs,
            labels=not options.candidates,  # those of a training set
            several=options.limit != 1,
        )
        naming.check_output(options.output, kind)
    selection = _select(options, naming)
    active_set = selection.active_set
    say_complete(active_set)
    if options.output is not None:
        naming.write(options.output, kind, selection.structures, active_set.species)
        note(f"{options.output}: {counted(len(selection.indices), 'structure')} as {kind}")
    if options.save_active_set is not None:
        active_set.write(options.save_active_set)
        note(f"{options.save_active_set}: potential and active set")
    if options.json:
        print_json(_document(selection, active_set))


def _select(options: argparse.Namespace, naming: Naming) -> ActiveSelection:
    """Select from the training set and, where they are given, from the candidates."""
    from maxvolt.selection import ActiveSet, has_active_set, read_active_set

    potential = load_with_gradients(options.potential, naming.species)

    def read(path: Path) -> Dataset:
        dataset = naming.read(path, potential.species)
        check_species(path, dataset, potential.species)
        return dataset

    weights = rows_of(options)
    if not has_active_set(options.potential) or weights is not None or not options.candidates:
        start = ActiveSet.empty(potential, weights=weights)
    else:
        start = read_active_set(options.potential, naming.species)
    training = read(options.train)
    given = {
        "threshold": options.threshold,
        "algorithm": options.algorithm,
        "threads": options.threads,
        "ranks": options.ranks,
    }
    if not options.candidates:
        return start.select(training, limit=options.limit, **given)
    known = start.select(training, **given).active_set
    return known.select(
        (read(path) for path in options.candidates),
        limit=options.limit,
        training=training,
        **given,
    )


def _document(selection: ActiveSelection, active_set: ActiveSet) -> dict[str, Any]:
    return {
        "active_set": facts(active_set),
        "selected": selection.indices,
        "grades_before": selection.grades,
    }
