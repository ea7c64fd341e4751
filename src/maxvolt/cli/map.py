"""`maxvolt map`: a map of the local environments of a training set."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maxvolt.cli.console import counted, note, print_json, print_pairs, progress_bar
from maxvolt.cli.crystal_options import KINDS, crystal_of
from maxvolt.cli.inputs import check_order, check_species, read_structures
from maxvolt.cli.options import (
    add_json,
    add_species,
    add_threads,
    non_negative_int,
    positive_float,
    positive_int,
)
from maxvolt.cli.outputs import check_figure, check_output
from maxvolt.cli.potentials import load, potential_files
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from ase import Atoms

    from maxvolt.coverage import CoverageMap
    from maxvolt.dataset import Dataset
    from maxvolt.potentials import Potential

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "map"
SUMMARY = "a map of the local environments of a training set, with perfect crystals in it"
DESCRIPTION = """\
Draw the local environments of DATA in the plane, by t-SNE with cosine distances of what the
potential knows of them: basis functions (MTP) or activations of the first layer (ANI). Force
errors, energies and atomic stresses are averaged over near environments. DATA is a file of
structures, or the folder of a campaign, which knows in which iteration each structure was added.
Needs pip install 'maxvolt[map]'."""
EXAMPLES = """\
  maxvolt map pot.almtp training.xyz -o map.png
  maxvolt map aluminium/potential.almtp aluminium -o map.html --environments 5000
  maxvolt map pot.almtp training.xyz --crystals fcc bcc:Al:3.2 --frames melt.xyz -o map.pdf
  maxvolt map pot.almtp training.xyz --color energy stress --json"""

_COLOURS = ("iteration", "force-error", "energy", "stress")
_PAGES = (".html", ".htm")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("potential", type=Path, metavar="POT", help="trained potential or ensemble")
    parser.add_argument(
        "data", type=Path, metavar="DATA", help="structures, or the folder of a campaign"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="figure (.png, .pdf, ...) or page (.html)"
    )
    parser.add_argument(
        "--color",
        nargs="+",
        choices=_COLOURS,
        metavar="BY",
        help=f"what to colour by: {', '.join(_COLOURS)} (default: all that is known)",
    )
    parser.add_argument(
        "--crystals",
        nargs="*",
        default=["fcc", "hcp", "bcc"],
        metavar="KIND",
        help="perfect crystals: a kind, relaxed with the potential, as fcc or fcc:Al, or with a "
        "lattice constant, as fcc:Al:4.05; nothing for none (default: fcc hcp bcc)",
    )
    parser.add_argument(
        "--frames", nargs="+", type=Path, default=[], metavar="FILE", help="structures to mark"
    )
    parser.add_argument(
        "--environments",
        type=positive_int,
        default=3000,
        metavar="N",
        help="atoms to draw from DATA at most (default: 3000)",
    )
    parser.add_argument(
        "--perplexity",
        type=positive_float,
        default=30.0,
        metavar="P",
        help="about how many neighbours of each decide where it comes (default: 30)",
    )
    parser.add_argument(
        "--radius",
        type=positive_float,
        default=0.03,
        metavar="R",
        help="of the averages, in lengths of the map (default: 0.03)",
    )
    parser.add_argument(
        "--seed",
        type=non_negative_int,
        default=0,
        metavar="N",
        help="of the drawing and of t-SNE (default: 0)",
    )
    add_species(parser)
    add_threads(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Read, map, write."""
    from maxvolt.coverage import coverage_map
    from maxvolt.coverage.embedding import library_for
    from maxvolt.report.coverage_figure import drawn_colourings

    _check(options)
    library_for(None)
    check_order(options.potential, options.data)
    potential = load(options.potential, options.species)
    dataset, iterations = _data(options, potential)
    crystals = _crystals(options, potential)
    frames = {str(path): _structures(path, potential) for path in options.frames}
    with _structures_done(len(dataset)) as progress:
        found = coverage_map(
            potential,
            dataset,
            environments=options.environments,
            iterations=iterations,
            crystals=crystals,
            frames=frames,
            perplexity=options.perplexity,
            radius=options.radius,
            seed=options.seed,
            threads=options.threads,
            progress=progress,
        )
    colours = drawn_colourings(found, options.color)
    if options.output is not None:
        _write(found, colours, options.output)
    if options.json:
        print_json(found.to_dict())
    else:
        _print(found)
    if options.output is not None:
        note(f"wrote {options.output}")


