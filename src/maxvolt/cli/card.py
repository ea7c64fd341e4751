"""`maxvolt card`: what potentials predict, side by side, on one page."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maxvolt.cli.card_suite import (
    add_suite,
    chosen_suite,
    deviations_document,
    print_deviations,
    suite_remarks,
    suite_settings,
)
from maxvolt.cli.console import counted, note, print_json
from maxvolt.cli.crystal_options import (
    KINDS,
    add_comparison,
    add_settings,
    named_crystal,
    note_simulations_of,
)
from maxvolt.cli.options import add_json, positive_float, positive_int
from maxvolt.cli.outputs import check_output
from maxvolt.cli.potentials import potential_files
from maxvolt.cli.results_and_runs import results_and_runs
from maxvolt.cli.signals import kept_when_interrupted
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from maxvolt.properties.named_property import Property
    from maxvolt.report.card import CardSource

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "card"
SUMMARY = "what potentials predict, side by side: a page with tables and figures"
DESCRIPTION = """\
Compute a set of properties with one or several potentials and write them side by side into one HTML
file. Every result is kept in a folder beside it as it comes: the same command goes on after an
interruption, and with more properties or potentials it adds what is missing. A potential is a file
of maxvolt, or what --reference takes as well: a code such as emt, a TOML file, or a calculator of
ASE as module:Class.

--suite discovery computes what J. S. Smith et al. have of ANI-Al (Nat. Commun. 12, 1257, 2021):
crystals, defects, phonons, the melt, its melting curve, heating and cooling, shocks. It tells how
far all is from the reference, for aluminium beside what ANI-Al is from its own. --only then chooses
among its properties, and --set changes settings. It takes hours; --quick, to try it, minutes.

Without --only and --suite, the card has every property that takes seconds and is defined for the
crystal; --include adds others: grain-boundaries, phonons, quasi-harmonic, and what simulates for
minutes to hours, as density or viscosity ('maxvolt property --list'). A colon and a name of your
own ask for the same property in several states: density:melt, density:solid. With --reference a
simulation is repeated with the reference; heating-cooling asks it for some frames instead, shock
for clusters."""
EXAMPLES = """\
  maxvolt card pot.almtp --species Al --output card.html
  maxvolt card old.mtp new.mtp --species Al --reference Al_mm.eam.fs --output card.html
  maxvolt card pot.mtp --species W --include phonons quasi-harmonic -o card.html
  maxvolt card pot.mtp --species Al --only density:solid density:melt viscosity \\
      --set density:melt.phase=melt --set density:melt.temperature=1000 -o melt.html
  maxvolt card pot.mtp --species Al --suite discovery --reference Al_mm.eam.fs -o card.html
  maxvolt card pot.mtp --species Cu --only vacancies --set vacancies.size=15 -o card.html"""

_ENDINGS = (".html", ".htm")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "potentials",
        nargs="+",
        metavar="POT",
        help="potentials or ensembles; or codes, TOML, module:Class",
    )
    parser.add_argument("--species", required=True, metavar="A", help="chemical symbol")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="HTML", help="the page")
    parser.add_argument(
        "--structure", choices=KINDS, metavar="NAME",
        help=f"crystal: {', '.join(KINDS)} (default: that of the element in ASE)",
    )  # fmt: skip
    parser.add_argument(
        "--lattice-constant",
        type=positive_float,
        metavar="A",
        help="lattice constant to begin with, in Angstrom; it is relaxed (default: that of ASE)",
    )
    add_suite(parser)
    parser.add_argument("--include", nargs="+", default=[], metavar="NAME", help="also these")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these properties and no others")
    add_settings(parser, "PROPERTY.NAME=VALUE", "a property")
    add_comparison(parser)
    parser.add_argument(
        "--workers", type=positive_int, metavar="N", help="processes (default: one per core)"
    )
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Compute what is missing, and write the page."""
    from maxvolt.processors import worker_count
    from maxvolt.report.card import CardSource, count_results, make_card, write_card_page
    from maxvolt.report.card.states import property_of

    if options.output.suffix.lower() not in _ENDINGS:
        raise MaxvoltError(f"{options.output}: a card is an .html file; end the name with .html")
    atoms, structure = named_crystal(options.species, options.structure, options.lattice_constant)
    suite = chosen_suite(options)
    of_suite = suite_settings(options, suite)
    names = _names(options, structure.split()[0], list(of_suite))
    settings = _settings(options, names, of_suite)
    files = [file for given in options.potentials for file in potential_files(Path(given))]
    check_output(options.output, files)
    sources = _sources(options)
    reference = None
    if options.reference is not None:
        reference = CardSource("reference", options.reference, (options.species,), True)
        calculator, _ = reference.calculating()  # what is none is refused before anything runs
        note_simulations_of(calculator, [property_of(name) for name in names])
    folder = options.output.with_name(f"{options.output.stem}_results")
    total = count_results(names, sources, reference)
    note(f"{structure}: {counted(len(names), 'property').replace('propertys', 'properties')} of "
         f"{counted(len(sources), 'potential')}; kept in {folder}")  # fmt: skip
    with results_and_runs(total) as shown, kept_when_interrupted(folder, partial(_done, folder)):
        card = make_card(
            sources,
            atoms,
            names,
            folder,
            structure=structure,
            settings=settings,
            reference=reference,
            workers=worker_count(options.workers),
            progress=shown.has_ended,
            told=shown.runs,
        )
    if not card.results:
        raise MaxvoltError(f"no property could be computed: {next(iter(card.failures.values()))}")
    write_card_page(card, options.output, suite, suite_remarks(options))
    if options.json:
        more = {} if suite is None else deviations_document(card)
        print_json({**card.to_dict(), **more})
    elif suite is not None:
        print_deviations(card, suite)
    for (label, name), text in card.failures.items():
        note(f"not computed: {name} of {label}: {text}")
    note(f"{options.output}: {counted(len(card.results), 'result')}")


