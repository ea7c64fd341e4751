"""`maxvolt search`: structures of the lowest energy, from nothing but elements."""

from __future__ import annotations

import argparse
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.console import counted, note, print_json, print_table, progress_bar
from maxvolt.cli.defaults import OfSettings, given
from maxvolt.cli.inputs import check_species, read_structures
from maxvolt.cli.options import (
    add_json,
    finite_float,
    non_negative_int,
    positive_float,
    positive_int,
    species_list,
)
from maxvolt.cli.outputs import check_structures
from maxvolt.cli.potentials import load, potential_files
from maxvolt.cli.sampling_options import (
    add_pressure,
    add_rule,
    calculator_factory,
    committee_files,
    distances,
    limits_of,
    load_calculator,
    pressure_of,
    thresholds_of,
    write_extrapolative,
)
from maxvolt.cli.signals import kept_when_interrupted
from maxvolt.errors import MaxvoltError
from maxvolt.unnamed_types import are_stand_ins

if TYPE_CHECKING:
    from ase import Atoms

    from maxvolt.sampling.workers import CalculatorFactory
    from maxvolt.search import SearchResult, SearchSettings

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "search"
SUMMARY = "crystal structures of the lowest energy, from elements alone"
DESCRIPTION = """\
Search for the crystals, or clusters, of the lowest energy: random structures, of random space
groups, and from them offspring of the best (evolution) or moves of each (hopping). Every candidate
is relaxed; of the same crystal in different cells one is kept. Where several compositions are
searched, structures compare by their distance to the convex hull.

The potential is a file of maxvolt, or what 'maxvolt label' calls a reference: a code such as emt, a
TOML file, or a calculator of ASE as module:Class. FOLDER gets search.jsonl, from which the same
command goes on after an interruption or with more generations, and population.xyz, the best
structures. Needs pip install 'maxvolt[search]'; hopping without symmetry does not."""
EXAMPLES = """\
  maxvolt search pot.almtp --species Si --atoms 2-8 -o silicon
  maxvolt search pot.mtp --species Ag,Pd --atoms 1-6 --generations 40 --population 40 -o agpd
  maxvolt search emt --species Cu,Pd --atoms 4 --formula Cu3Pd -o cu3pd --json
  maxvolt search pot.mtp --species Ar --atoms 13 --cluster --method hopping -o cluster"""

_POPULATION = "population.xyz"
_MEV = 1000.0


_of_settings = partial(OfSettings, "maxvolt.search:SearchSettings")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "potential", metavar="POT", help="potential or ensemble; or a code, TOML, module:Class"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="folder for all that is found; the same command goes on from what is there",
    )
    parser.add_argument(
        "--species",
        type=species_list,
        required=True,
        metavar="A,B,...",
        help="elements to search; those of type 0, 1, ... of a file that names none",
    )
    parser.add_argument(
        "--atoms",
        type=_atoms,
        required=True,
        metavar="N-M",
        help="fewest and most atoms of a cell or cluster: 2-8, or 13",
    )
    parser.add_argument(
        "--formula", metavar="A2B3", help="only multiples of this formula (default: any)"
    )
    parser.add_argument(
        "--method",
        choices=("evolution", "hopping", "random"),
        default=_of_settings("method"),
        help="offspring of the best, basin hopping, or random structures only (%(default)s)",
    )
    _add_numbers(parser)
    _add_starts(parser)
    add_rule(parser)
    parser.add_argument(
        "--workers",
        type=positive_int,
        default=1,
        metavar="N",
        help="processes, each with as many candidates as --together says (%(default)s)",
    )
    parser.add_argument(
        "--together",
        type=positive_int,
        default=24,
        metavar="N",
        help="candidates that a process relaxes at once; fewer let more processes work, each at a "
        "higher cost (%(default)s)",
    )
    parser.add_argument(
        "--show", type=positive_int, default=10, metavar="N", help="list the N best (%(default)s)"
    )
    add_json(parser)


