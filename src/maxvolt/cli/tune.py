"""`maxvolt tune`: which level, cutoff, radial basis, force weight and pruning."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.console import counted, note, print_json, print_table, progress_bar
from maxvolt.cli.options import (
    add_json,
    add_species,
    add_threads,
    finite_float,
    non_negative_int,
    positive_float,
    positive_int,
    positive_numbers,
    share,
    whole_numbers,
)
from maxvolt.cli.outputs import check_figure, check_folder, check_output
from maxvolt.cli.train_options import add_loss, loss_of
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from maxvolt.fitting.tuning import SearchSpace, Tried, Tuning

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "tune"
SUMMARY = "search for level, cutoff, weights and pruning: error against time, a recommendation"
DESCRIPTION = """\
Fit potentials with several settings to a part of DATA and measure their errors on the rest. Cutoff,
radial basis size and force weight are decided one after the other at a low level, then levels are
compared, then the potentials of the higher levels are pruned. Written is the cheapest potential
whose error is no larger than the least by more than its standard error (equations (254) and (255)
of docs/formulation.md), refitted to all of DATA.

Everything is kept in a folder: a search that was stopped goes on where it was, and one with more
values uses what is known already."""
EXAMPLES = """\
  maxvolt tune data.xyz -o pot.mtp --plot front.png
  maxvolt tune train.xyz -o pot.mtp --validation test.xyz --levels 8,12,16 --no-pruning
  maxvolt tune data.xyz -o pot.mtp --us-per-atom 1.5 --minutes 60
  maxvolt tune data.xyz -o pot.mtp --cutoffs 5,6,7 --force-weights 0.01 --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("data", nargs="+", type=Path, metavar="DATA", help="labelled structures")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="POT", help="potential to write, .mtp"
    )
    parser.add_argument(
        "--folder", type=Path, metavar="FOLDER",
        help="where results are kept (POT without its ending, with .tuning)",
    )  # fmt: skip
    _add_space(parser.add_argument_group("what is tried, values with commas"))
    _add_errors(parser.add_argument_group("errors and recommendation"))
    group = parser.add_argument_group("when to end; a later search goes on from there")
    group.add_argument(
        "--candidates", type=positive_int, metavar="N", help="so many have been tried"
    )
    group.add_argument(
        "--minutes", type=positive_float, metavar="T", help="begin none after so long"
    )
    add_loss(parser)
    group = parser.add_argument_group("the fits")
    group.add_argument(
        "--starts", type=positive_int, default=4, metavar="N",
        help="random starts of each (%(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--max-iterations", type=positive_int, default=50, metavar="N",
        help="of each (%(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--seed", type=non_negative_int, default=0, metavar="N",
        help="of starts and of the held-out part (%(default)s)",
    )  # fmt: skip
    add_species(group)
    add_threads(group)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw errors against time")
    add_json(parser)


def _add_space(group: argparse._ActionsContainer) -> None:
    group.add_argument(
        "--levels", type=whole_numbers, default=(8, 12, 16, 20), metavar="L", help="(8,12,16,20)"
    )
    group.add_argument(
        "--cutoffs",
        type=positive_numbers,
        default=(4.0, 5.0, 6.0),
        metavar="A",
        help="Angstrom (4,5,6)",
    )  # fmt: skip
    group.add_argument(
        "--radial-basis-sizes", type=whole_numbers, default=(8, 12), metavar="N", help="(8,12)"
    )
    group.add_argument(
        "--force-weights", type=positive_numbers, metavar="W",
        help="(a tenth of --force-weight, itself, ten times as much)",
    )  # fmt: skip
    group.add_argument("--no-pruning", action="store_true", help="prune nothing")


def _add_errors(group: argparse._ActionsContainer) -> None:
    which = group.add_mutually_exclusive_group()
    which.add_argument(
        "--held-out", type=share, default=0.2, metavar="X",
        help="part of the structures that errors are measured on (20%%)",
    )  # fmt: skip
    which.add_argument(
        "--validation", type=Path, metavar="FILE", help="structures to measure errors on instead"
    )
    group.add_argument(
        "--us-per-atom", type=positive_float, metavar="T",
        help="recommend nothing slower, microseconds for an atom on one core",
    )  # fmt: skip
    group.add_argument(
        "--energy-share", type=finite_float, default=0.25, metavar="X",
        help="how much energies count beside forces: 0 for forces alone, 1 for energies alone "
        "(%(default)s)",
    )  # fmt: skip