def _sources(options: argparse.Namespace) -> list[CardSource]:
    """One for each potential; names of files tell them apart, else their paths."""
    from maxvolt.report.card import CardSource

    names = [Path(given).name for given in options.potentials]
    labels = names if len(set(names)) == len(names) else options.potentials
    if len(set(labels)) < len(labels) or "reference" in labels:
        raise MaxvoltError("potentials: each must be given once, none named 'reference'")
    return [
        CardSource(label, given, _species_of(given, options.species))
        for label, given in zip(labels, options.potentials, strict=True)
    ]


def _species_of(given: str, species: str) -> tuple[str, ...]:
    """Elements of a potential; what cannot be used is refused before anything runs."""
    from maxvolt.cli.potentials import load
    from maxvolt.errors import SpeciesError
    from maxvolt.properties.reference_calculator import names_code, reference_calculator

    if names_code(given):
        reference_calculator(given)
        return (species,)
    path = Path(given)
    try:
        potential = load(path, None)
    except SpeciesError:
        potential = load(path, (species,))
    if getattr(potential, "is_trained", True) is False:
        raise MaxvoltError(f"{path}: this potential is untrained; fit it first")
    if species not in potential.species:
        raise MaxvoltError(f"{path}: knows {', '.join(potential.species)}, not {species}")
    return tuple(potential.species)


def _names(options: argparse.Namespace, kind: str, suite: list[str]) -> list[str]:
    """Those asked for, in the order of the registry; refused where the crystal has none.

    Where none are, those of the suite; without one, those that every card has.
    """
    from maxvolt.properties.registry import registered
    from maxvolt.report.card.states import property_of

    known = registered()
    asked = list(dict.fromkeys((options.only or []) + options.include))
    for name in asked:
        one = property_of(name)
        if not _suits(one, kind):
            raise MaxvoltError(
                f"{one.name}: is defined for {', '.join(one.crystals)} crystals; this one is {kind}"
            )
    if options.only is None:
        usual = suite or [one.name for one in known.values() if one.quick]
        asked += [name for name in usual if name not in asked and _suits(property_of(name), kind)]
    order = list(known)
    return sorted(asked, key=lambda name: order.index(property_of(name).name))


def _suits(one: Property, kind: str) -> bool:
    return not one.crystals or kind in one.crystals


def _settings(
    options: argparse.Namespace, names: list[str], suite: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Settings by property, those given before those of the suite, checked."""
    from maxvolt.properties.registry import settings_of
    from maxvolt.report.card.states import property_of

    found = {name: suite[name] for name in names if name in suite}
    known = {name.replace("-", "_"): name for name in names}
    for key, value in options.settings or []:
        owner, _, name = key.partition(".")
        if owner not in known or not name:
            raise MaxvoltError(
                f"--set {key}: expected PROPERTY.NAME=VALUE with a property of this card: "
                f"{', '.join(names)}"
            )
        found.setdefault(known[owner], {})[name] = value
    for name, values in found.items():
        settings_of(property_of(name), values)
    return found


def _done(folder: Path) -> str:
    """How many results a folder holds."""
    return counted(len(list(folder.glob("[!.]*.json"))), "result")