def _add_numbers(parser: argparse.ArgumentParser) -> None:
    for name, kind, unit, text in (
        ("generations", positive_int, "N", "generations, that of the start included"),
        ("population", positive_int, "N", "candidates of a generation, and structures kept"),
        ("random-share", finite_float, "S", "share of new random structures in an evolution"),
        ("niche", finite_float, "D", "fingerprints of parents differ by more than this"),
        ("hop-temperature", positive_float, "K", "temperature at which hops upwards are accepted"),
        ("max-steps", positive_int, "N", "steps of a relaxation"),
        ("force-tolerance", positive_float, "F", "largest force left, eV/A"),
        ("seed", non_negative_int, "N", "random seed"),
    ):
        default = _of_settings(name.replace("-", "_"))
        parser.add_argument(
            f"--{name}", type=kind, default=default, metavar=unit, help=f"{text} (%(default)s)"
        )
    parser.add_argument(
        "--stress-tolerance",
        type=positive_float,
        metavar="S",
        help="largest stress left, GPa (0.05)",
    )
    parser.add_argument(
        "--hop-step",
        type=positive_float,
        default=_of_settings("hop_step"),
        metavar="A",
        help="largest move of an atom along an axis in the first hops (default: 0.7 mean radii)",
    )
    add_pressure(parser)


def _add_starts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cluster", action="store_true", help="clusters instead of crystals")
    parser.add_argument(
        "--no-symmetry", action="store_true", help="new crystals without a space group"
    )
    parser.add_argument(
        "--volume",
        type=positive_float,
        nargs=2,
        default=_of_settings("volume"),
        metavar=("LEAST", "MOST"),
        help="volume of an atom in new structures, A^3 (default: 1.2 to 3.5 covalent spheres)",
    )
    parser.add_argument(
        "--start-distance",
        type=distances,
        default=_of_settings("start_distance"),
        metavar="A",
        help="shortest distance in new structures, A: a number, or pairs like Al-Al=2.2,Al-Cu=2.0 "
        "(default: 0.75 times the sum of covalent radii)",
    )
    parser.add_argument(
        "--begin-with", type=Path, metavar="FILE", help="structures that the search begins with"
    )


def run(options: argparse.Namespace) -> None:
    """Search, write, print."""
    from maxvolt.search import search

    settings = _settings(options)
    if options.save_extrapolative is not None:
        inputs = [options.begin_with, *potential_files(Path(options.potential))]
        check_structures(options.save_extrapolative, None, inputs, several=True)
    factory, identity = _calculator(options)
    seeds = _seeds(options, settings)
    _tell_idle(options, settings)
    total = settings.generations * settings.population
    kept = kept_when_interrupted(options.output, partial(_done, options.output))
    with progress_bar("searching", total) as advance, kept:
        found = search(
            factory,
            settings,
            options.output,
            thresholds=thresholds_of(options),
            seeds=seeds,
            potential=identity,
            executor=options.workers,
            together=options.together,
            progress=advance,
        )
    if found.settings.generations > settings.generations:
        note(
            f"{options.output}: has {found.settings.generations} generations already, more than "
            f"the {settings.generations} of --generations; all of them count"
        )
    _write(options, found)
    if found.best is None:
        first = found.candidates[0]
        why = f"{first.reason}: {first.message}" if first.message else str(first.reason)
        raise MaxvoltError(
            f"{options.output}: none of {counted(len(found.candidates), 'candidate')} came to "
            f"rest; the first ended so: {why}"
        )
    if options.json:
        print_json(found.to_dict())
        return
    _print(found, options)


