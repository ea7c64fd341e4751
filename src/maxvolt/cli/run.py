"""`maxvolt run`: do all that is left to do of a campaign."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.console import note, print_json
from maxvolt.cli.options import add_json
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from maxvolt.campaign import Campaign, LatticeCampaign

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "run"
SUMMARY = "run a campaign: sample, select, label and refit until nothing extrapolates"
DESCRIPTION = """\
Run the campaign that a TOML file describes, or go on with it: after a kill, after labels of a
manual reference were collected, after the file was edited. Everything is kept in the folder of the
campaign, beside the file; what is done is never done again."""
EXAMPLES = """\
  maxvolt run aluminium.toml
  maxvolt run aluminium.toml --check      # what is wrong with the file, which jobs it asks for
  maxvolt run aluminium.toml --retry      # repeat reference calculations that failed
  maxvolt run --schema > campaign.schema.json
  maxvolt run cupd.toml                   # kind = "lattice": an alloy on a lattice"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="campaign file (TOML)")
    parser.add_argument(
        "--check",
        action="store_true",
        help="check the file and print the jobs it asks of a batch system; calculate nothing",
    )
    parser.add_argument(
        "--retry", action="store_true", help="repeat reference calculations that failed before"
    )
    parser.add_argument(
        "--partial",
        action="store_true",
        help="go on with the labels that a manual reference has given so far",
    )
    parser.add_argument(
        "--no-report", action="store_true", help="write no page (see 'maxvolt report') at the end"
    )
    parser.add_argument(
        "--schema",
        nargs="?",
        const="potential",
        choices=("potential", "lattice"),
        help="print the JSON schema of campaign files, or of those on a lattice, and exit",
    )
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Run, show what happens, say how it ended."""
    if options.schema:
        from maxvolt.campaign import campaign_schema, lattice_schema

        schema = lattice_schema() if options.schema == "lattice" else campaign_schema()
        print(json.dumps(schema, indent=2))
        return
    if options.file is None:
        raise MaxvoltError("name the campaign file: maxvolt run FILE.toml")
    from maxvolt.campaign import CampaignFolder, LatticeCampaign, open_campaign, summarize
    from maxvolt.cli.campaign_progress import campaign_reporter
    from maxvolt.cli.campaign_table import print_campaign
    from maxvolt.report.campaign_page import write_campaign_page

    campaign = open_campaign(options.file)
    if options.check:
        _check(campaign, as_json=options.json)
        return
    with campaign_reporter(campaign.folder) as report:
        result = campaign.run([report], retry=options.retry, partial=options.partial)
    folder = CampaignFolder(result.folder)
    without_page = options.no_report or isinstance(campaign, LatticeCampaign)
    page = None if without_page else str(write_campaign_page(folder))
    summary = summarize(folder)
    if options.json:
        files = {
            "potential": [str(path) for path in result.potential],
            "training": str(result.training),
            "report": page,
        }
        status = {"status": result.status, "reason": result.reason}
        print_json({**summary.to_dict(), **status, "files": files})
        return
    print_campaign(summary)
    note(f"{result.status}: {result.reason}")
    names = [str(path) for path in (*result.potential, result.training)] if result.potential else []
    names += [] if page is None else [page]
    if names:
        note("wrote " + ", ".join(names))


def _check(campaign: Campaign | LatticeCampaign, *, as_json: bool) -> None:
    """Say that a file can be used, and what its jobs are."""
    campaign.check()
    scripts = campaign.job_scripts()
    if as_json:
        print_json({"file": str(campaign.path), "jobs": scripts})
        return
    for kinds, script in scripts.items():
        print(f"# a job for {kinds}\n{script}")
    note(f"{campaign.path}: can be used")
