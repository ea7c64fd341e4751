"""Suites of `maxvolt card`: their options, their settings, and the table of deviations."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from maxvolt.cli.console import note, print_table
from maxvolt.cli.options import positive_float
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from maxvolt.report.card import Card, Suite

__all__ = [
    "add_suite",
    "chosen_suite",
    "deviations_document",
    "print_deviations",
    "suite_remarks",
    "suite_settings",
]

_QUICK = "Quick form: cells are small and times short, to try the suite; the numbers are of no use."


def add_suite(parser: argparse.ArgumentParser) -> None:
    """Declare what chooses a suite."""
    parser.add_argument(
        "--suite",
        metavar="NAME",
        help="the properties of a suite with its settings, and a table of deviations from the "
        "reference: discovery",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="the suite with small cells and short times, in minutes: to try it, its numbers are "
        "of no use",
    )
    parser.add_argument(
        "--melting-point",
        type=positive_float,
        metavar="K",
        help="about where the element melts, in K: temperatures of the suite follow from it "
        "(default: 933 of aluminium)",
    )


def chosen_suite(options: argparse.Namespace) -> Suite | None:
    """Return the suite that was asked for.

    Raises
    ------
    MaxvoltError
        There is no such suite, or an option needs one.
    """
    from maxvolt.report.card import find_suite

    if options.suite is not None:
        return find_suite(options.suite)
    for name in ("quick", "melting_point"):
        if getattr(options, name):
            raise MaxvoltError(f"--{name.replace('_', '-')}: is of a suite; add --suite discovery")
    return None


def suite_settings(options: argparse.Namespace, suite: Suite | None) -> dict[str, dict[str, Any]]:
    """Settings of the suite by its properties; none where there is no suite.

    Raises
    ------
    MaxvoltError
        The melting point is not known.
    """
    from maxvolt.report.card.suites import MELTING_POINTS

    if suite is None:
        return {}
    melting_point = options.melting_point or MELTING_POINTS.get(options.species)
    if melting_point is None:
        raise MaxvoltError(
            f"--suite {suite.name}: its temperatures follow from where {options.species} melts, "
            "which is not known here: give it with --melting-point, in K"
        )
    return suite.settings(melting_point, quick=options.quick)


def suite_remarks(options: argparse.Namespace) -> list[str]:
    """Say what stands above the table of deviations."""
    return [_QUICK] if options.quick else []


def deviations_document(card: Card) -> dict[str, Any]:
    """All deviations of all potentials as plain values, with published ones if there are some."""
    from maxvolt.report.card import deviations, published_deviations

    published = published_deviations(card.structure)
    document: dict[str, Any] = {
        "deviations": {
            source.label: [one.to_dict() for one in deviations(card, source.label)]
            for source in card.sources
        }
    }
    if published is not None:
        document["published"] = published.to_dict()
    return document


def print_deviations(card: Card, suite: Suite) -> None:
    """Print a table for each potential that is compared."""
    from maxvolt.report.card import (
        DEVIATION_COLUMNS,
        deviation_rows,
        deviations,
        published_deviations,
    )

    published = published_deviations(card.structure)
    for source in card.sources:
        found = suite.headlines(deviations(card, source.label))
        if not found:
            continue
        columns = list(DEVIATION_COLUMNS)
        if published is not None:
            columns.append(f"{published.potential}\nfrom {published.reference}")
        print(f"{source.label}: deviations from the reference")
        print_table(columns, deviation_rows(found, published), text_columns=3)
    if published is not None and card.reference is not None:
        note(f"{published.potential}: {published.source}")
