"""`maxvolt status`: where a campaign stands."""

from __future__ import annotations

import argparse
from pathlib import Path

from maxvolt.cli.console import print_json
from maxvolt.cli.options import add_json

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "status"
SUMMARY = "where a campaign stands"
DESCRIPTION = """\
Show the iterations of a campaign, also while it runs: how its scenarios ended, what was labelled,
errors, and what is being done now."""
EXAMPLES = """\
  maxvolt status aluminium.toml
  maxvolt status aluminium --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "campaign", type=Path, metavar="CAMPAIGN", help="campaign file, or the campaign's folder"
    )
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Read the folder, print."""
    from maxvolt.campaign import find_campaign_folder, summarize
    from maxvolt.cli.campaign_table import print_campaign

    summary = summarize(find_campaign_folder(options.campaign))
    if options.json:
        print_json(summary.to_dict())
    else:
        print_campaign(summary)