def run(options: argparse.Namespace) -> None:
    """Read, search, write, print."""
    from maxvolt.cli.inputs import read_structures
    from maxvolt.dataset import Dataset
    from maxvolt.fitting.tuning import TuningLimits, tune

    space = _space(options)
    limits = TuningLimits(
        candidates=options.candidates,
        seconds=None if options.minutes is None else 60 * options.minutes,
        microseconds=options.us_per_atom,
        energy_share=options.energy_share,
    )
    _check(options)
    data = Dataset.concatenate([read_structures(path, options.species) for path in options.data])
    species = options.species or data.species
    validation = None
    if options.validation is not None:
        validation = read_structures(options.validation, species)
    settings = replace(
        loss_of(options),
        starts=options.starts, max_iterations=options.max_iterations, seed=options.seed,
    )  # fmt: skip
    known = space.most if options.no_pruning else None
    with progress_bar("searching", options.candidates or known) as advance:

        def tell(one: Tried) -> None:
            advance(1)
            note(_told(one))

        found = tune(
            data, _folder(options), space, settings, limits,
            species=species, validation=validation, held_out=options.held_out,
            threads=options.threads, progress=tell,
        )  # fmt: skip
    found.potential.write(options.output)
    if options.plot is not None:
        from maxvolt.report.output import save_figure
        from maxvolt.report.tuning_figure import draw_tuning

        save_figure(draw_tuning(found), options.plot)
    _print(found, options)


def _space(options: argparse.Namespace) -> SearchSpace:
    from maxvolt.fitting.tuning import SearchSpace

    weight = options.force_weight
    return SearchSpace(
        levels=options.levels,
        cutoffs=options.cutoffs,
        radial_basis_sizes=options.radial_basis_sizes,
        force_weights=options.force_weights or (weight / 10, weight, weight * 10),
        pruning=not options.no_pruning,
    )


def _folder(options: argparse.Namespace) -> Path:
    folder: Path = options.folder or options.output.with_suffix(".tuning")
    return folder


def _check(options: argparse.Namespace) -> None:
    """Refuse, before reading data, what could not end well."""
    if options.output.suffix != ".mtp":
        raise MaxvoltError(f"{options.output}: end the name of the potential with .mtp")
    inputs = [*options.data, options.validation]
    check_output(options.output, inputs)
    if options.plot is not None:
        check_figure(options.plot, [*inputs, options.output])
    check_folder(_folder(options), "--folder")


def _described(one: Tried) -> list[str]:
    settings = one.candidate
    return [
        f"{settings.level}, pruned" if settings.stage else str(settings.level),
        f"{settings.cutoff:g}",
        str(settings.radial_basis_size),
        f"{settings.force_weight:g}",
        str(one.scalars),
    ]


def _told(one: Tried) -> str:
    level, cutoff, size, weight, _ = _described(one)
    forces, energies = _errors(one)
    return (
        f"level {level}, cutoff {cutoff}, radial basis {size}, force weight {weight}: "
        f"{counted(one.scalars, 'scalar')}, {one.microseconds:.2f} us/atom, errors of forces "
        f"{forces} meV/A, of energies {energies} meV/atom"
    )


def _errors(one: Tried) -> tuple[str, str]:
    """Of forces (meV/A) and energies (meV/atom); "none" where the structures have no such label."""
    from maxvolt.properties.evaluation import number_text

    errors = one.errors
    return number_text(1000 * errors.force, ".1f"), number_text(1000 * errors.energy, ".2f")


def _print(found: Tuning, options: argparse.Namespace) -> None:
    best = found.recommended
    if options.json:
        print_json({"potential": str(options.output), **found.to_dict()})
    else:
        front = {id(one) for one in found.front}
        rows = [
            [
                "recommended" if one is best else "front" if id(one) in front else "",
                *_described(one),
                f"{one.microseconds:.2f}",
                *_errors(one),
            ]
            for one in found.tried
        ]
        head = ("", "level", "cutoff\nA", "radial\nbasis", "force\nweight", "scalars",
                "time\nus/atom", "forces\nmeV/A", "energies\nmeV/atom")  # fmt: skip
        print_table(head, rows)
    if not found.finished:
        note("not everything has been tried: the same command goes on, with a higher limit")
    note(
        f"{options.output}: {counted(best.scalars, 'scalar')}, refitted to all structures; errors "
        "above are of structures that were held out"
    )
