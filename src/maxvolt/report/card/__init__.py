"""The card of potentials: what they predict, side by side, as one HTML file."""

from maxvolt.report.card.card import Card, CardSource, Progress, count_results, make_card
from maxvolt.report.card.deviations import COLUMNS as DEVIATION_COLUMNS
from maxvolt.report.card.deviations import Deviation, deviation_rows, deviations
from maxvolt.report.card.page import card_page, write_card_page
from maxvolt.report.card.published_deviations import PublishedDeviations, published_deviations
from maxvolt.report.card.suites import SUITES, Suite, find_suite

__all__ = [
    "DEVIATION_COLUMNS",
    "SUITES",
    "Card",
    "CardSource",
    "Deviation",
    "Progress",
    "PublishedDeviations",
    "Suite",
    "card_page",
    "count_results",
    "deviation_rows",
    "deviations",
    "find_suite",
    "make_card",
    "published_deviations",
    "write_card_page",
]
