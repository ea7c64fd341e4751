"""The first section of a card of a suite: what it is, and how far all is from the reference."""

from __future__ import annotations

from collections.abc import Sequence

from maxvolt.report.campaign_page.layout import section
from maxvolt.report.campaign_page.markup import Markup, element
from maxvolt.report.card.card import Card
from maxvolt.report.card.deviations import COLUMNS, deviation_rows, deviations
from maxvolt.report.card.published_deviations import published_deviations
from maxvolt.report.card.suites import Suite

__all__ = ["OVERVIEW", "overview_section"]

OVERVIEW = "Deviations from the reference"

_TEXT_COLUMNS = 3


def overview_section(card: Card, suite: Suite, remarks: Sequence[str]) -> Markup:
    """Return a table for each potential, and what is to be known of them.

    Parameters
    ----------
    card
        With or without a reference.
    suite
        Whose properties it has.
    remarks
        More sentences on the numbers.
    """
    published = published_deviations(card.structure)
    parts = [element("p", text) for text in (suite.sentence, *remarks)]
    for source in card.sources:
        found = suite.headlines(deviations(card, source.label))
        if found:
            columns = list(COLUMNS)
            if published is not None:
                columns.append(f"{published.potential} from {published.reference}")
            table = _table(columns, deviation_rows(found, published))
            parts += [element("h3", source.label), _scrolling(table, source.label)]
    if published is not None and card.reference is not None:
        parts.append(element("p", f"{published.potential}: {published.source}.", class_="muted"))
    return section(OVERVIEW, *parts)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    head = element("tr", *(_cell("th", text, n) for n, text in enumerate(columns)))
    body = [element("tr", *(_cell("td", text, n) for n, text in enumerate(row))) for row in rows]
    return element("table", element("thead", head), element("tbody", *body))


def _cell(tag: str, text: str, column: int) -> Markup:
    return element(tag, text, class_="text" if column < _TEXT_COLUMNS else None)


def _scrolling(table: Markup, label: str) -> Markup:
    return element(
        "div", table, class_="wide", tabindex="0", role="region", aria_label=f"{OVERVIEW}: {label}"
    )
