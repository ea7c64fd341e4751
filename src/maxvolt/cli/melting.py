"""`maxvolt melting`: the melting point of a potential, crystal and liquid side by side."""

from __future__ import annotations

import argparse
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.console import note, print_json, print_table
from maxvolt.cli.defaults import OfSettings, given
from maxvolt.cli.interactions import add_interaction, add_ranks, add_times, interaction_of
from maxvolt.cli.options import (
    add_json,
    finite_float,
    non_negative_int,
    positive_float,
    positive_int,
)
from maxvolt.cli.stages import stages

if TYPE_CHECKING:
    from maxvolt.properties.melting import MeltingPoint

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "melting"
SUMMARY = "the melting point, from crystal and liquid side by side in LAMMPS"
DESCRIPTION = """\
Simulate crystal and liquid side by side in LAMMPS, and read off the temperature at which both last.

Half of a crystal is melted; then nothing adds or takes energy, and the cell changes only along the
axis across the interfaces. Starts that melt or freeze as a whole are made again at another
temperature. All that is found is kept in the folder, stage by stage: the same command goes on after
an interruption, and with more seeds, sizes or time it adds what is missing.

The potential is a file of maxvolt or of embedded atoms, or any pair style of LAMMPS."""
EXAMPLES = """\
  maxvolt melting pot.mtp --species Al --structure fcc -o melting
  maxvolt melting --pair-style eam/fs --pair-coeff "* * Al_mm.eam.fs Al" --species Al \\
      --structure fcc --sizes 6x6x12 8x8x16 --seeds 1 2 3 -o melting_eam
  maxvolt melting pot.mtp --species Al --structure fcc --pressure 0 5 10 --ranks 4 -o curve"""

_RESULT, _FIGURE, _CURVE = "melting.json", "melting.png", "melting_curve.png"


_of_settings = partial(OfSettings, "maxvolt.properties.melting:MeltingSettings")


_TIMES = (
    ("timestep", "FS", "time step of all simulations, in fs"),
    ("bulk-time", "PS", "time over which crystal and liquid alone are averaged, in ps"),
    (
        "preparation-time",
        "PS",
        "time of each part of a preparation, in ps: half of the crystal melts, cools, settles",
    ),
    (
        "equilibration-time",
        "PS",
        "time of both phases together before it is judged whether both are left, in ps",
    ),
    ("production-time", "PS", "time in which the temperature is read off, in ps"),
    (
        "segment-time",
        "PS",
        "time between saved states: what an interruption loses at most, in ps",
    ),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add_interaction(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="folder for all that is found, one subfolder a pressure; the same command goes on "
        "from what is there",
    )
    parser.add_argument(
        "--species", required=True, metavar="A", help="chemical symbol of the element that melts"
    )
    parser.add_argument(
        "--structure",
        required=True,
        metavar="NAME",
        help="crystal structure that melts: fcc, bcc, hcp or diamond",
    )
    parser.add_argument(
        "--lattice-constant",
        type=positive_float,
        metavar="A",
        help="lattice constant to begin with, in Angstrom; it is relaxed (default: that of the "
        "element in ASE)",
    )
    parser.add_argument(
        "--guess",
        type=positive_float,
        metavar="K",
        help="melting point to begin with, in K (default: a crystal is heated until it melts)",
    )
    parser.add_argument(
        "--pressure",
        type=finite_float,
        nargs="+",
        default=_of_settings("pressure"),
        metavar="GPA",
        help="external pressure in GPa; several give a melting curve (%(default)s)",
    )
    _add_care(parser)
    add_ranks(parser)
    add_json(parser)


def _add_care(parser: argparse.ArgumentParser) -> None:
    """Declare what decides about error and time."""
    parser.add_argument(
        "--sizes",
        nargs="+",
        type=_size,
        default=_of_settings("sizes"),
        metavar="XxYxZ",
        help="numbers of unit cells along x, y and z of each simulation; z stands across the "
        "interfaces and is the longest; two sizes show how the melting point depends on it "
        "(%(default)s)",
    )
    parser.add_argument(
        "--seeds",
        nargs="+",
        type=non_negative_int,
        default=_of_settings("seeds"),
        metavar="N",
        help="random seeds; each size is simulated once with each of them (%(default)s)",
    )
    add_times(parser, _of_settings, _TIMES)
    parser.add_argument(
        "--attempts",
        type=positive_int,
        default=_of_settings("attempts"),
        metavar="N",
        help="how many temperatures to start a simulation from at most, until one is found from "
        "which crystal and liquid both last (%(default)s)",
    )


def run(options: argparse.Namespace) -> None:
    """Simulate, print, and write JSON and figures."""
    from maxvolt.properties.melting import MeltingSettings, melting_curve

    asked = given(options, (one.name for one in fields(MeltingSettings)))
    pressures = asked.pop("pressure", None)
    settings = MeltingSettings(**asked)
    interaction = interaction_of(options, options.species)
    with stages() as progress:
        points = melting_curve(
            interaction,
            settings,
            [settings.pressure] if pressures is None else pressures,
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
