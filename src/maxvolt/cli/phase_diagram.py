"""`maxvolt phase-diagram`: stable phases of a binary alloy on a lattice."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.console import counted, note, print_json, print_table, progress_bar
from maxvolt.cli.lattice_options import mapped_structures, repeats_of
from maxvolt.cli.options import add_json, add_threads, non_negative_int, positive_int
from maxvolt.cli.outputs import check_figure
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

    from maxvolt.potentials.lattice import LowRankPotential, Supercell
    from maxvolt.properties.lattice.phases import Equilibrium, PhaseDiagram

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "phase-diagram"
SUMMARY = "stable phases of a binary alloy on a lattice against temperature and composition"
DESCRIPTION = """\
Find which phases of two species on a lattice are stable, and where two of them coexist. Ground
states are looked for among all arrangements of cells of up to --cells primitive cells (icet makes
them: pip install 'maxvolt[enumeration]'), or among --structures. Each is heated, the disordered
alloy is cooled, and all phases are followed at constant temperature while the difference of
chemical potentials changes; their grand potentials are integrated from the pure elements, the
ground states and infinite temperature. Two phases coexist where their grand potentials are equal.

SUPERCELL is how often the primitive cell is repeated, as 12x12x12; ordered phases take the nearest
numbers into which their period goes. --keep keeps each path: the same command goes on after an
interruption."""
EXAMPLES = """\
  maxvolt phase-diagram agpd.lattice.npz 12x12x12 --temperatures 100:500:50 --plot agpd.png
  maxvolt phase-diagram agpd.lattice.npz 16x16x16 --temperatures 100:500:25 --cells 8 --runs 4 \\
      --keep agpd --json > agpd.json
  maxvolt phase-diagram agpd.lattice.npz 12x12x12 --temperatures 300,400 --structures hull.xyz"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("potential", type=Path, metavar="POT", help="potential on a lattice (.npz)")
    parser.add_argument(
        "supercell", metavar="SUPERCELL", help="repeats of the primitive cell, as 12x12x12"
    )
    parser.add_argument(
        "--temperatures",
        required=True,
        metavar="T",
        help="K: FIRST:LAST:STEP, both ends included, or numbers with commas",
    )
    parser.add_argument(
        "--cells",
        type=positive_int,
        default=6,
        metavar="N",
        help="primitive cells of the largest arrangement that is tried (%(default)s)",
    )
    parser.add_argument(
        "--structures", type=Path, metavar="FILE", help="arrangements to try instead"
    )
    for name, default, text in (
        ("--points", 40, "places of each isotherm"),
        ("--lines", 8, "differences of chemical potentials at which phases are heated or cooled"),
        ("--equilibration", 100, "sweeps at each place before anything counts"),
        ("--production", 400, "sweeps at each place that count"),
        ("--runs", 2, "repetitions, for the errors"),
    ):
        parser.add_argument(
            name, type=positive_int, default=default, metavar="N", help=f"{text} (%(default)s)"
        )
    parser.add_argument(
        "--seed", type=non_negative_int, default=0, metavar="N", help="(%(default)s)"
    )
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep paths that are done")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw diagram and free energies")
    add_threads(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Follow phases, print, draw."""
    from maxvolt.potentials.lattice import read_low_rank
    from maxvolt.properties.lattice import temperatures_of
    from maxvolt.properties.lattice.phases import PhaseDiagramSettings, phase_diagram
    from maxvolt.report.lattice_phase_figure import draw_phase_diagram
    from maxvolt.report.output import save_figure

    if options.plot is not None:
        check_figure(options.plot, [options.potential, options.structures])
    repeats = repeats_of(options.supercell)
    if repeats is None:
        raise MaxvoltError(
            "SUPERCELL: expected repeats of the primitive cell, as 12x12x12; got "
            f"{options.supercell!r}"
        )
    potential = read_low_rank(options.potential)
    settings = PhaseDiagramSettings(
        temperatures_of(options.temperatures),
        repeats,
        points=options.points,
        lines=options.lines,
        equilibration=options.equilibration,
        production=options.production,
        runs=options.runs,
        seed=options.seed,
    )
    found = phase_diagram(
        potential, _candidates(options, potential), settings, folder=options.keep,
        threads=options.threads, progress=progress_bar,
    )  # fmt: skip
    if options.json:
        print_json(found.to_dict())
    else:
        _print(found)
    if options.plot is not None:
        save_figure(draw_phase_diagram(found), options.plot)
        note(f"{options.plot}: {counted(len(found.equilibria), 'temperature')}")


def _candidates(
    options: argparse.Namespace, potential: LowRankPotential
) -> Sequence[tuple[Supercell, NDArray[Any]]]:
    from maxvolt.properties.lattice import enumerated_arrangements
    from maxvolt.properties.lattice.phases.ground_states import pure_states

    pure_states(potential)  # says what is wrong before anything is enumerated
    if options.structures is None:
        most = options.cells * len(potential.parent.active)
        return list(enumerated_arrangements(potential.parent, most))
    mapped = mapped_structures(options.structures, potential.parent)
    return [(one.supercell, one.occupation) for one in mapped]


def _print(found: PhaseDiagram) -> None:
    second = found.species[1]
    states = [
        [one.name, str(len(one.occupation)), f"{one.concentration:.4f}", f"{1000 * one.energy:.3f}"]
        for one in found.states
    ]
    print_table(("ground state", "sites", f"share of {second}", "energy\nmeV per site"), states)
    rows = [row for one in found.equilibria for row in _rows(found, one)]
    if rows:
        head = ("phases", "temperature\nK", f"from, share of {second}", "to", "mu difference\neV")
        print_table(head, rows)
    else:
        note("no two phases coexist at these temperatures")
    for one in found.equilibria:
        for low, high in one.uncovered():
            note(
                f"warning: at {one.temperature:g} K no phase was followed to differences of "
                f"chemical potentials from {low:.4f} to {high:.4f} eV; try a larger --cells, so "
                "that the ground state of that range is among the arrangements, a larger "
                "SUPERCELL, more --points or more --lines"
            )


def _rows(found: PhaseDiagram, one: Equilibrium) -> list[list[str]]:
    kelvin = f"{one.temperature:g}"
    regions = [
        [
            f"{found.name(two.left)} + {found.name(two.right)}",
            kelvin,
            _with_error(two.concentrations[0], two.errors[0]),
            _with_error(two.concentrations[1], two.errors[1]),
            _with_error(two.difference, two.difference_error),
        ]
        for two in one.coexistences
    ]
    boundaries = [
        [
            f"{found.name(two.left)} | {found.name(two.right)}",
            kelvin,
            _with_error(two.concentration, two.concentration_error),
            "",
            _with_error(two.difference, two.difference_error),
        ]
        for two in one.boundaries
    ]
    return regions + boundaries


def _with_error(value: float, error: float) -> str:
    return f"{value:.4f} +- {error:.4f}"
