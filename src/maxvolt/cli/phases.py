"""`maxvolt phases`: which crystals stand in structures, and when a campaign found them."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.console import counted, note, print_json, print_table, progress_bar
from maxvolt.cli.options import add_json, add_species, positive_int
from maxvolt.cli.outputs import check_figure
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from maxvolt.report.phase_record import Batch, PhaseRecord

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "phases"
SUMMARY = "which crystals stand in structures, and when a campaign first found each"
DESCRIPTION = """\
Tell by common neighbour analysis in which crystal each atom stands: fcc, hcp, bcc, diamond. Of a
campaign, also while it runs, the structures that each iteration labelled; else of files, one after
another. A phase has appeared where a connected piece of it has --cluster atoms or more.

Positions are taken as they are: in a hot crystal fewer atoms are counted than stand in it.
Structures of fewer than 20 atoms, or without three periodic directions, are left out."""
EXAMPLES = """\
  maxvolt phases discovery.toml --plot phases.png
  maxvolt phases discovery --cluster 30 --json > phases.json
  maxvolt phases before.xyz after.xyz"""

_CLUSTER = 13


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "data",
        nargs="+",
        type=Path,
        metavar="DATA",
        help="campaign file, or the campaign's folder; or files of structures",
    )
    parser.add_argument(
        "--cluster",
        type=positive_int,
        default=_CLUSTER,
        metavar="N",
        help="atoms that a piece of crystal needs to count (%(default)s: one and 12 neighbours)",
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw shares and largest pieces")
    add_species(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Analyse, print, draw."""
    from maxvolt.report.output import save_figure
    from maxvolt.report.phase_record import phase_record

    if options.plot is not None:
        check_figure(options.plot, options.data)
    batches = _batches(options)
    total = sum(len(dataset) for _, dataset in batches)
    with progress_bar("common neighbours", total) as advance:
        record = phase_record(batches, options.cluster, advance=advance)
    if options.json:
        print_json(record.to_dict())
    else:
        _print(record, _is_campaign(options.data[0]))
    if options.plot is not None:
        save_figure(record.plot(), options.plot)
        note(f"{options.plot}: phases of {counted(total, 'structure')}")


def _is_campaign(path: Path) -> bool:
    return path.is_dir() or path.suffix == ".toml"


def _batches(options: argparse.Namespace) -> list[Batch]:
    from maxvolt.campaign import CampaignFolder
    from maxvolt.cli.inputs import read_structures
    from maxvolt.report.phase_record import batches_of_campaign

    campaigns = [path for path in options.data if _is_campaign(path)]
    if not campaigns:
        return [(path.name, read_structures(path, options.species)) for path in options.data]
    if len(options.data) > 1:
        raise MaxvoltError(f"{campaigns[0]}: a campaign is given alone, without other data")
    found = batches_of_campaign(CampaignFolder.find(campaigns[0]))
    if not found:
        raise MaxvoltError(f"{campaigns[0]}: the campaign has labelled nothing yet")
    return found


def _print(record: PhaseRecord, is_campaign: bool) -> None:
    what = "iteration" if is_campaign else "file"
    shares = [f"{phase}\n%" for phase in record.phases]
    crystals = [f"with\n{phase}" for phase in record.phases]
    rows = []
    for b, name in enumerate(record.batches):
        rows.append(
            [
                name,
                f"{int((record.of_batch == b).sum())}",
                *(_percent(record.share(b, phase)) for phase in record.phases),
                *(f"{record.with_crystal(b, phase)}" for phase in record.phases),
            ]
        )
    print_table((what, "structures", *shares, *crystals), rows)
    for phase in record.phases:
        print(_first(record, phase, what))
    left_out = int((~record.known).sum())
    if left_out:
        were = "was" if left_out == 1 else "were"
        what = f"{counted(left_out, 'structure')} {were} left out"
        note(f"{what}: fewer than 20 atoms, or not periodic")


def _percent(share: float) -> str:
    """Give a share for people; nothing where nothing could be analysed."""
    return "-" if math.isnan(share) else f"{100 * share:.1f}"


def _first(record: PhaseRecord, phase: str, what: str) -> str:
    from maxvolt.properties.dynamic.common_neighbours import PHASES

    found = record.first(phase)
    if found is None:
        return f"{phase}: no structure has a piece of {record.least} atoms"
    name = record.batches[record.of_batch[found]]
    size = record.clusters[found, PHASES.index(phase)]
    return (
        f"{phase}: first in {what} {name}, structure {found + 1} of all: a piece of {size} of "
        f"{record.atoms[found]} atoms"
    )
