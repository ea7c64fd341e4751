"""`maxvolt melting`: the melting point of a potential, crystal and liquid side by side."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.console import note, print_json, print_table, stderr_console
from maxvolt.cli.options import (
    add_json,
    finite_float,
    non_negative_int,
    positive_float,
    positive_int,
)
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from maxvolt.properties.melting import Interaction, MeltingPoint

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "melting"
SUMMARY = "the melting point, from crystal and liquid side by side in LAMMPS"
DESCRIPTION = """\
Simulate crystal and liquid side by side in LAMMPS, and read off the temperature at which both last.

Half of a crystal is melted; then nothing adds or takes energy, and the cell changes only along the
axis across the interfaces. Starts that melt or freeze as a whole are made again at another
temperature. All that is found is kept in the folder, stage by stage: the same command goes on after
an interruption, and with more seeds, sizes or time it adds what is missing.

The potential is a file of maxvolt, or any pair style of LAMMPS."""
EXAMPLES = """\
  maxvolt melting pot.mtp --species Al --structure fcc -o melting
  maxvolt melting --pair-style eam/fs --pair-coeff "* * Al_mm.eam.fs Al" --species Al \\
      --structure fcc --sizes 6x6x12 8x8x16 --seeds 1 2 3 -o melting_eam
  maxvolt melting pot.mtp --species Al --structure fcc --pressure 0 5 10 --ranks 4 -o curve"""

_RESULT, _FIGURE, _CURVE = "melting.json", "melting.png", "melting_curve.png"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "potential", nargs="?", type=Path, metavar="POT", help="potential: .mtp, .almtp, .maxvolt"
    )
    parser.add_argument("--pair-style", metavar="STYLE", help="of LAMMPS, instead of POT")
    parser.add_argument(
        "--pair-coeff", nargs="+", metavar="WORDS", help="one quoted argument a pair_coeff"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FOLDER", help="what is kept"
    )
    parser.add_argument("--species", required=True, metavar="A", help="element")
    parser.add_argument(
        "--structure", required=True, metavar="NAME", help="fcc, bcc, hcp or diamond"
    )
    parser.add_argument(
        "--lattice-constant", type=positive_float, metavar="A", help="Angstrom, to begin with"
    )
    parser.add_argument(
        "--guess", type=positive_float, metavar="K", help="default: where a heated crystal melts"
    )
    parser.add_argument(
        "--pressure", type=finite_float, nargs="+", default=[0.0], metavar="GPA", help="GPa (0)"
    )
    _add_care(parser)
    parser.add_argument(
        "--ranks", dest="on_ranks", type=positive_int, default=1, metavar="N", help="of MPI (1)"
    )
    add_json(parser)


def _add_care(parser: argparse.ArgumentParser) -> None:
    """Declare what decides about error and time."""
    parser.add_argument(
        "--sizes",
        nargs="+",
        type=_size,
        default=[(6, 6, 12), (8, 8, 16)],
        metavar="XxYxZ",
        help="cells, the axis across the interfaces last (6x6x12 8x8x16)",
    )
    parser.add_argument(
        "--seeds", nargs="+", type=non_negative_int, default=[1, 2], metavar="N", help="(1 2)"
    )
    times = {
        "timestep": (2.0, "FS", "fs"),
        "bulk-time": (15.0, "PS", "ps in which each phase alone is averaged"),
        "preparation-time": (4.0, "PS", "ps for melting, cooling and settling, each"),
        "equilibration-time": (40.0, "PS", "ps before both phases are judged"),
        "production-time": (200.0, "PS", "ps in which the temperature is read off"),
        "segment-time": (10.0, "PS", "ps that an interruption loses at most"),
    }
    for name, (default, unit, meaning) in times.items():
        parser.add_argument(
            f"--{name}",
            type=positive_float,
            default=default,
            metavar=unit,
            help=f"{meaning} ({default:g})",
        )
    parser.add_argument(
        "--attempts", type=positive_int, default=8, metavar="N", help="starts of each run (8)"
    )


def run(options: argparse.Namespace) -> None:
    """Simulate, print, and write JSON and figures."""
    from maxvolt.properties.melting import MeltingSettings, melting_curve

    settings = MeltingSettings(
        species=options.species,
        structure=options.structure,
        lattice_constant=options.lattice_constant,
        guess=options.guess,
        sizes=tuple(options.sizes),
        seeds=tuple(options.seeds),
        timestep=options.timestep,
        bulk_time=options.bulk_time,
        preparation_time=options.preparation_time,
        equilibration_time=options.equilibration_time,
        production_time=options.production_time,
        segment_time=options.segment_time,
        attempts=options.attempts,
    )
    interaction = _interaction(options)
    with _stages() as progress:
        points = melting_curve(
            interaction,
            settings,
            options.pressure,
            options.output,
            ranks=options.on_ranks,
            progress=progress,
            found=partial(_write_point, options.output),
        )
    _write_curve(options.output, points)
    if options.json:
        print_json([one.to_dict() for one in points])
        return
    _print(points)


def _interaction(options: argparse.Namespace) -> Interaction:
    from maxvolt.properties.melting import Interaction

    if (options.potential is None) == (options.pair_style is None):
        raise MaxvoltError(
            "give a potential file, or --pair-style with --pair-coeff, and not both; for example "
            "maxvolt melting pot.mtp --species Al --structure fcc -o melting"
        )
    if options.potential is not None:
        if options.pair_coeff:
            raise MaxvoltError("--pair-coeff belongs to --pair-style; leave it out with POT")
        return Interaction.of_potential(options.potential, options.species)
    return Interaction.of_pair_style(options.pair_style, options.pair_coeff or [])


@contextmanager
def _stages() -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar for the stage that runs; where stderr is no terminal, a line for each stage."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    console = stderr_console()
    current = ""
    if not console.is_terminal:

        def tell(stage: str, done: int, total: int) -> None:
            nonlocal current
            if stage != current:
                current = stage
                note(f"{stage}: {total} steps")

        yield tell
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("beginning", total=None)

        def show(stage: str, done: int, total: int) -> None:
            nonlocal current
            if stage != current:
                current = stage
                bars.reset(task, description=stage, total=total)
            bars.update(task, completed=done)

        yield show


def _write_point(folder: Path, point: MeltingPoint) -> None:
    from maxvolt.report.output import save_figure, write_json

    own = folder / f"{point.pressure:g}GPa"
    write_json(point.to_dict(), own / _RESULT)
    save_figure(point.plot(), own / _FIGURE)


def _write_curve(folder: Path, points: tuple[MeltingPoint, ...]) -> None:
    from maxvolt.properties.melting import plot_melting_curve
    from maxvolt.report.output import save_figure

    if len(points) > 1:
        save_figure(plot_melting_curve(points), folder / _CURVE)


def _print(points: tuple[MeltingPoint, ...]) -> None:
    rows = [
        (
            f"{one.pressure:g}",
            f"{run.atoms}",
            f"{run.seed}",
            f"{run.temperature.mean:.1f}",
            f"{run.temperature.error:.1f}",
            f"{run.solid_fractions[run.temperature.start :].mean():.2f}",
            f"{len(run.attempts)}",
        )
        for one in points
        for run in one.runs
    ]
    columns = ("pressure\nGPa", "atoms", "seed", "temperature\nK", "error\nK", "solid", "starts")
    print_table(columns, rows)
    for one in points:
        print(
            f"\nmelting point at {one.pressure:g} GPa: {one.value:.1f} +- {one.error:.1f} K\n"
            f"heat of fusion {1e3 * one.heat_of_fusion:.1f} meV/atom, volume of fusion "
            f"{one.volume_of_fusion:.3f} A^3/atom, slope {one.slope:.1f} K/GPa"
        )
        if len(one.sizes) > 1:
            print(
                f"infinite size, by a line in 1/atoms: {one.extrapolated:.1f} +- "
                f"{one.extrapolated_error:.1f} K"
            )
        for warning in one.warnings:
            note(f"warning: {warning}")


def _size(text: str) -> tuple[int, ...]:
    words = text.lower().split("x")
    if len(words) != 3 or not all(word.isdigit() for word in words):
        raise argparse.ArgumentTypeError(f"{text!r}: expected cells such as 6x6x12")
    return tuple(int(word) for word in words)