def _check(options: argparse.Namespace) -> None:
    """Refuse what cannot be done before anything is read."""
    if options.output is None:
        if not options.json:
            raise MaxvoltError("say where to write the map: -o map.png, or --json for its numbers")
        return
    inputs = [*potential_files(options.potential), options.data, *options.frames]
    if options.output.suffix.lower() in _PAGES:
        check_output(options.output, inputs)
    else:
        check_figure(options.output, inputs)


def _structures(path: Path, potential: Potential) -> Dataset:
    dataset = read_structures(path, potential.species)
    check_species(path, dataset, potential.species)
    return dataset


def _data(options: argparse.Namespace, potential: Potential) -> tuple[Dataset, Any]:
    """Structures, and the iteration of each where that is known."""
    if options.data.is_dir():
        from maxvolt.campaign import CampaignFolder
        from maxvolt.campaign.record.origins import training_with_iterations

        dataset, iterations = training_with_iterations(CampaignFolder.find(options.data))
        check_species(options.data, dataset, potential.species)
        return dataset, iterations
    dataset = _structures(options.data, potential)
    given = [info.get("iteration") for info in dataset.infos]
    known = all(isinstance(one, Integral) and not isinstance(one, bool) for one in given)
    return dataset, given if known else None


def _crystals(options: argparse.Namespace, potential: Potential) -> dict[str, Atoms]:
    """Perfect crystals by name; what has no minimum is told and left out."""
    from maxvolt.coverage import perfect_crystals

    found: dict[str, Atoms] = {}
    for given in options.crystals:
        kind, _, rest = given.partition(":")
        symbol, _, length = rest.partition(":")
        if kind not in KINDS:
            raise MaxvoltError(
                f"--crystals: expected {', '.join(KINDS)}, as fcc, fcc:Al or fcc:Al:4.05; "
                f"got {given!r}"
            )
        if symbol and symbol not in potential.species:
            raise MaxvoltError(
                f"--crystals {given}: the potential knows {', '.join(potential.species)}, not "
                f"{symbol}"
            )
        if length:
            atoms, name = crystal_of(given)
            found[f"{name} ({length} Å)"] = atoms
            continue
        relaxed, notes = perfect_crystals(
            potential, [kind], species=[symbol] if symbol else None, threads=options.threads
        )
        found.update(relaxed)
        for text in notes:
            note(f"left out: {text}")
    return found


@contextmanager
def _structures_done(total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar; what is yielded takes how many structures are done."""
    with progress_bar("evaluating", total) as advance:
        done = 0

        def progress(number: int) -> None:
            nonlocal done
            advance(number - done)
            done = number

        yield progress


def _write(found: CoverageMap, colours: list[str], path: Path) -> None:
    from maxvolt.report.coverage_figure import coverage_figure
    from maxvolt.report.output import save_figure

    if path.suffix.lower() in _PAGES:
        from maxvolt.report.campaign_page.coverage_charts import write_coverage_page

        write_coverage_page(found, colours, path)
    else:
        save_figure(coverage_figure(found, colours), path)


def _print(found: CoverageMap) -> None:
    structures = len(set(found.quantities.structures.tolist()))
    pairs = {
        "environments": f"{len(found.places)} of {found.n_atoms}, in "
        + counted(structures, "structure"),
        "t-SNE": f"{found.library}, perplexity {found.perplexity:g}, seed {found.seed}",
        "averages": f"within {found.radius:.3g} of the map's unit",
        "coloured by": ", ".join(found.values),
        "marked": ", ".join(one.name for one in found.markers) or "nothing",
    }
    print_pairs("Map of local environments", pairs)
