"""`maxvolt property`: one physical property of a potential."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.console import note, print_json, print_table
from maxvolt.cli.crystal_options import (
    add_comparison,
    add_settings,
    crystal_of,
    note_simulations_of,
    settings_from,
)
from maxvolt.cli.defaults import default_text
from maxvolt.cli.options import add_json, add_species
from maxvolt.cli.outputs import check_figure
from maxvolt.cli.potentials import potential_files
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from maxvolt.properties import Keeping, Property
    from maxvolt.properties.evaluation import PropertyResult

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "property"
SUMMARY = "a physical property: elastic constants, defects, surfaces, stacking faults, phonons ..."
DESCRIPTION = """\
Compute a physical property of a crystal. The crystal is relaxed with the potential first. Of an
ensemble, each member computes the property, and twice their standard deviation is the error; with
an active set in the file of the potential, the largest extrapolation grade that was met is told.
--reference compares with a second calculator: the file of a potential, the name of a code that
labels (see 'maxvolt label --help'), or a TOML file with its settings.

The potential is a file of maxvolt, or what --reference takes as well: a code such as emt, a TOML
file, or a calculator of ASE as module:Class.

Properties from dynamics (density, structure, diffusion ...) simulate for minutes to hours; their
statistical error is told, and with --keep the same command goes on after an interruption. With
--reference the simulation is repeated with the reference; heating-cooling asks it for some frames
instead, shock for forces in clusters."""
EXAMPLES = """\
  maxvolt property --list
  maxvolt property heating-cooling --settings
  maxvolt property elastic pot.almtp Al
  maxvolt property stacking-faults pot.mtp fcc:Al --reference emt --plot faults.png
  maxvolt property density pot.almtp Al --set phase=melt --set temperature=1000 --keep runs
  maxvolt property elastic emt fcc:Cu
  maxvolt property surfaces pot.mtp crystal.xyz --set 'surfaces=["111"]' --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("property", nargs="?", metavar="NAME", help="of the property, see --list")
    parser.add_argument(
        "potential",
        nargs="?",
        metavar="POT",
        help="potential or ensemble; or a code, TOML, module:Class",
    )
    parser.add_argument(
        "structure",
        nargs="?",
        metavar="STRUCTURE",
        help="crystal: a file, an element (Al), or a kind and an element (bcc:Al, fcc:Al:4.05)",
    )
    parser.add_argument("--list", action="store_true", help="list the properties and end")
    parser.add_argument(
        "--settings",
        dest="describes",
        action="store_true",
        help="list the settings of the property with their units and defaults, and end",
    )
    add_settings(parser, "NAME=VALUE", "the property, see --settings")
    add_comparison(parser)
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="FOLDER",
        help="of a property that simulates: keep what is done of it here, so that the same command "
        "goes on after an interruption",
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw its curves")
    add_species(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Compute, print, draw."""
    if options.list:
        _list(as_json=options.json)
        return
    if options.describes:
        _describe(options)
        return
    if options.structure is None:
        options.parser.error("the following arguments are required: NAME POT STRUCTURE (or --list)")
    result = _computed(options)
    if options.json:
        print_json(result.to_dict())
    else:
        _print(result)
    if options.plot is not None:
        from maxvolt.report.output import save_figure

        save_figure(result.plot(), options.plot)
        note(f"{options.plot}: {result.title}")


def _computed(options: argparse.Namespace) -> PropertyResult:
    from maxvolt.properties.evaluation import compute_property
    from maxvolt.properties.reference_calculator import reference_calculator
    from maxvolt.properties.registry import find_property, settings_of
    from maxvolt.report.card.card import CardSource

    one = find_property(options.property)
    chosen = settings_of(one, settings_from(options.settings))
    if options.plot is not None:
        check_figure(options.plot, potential_files(Path(options.potential)))
    atoms, _ = crystal_of(options.structure)
    source = CardSource("", options.potential, options.species)
    calculator, query = source.calculating()
    reference = None
    if options.reference is not None:
        reference = reference_calculator(options.reference, options.species)
        note_simulations_of(reference, [one])
    with _keeping(options.keep, one) as keeping:
        result = compute_property(
            one.name, calculator, atoms, chosen, query=query, reference=reference, keeping=keeping
        )
    if options.plot is not None and not result.curves:
        raise MaxvoltError(f"--plot: {one.name} has no curves to draw; leave --plot out")
    return result


@contextmanager
def _keeping(folder: Path | None, one: Property) -> Iterator[Keeping | None]:
    """Keep and show simulations, if there are any."""
    from maxvolt.cli.stages import stages
    from maxvolt.properties import Keeping

    if not one.simulates:
        if folder is not None:
            raise MaxvoltError(f"--keep: {one.name} runs no simulation; leave --keep out")
        yield None
        return
    if folder is None:
        note("nothing is kept of the simulations: with --keep FOLDER the same command goes on "
             "after an interruption")  # fmt: skip
    try:
        with stages() as progress:
            yield Keeping(folder, progress)
    except KeyboardInterrupt:
        if folder is not None:
            note(f"what is done is kept in {folder}: the same command goes on from there")
        raise


def _list(*, as_json: bool) -> None:
    from dataclasses import asdict, fields

    from maxvolt.properties.registry import registered

    known = registered()
    if as_json:
        print_json(
            {
                name: {
                    "summary": one.summary,
                    "crystals": list(one.crystals),
                    "settings": asdict(one.settings()),
                    "in_every_card": one.quick,
                }
                for name, one in known.items()
            }
        )
        return
    print_table(
        ("property", "what it is", "crystals", "settings"),
        [
            (
                name,
                one.summary,
                " ".join(one.crystals) or "any",
                " ".join(f.name for f in fields(one.settings)),
            )
            for name, one in known.items()
        ],
        text_columns=4,
    )


def _describe(options: argparse.Namespace) -> None:
    """Print the settings of one property."""
    from dataclasses import asdict

    from maxvolt.properties.described_settings import described_settings
    from maxvolt.properties.registry import find_property

    if options.property is None:
        options.parser.error("--settings needs the NAME of a property, see --list")
    one = find_property(options.property)
    settings = described_settings(one.settings)
    if options.json:
        print_json([asdict(setting) for setting in settings])
        return
    print(f"{one.name}: {one.summary}" + ("" if settings else "; it has no settings"))
    rows = [(each.name, each.unit, default_text(each.default), each.meaning) for each in settings]
    if rows:
        print_table(("setting", "unit", "default", "meaning"), rows, text_columns=4)


def _print(result: PropertyResult) -> None:
    from maxvolt.properties.evaluation import number_text

    print(f"{result.title}, {result.structure}")
    has_error = any(one.two_sigma is not None for one in result.values.values())
    has_noise = any(one.statistical_error is not None for one in result.values.values())
    has_reference = any(one.reference is not None for one in result.values.values())
    columns = ["", "unit", "value", *(["statistical error"] if has_noise else [])]
    columns += ["± 2 sigma"] if has_error else []
    columns += ["reference"] if has_reference else []
    rows = []
    for name, one in result.values.items():
        row = [name, one.unit, number_text(one.value, ".6g")]
        if has_noise:
            row.append(number_text(one.statistical_error, ".2g"))
        if has_error:
            row.append(number_text(one.two_sigma, ".2g"))
        if has_reference:
            row.append(number_text(one.reference, ".6g"))
        rows.append(row)
    print_table(columns, rows, text_columns=2)
    for name, error in result.curve_errors.items():
        print(f"root mean square difference from the reference, {name}: {error:.4g}")
    if result.largest_grade is not None:
        print(f"largest grade: {result.largest_grade:.3g}")
    for text in result.warnings:
        note(f"warning: {text}")
    for text in result.notes:
        note(f"note: {text}")
