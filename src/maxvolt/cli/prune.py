"""`maxvolt prune`: a moment tensor potential with the scalars that are worth their time."""

from __future__ import annotations

import argparse
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maxvolt.cli.console import counted, note, print_json, print_table
from maxvolt.cli.options import add_json, add_species, add_threads, positive_int, share
from maxvolt.cli.outputs import check_figure, check_folder, check_output
from maxvolt.cli.train_options import add_loss, loss_of
from maxvolt.errors import MaxvoltError
from maxvolt.fitting.settings import FitSettings

if TYPE_CHECKING:
    from maxvolt.dataset import Dataset
    from maxvolt.fitting.pruning import Pruning, PruningStage, PruningTarget

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "prune"
SUMMARY = "a faster potential: drop what is worth least for its time, refit the rest"
DESCRIPTION = """\
Remove scalars of a trained moment tensor potential, and the moments and radial functions that only
they needed: those first whose absence costs least loss for the time it saves, equations (250) to
(253) of docs/formulation.md. After each tenth or so of the cost all coefficients are refitted to
DATA, best the training set. The result is an ordinary potential, which MLIP reads, too.

Without a target the loss may grow by 5 %, with which errors grow by half of that."""
EXAMPLES = """\
  maxvolt prune pot.mtp train.xyz -o fast.mtp --validation test.xyz
  maxvolt prune pot.mtp train.xyz -o fast.mtp --loss-increase 10% --plot front.png
  maxvolt prune pot.mtp train.xyz -o fast.mtp --cost 50% --stages front
  maxvolt prune pot.mtp train.xyz -o small.mtp --scalars 60 --json"""

_LOSS_INCREASE = 0.05


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("potential", type=Path, metavar="POT", help="trained potential")
    parser.add_argument("data", nargs="+", type=Path, metavar="DATA", help="labelled structures")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT", help="potential to write, .mtp"
    )
    target = parser.add_argument_group("where to end, one of these").add_mutually_exclusive_group()
    target.add_argument(
        "--loss-increase", type=share, metavar="X",
        help="largest growth of the loss, as 5%% or 0.05 (5%%)",
    )  # fmt: skip
    target.add_argument(
        "--cost", type=share, metavar="X", help="operations relative to those of POT, as 50%%"
    )
    target.add_argument(
        "--scalars", type=positive_int, metavar="N",
        help="number of scalars; they are removed one by one, whatever they cost",
    )  # fmt: skip
    parser.add_argument("--validation", type=Path, metavar="FILE", help="structures not fitted")
    parser.add_argument(
        "--stages", type=Path, metavar="FOLDER",
        help="keep the potential of each stage; a pruning that was stopped goes on from there",
    )  # fmt: skip
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw errors against time")
    add_loss(parser)
    group = parser.add_argument_group("the run")
    group.add_argument(
        "--max-iterations", type=positive_int, default=FitSettings().max_iterations, metavar="N",
        help="of the last refit (%(default)s)",
    )  # fmt: skip
    add_species(group)
    add_threads(group)
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Read, prune, write, print."""
    from dataclasses import replace

    from maxvolt.cli.inputs import check_order, check_species, read_structures
    from maxvolt.cli.potentials import load
    from maxvolt.dataset import Dataset
    from maxvolt.fitting.pruning import prune
    from maxvolt.potentials import MTP

    _check(options)
    check_order(options.potential, options.data[0])
    potential = load(options.potential, options.species)
    if not isinstance(potential, MTP):
        raise MaxvoltError(
            f"{options.potential}: expected one moment tensor potential, .mtp or .almtp; of an "
            "ensemble, give the file of one member"
        )
    sets: list[Dataset] = []
    for path in (*options.data, *([options.validation] if options.validation else [])):
        sets.append(read_structures(path, potential.species))
        check_species(path, sets[-1], potential.species)
    validation = sets.pop() if options.validation else None
    found = prune(
        potential,
        Dataset.concatenate(sets),
        _target(options),
        replace(loss_of(options), max_iterations=options.max_iterations),
        validation=validation,
        folder=options.stages,
        threads=options.threads,
        progress=_tell,
    )
    found.potential.write(options.output)
    if options.plot is not None:
        from maxvolt.report.output import save_figure
        from maxvolt.report.pruning_figure import draw_pruning

        save_figure(draw_pruning(found), options.plot)
    _print(found, options)


def _check(options: argparse.Namespace) -> None:
    """Refuse, before reading data, what could not end well."""
    if options.output.suffix != ".mtp":
        raise MaxvoltError(
            f"{options.output}: end the name of the pruned potential with .mtp; 'maxvolt select' "
            "makes an active set for it"
        )
    inputs = [options.potential, *options.data, options.validation]
    check_output(options.output, inputs)
    if options.plot is not None:
        check_figure(options.plot, [*inputs, options.output])
    if options.stages is not None:
        check_folder(options.stages, "--stages")


def _target(options: argparse.Namespace) -> PruningTarget:
    from maxvolt.fitting.pruning import PruningTarget

    none = options.loss_increase is None and options.cost is None and options.scalars is None
    return PruningTarget(
        loss_increase=_LOSS_INCREASE if none else options.loss_increase,
        cost=options.cost,
        scalars=options.scalars,
    )


def _tell(stage: PruningStage) -> None:
    """One line for each stage, of which each takes a while."""
    now = stage.numbers
    forces = f", training forces {1000 * now.training_force:.1f} meV/A"
    note(
        f"{counted(now.scalars, 'scalar')}, {now.microseconds:.2f} us/atom: loss {now.loss:.4g}"
        + (forces if isfinite(now.training_force) else "")
    )


def _print(found: Pruning, options: argparse.Namespace) -> None:
    if options.json:
        print_json({"potential": str(options.output), **found.to_dict()})
        return
    has_validation = options.validation is not None
    rows = [_row("", stage, found, has_validation) for stage in found.stages]
    rows.append(_row("written", found.chosen, found, has_validation))
    head = ["", "scalars", "parameters", "operations\nof all", "time\nus/atom", "loss",
            "training\nmeV/A", "training\nmeV/atom"]  # fmt: skip
    if has_validation:
        head += ["validation\nmeV/A", "validation\nmeV/atom"]
    print_table(head, rows)
    before, after = found.stages[0].numbers, found.chosen.numbers
    note(
        f"{options.output}: {counted(after.scalars, 'scalar')} of {before.scalars}, "
        f"{after.microseconds:.2f} us/atom instead of {before.microseconds:.2f}"
    )


def _row(name: str, stage: PruningStage, found: Pruning, has_validation: bool) -> list[str]:
    from maxvolt.properties.evaluation import number_text

    now, first = stage.numbers, found.stages[0].numbers
    row: list[Any] = [
        name,
        str(now.scalars),
        str(now.parameters),
        number_text(now.operations / first.operations, ".0%"),
        f"{now.microseconds:.2f}",
        f"{now.loss / first.loss:.3f}",
        number_text(1000 * now.training_force, ".1f"),
        number_text(1000 * now.training_energy, ".2f"),
    ]
    if has_validation:
        row += [
            number_text(1000 * now.validation_force, ".1f"),
            number_text(1000 * now.validation_energy, ".2f"),
        ]
    return row
