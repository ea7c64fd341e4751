"""`maxvolt report`: the page of a campaign."""

from __future__ import annotations

import argparse
from pathlib import Path

from maxvolt.cli.console import note, print_json
from maxvolt.cli.options import add_json

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "report"
SUMMARY = "the page of a campaign: figures, tables, downloads in one HTML file"
DESCRIPTION = """\
Write a page that shows how a campaign went: reliability, errors, grades, parity, cost, why
scenarios ended; with the potential and the training set to download. It is one file, which needs
neither a network nor scripts. It can be written while the campaign runs, too."""
EXAMPLES = """\
  maxvolt report aluminium                   # aluminium/report.html
  maxvolt report aluminium.toml -o al.html
  maxvolt report aluminium --json            # the page, and its numbers on stdout"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "campaign", type=Path, metavar="CAMPAIGN", help="campaign file, or the campaign's folder"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="PAGE",
        help="file to write (default: report.html in the campaign's folder)",
    )
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Write the page; print where it is, or its numbers."""
    from maxvolt.campaign import CampaignFolder
    from maxvolt.cli.outputs import check_output
    from maxvolt.report.campaign_page import (
        campaign_document,
        collect_campaign,
        write_campaign_page,
    )

    folder = CampaignFolder.find(options.campaign)
    if options.output is not None:
        check_output(options.output, [options.campaign])
    data = collect_campaign(folder)
    page = write_campaign_page(folder, options.output, data=data)
    if options.json:
        print_json({**campaign_document(data), "page": str(page)})
    note(f"wrote {page}")