def _tell_idle(options: argparse.Namespace, settings: SearchSettings) -> None:
    """Say where processes are going to have nothing to do."""
    parts = -(-settings.population // options.together)
    if options.workers > parts:
        each = max(settings.population // options.workers, 1)
        more = f"; --together {each} lets more work" if each < options.together else ""
        note(
            f"{parts} of {options.workers} processes will work: "
            f"{settings.population} candidates of a generation, {options.together} of them "
            f"together{more}"
        )


def _settings(options: argparse.Namespace) -> SearchSettings:
    from maxvolt.search import SearchSettings
    from maxvolt.units import GPA_PER_EV_A3

    asked = given(options, (one.name for one in fields(SearchSettings)))
    asked |= {"limits": limits_of(options), "symmetry": not options.no_symmetry}
    asked["pressure"] = pressure_of(options)
    if asked.pop("stress_tolerance") is not None:
        asked["stress_tolerance"] = options.stress_tolerance / GPA_PER_EV_A3
    if "volume" in asked:
        asked["volume"] = tuple(asked["volume"])
    return SearchSettings(**asked)


def _calculator(options: argparse.Namespace) -> tuple[CalculatorFactory, str]:
    """What makes calculators, and a text that tells the potential from others."""
    from maxvolt.properties.reference_calculator import names_code, reference_calculator

    path = Path(options.potential)
    if names_code(options.potential):
        if committee_files(options) or options.committee_spread is not None:
            raise MaxvoltError("--committee needs an ensemble of maxvolt as POT")
        code = reference_calculator(options.potential, options.species)  # told now if there is none
        identity = f"{path} {code.reference.key}"
        return partial(reference_calculator, options.potential, options.species), identity
    unnamed = are_stand_ins(load(path, None).species)
    of_types = options.species if unnamed else None
    potential, query = load_calculator(path, of_types, options)
    missing = [symbol for symbol in options.species if symbol not in potential.species]
    if missing:
        raise MaxvoltError(
            f"{path}: does not know {', '.join(missing)}, which --species names; it knows "
            f"{', '.join(potential.species)}"
        )
    return calculator_factory(potential, query, threads=1), potential.digest


def _seeds(options: argparse.Namespace, settings: SearchSettings) -> list[Atoms]:
    from maxvolt.search.seeds import misfit

    if options.begin_with is None:
        return []
    dataset = read_structures(options.begin_with, options.species)
    check_species(options.begin_with, dataset, options.species)
    structures = dataset.to_atoms()
    for number, atoms in enumerate(structures):
        why = misfit(settings, atoms)
        if why:
            raise MaxvoltError(f"{options.begin_with}: structure {number}, counted from 0, {why}")
    return structures


def _done(folder: Path) -> str:
    """How many generations the journal of a folder holds."""
    from maxvolt.search.searching import JOURNAL

    journal = folder / JOURNAL
    lines = journal.read_bytes().count(b"\n") if journal.is_file() else 0
    return counted(max(lines - 1, 0), "generation")


def _write(options: argparse.Namespace, found: SearchResult) -> None:
    from maxvolt import io
    from maxvolt.dataset import Dataset

    if len(found.population):
        path = options.output / _POPULATION
        io.write(path, found.structures())
        note(f"{path}: {counted(len(found.population), 'structure')}")
    kept = Dataset.from_atoms(list(found.extrapolative))
    write_extrapolative(options.save_extrapolative, [kept], options.species)


def _print(found: SearchResult, options: argparse.Namespace) -> None:
    content = found.to_dict()
    rows = [
        (
            row["formula"],
            row["space_group"] or "-",
            f"{row['atoms']}",
            f"{row['enthalpy_eV_per_atom']:.6f}",
            f"{_MEV * row['height_eV_per_atom']:.2f}",
            f"{row['candidate']}",
            row["origin"],
        )
        for row in content["population"][: options.show]
    ]
    energy = "enthalpy" if options.pressure else "energy"
    columns = ("formula", "space group", "atoms", f"{energy}\neV/atom", "above hull\nmeV/atom",
               "candidate", "from")  # fmt: skip
    print_table(columns, rows, text_columns=2)
    print(
        f"\n{counted(content['candidates'], 'candidate')}, {content['relaxed']} relaxed, "
        f"{content['broken']} broken; {counted(len(content['population']), 'structure')} kept"
    )


def _atoms(text: str) -> tuple[int, int]:
    fewest, _, most = text.partition("-")
    try:
        return int(fewest), int(most or fewest)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected a number of atoms, or the fewest and the most, such as 2-8"
        ) from None
