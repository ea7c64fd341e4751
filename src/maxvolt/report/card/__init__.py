"""The card of potentials: what they predict, side by side, as one HTML file."""

from maxvolt.report.card.card import Card, CardSource, Progress, count_results, make_card
from maxvolt.report.card.page import card_page, write_card_page

__all__ = [
    "Card",
    "CardSource",
    "Progress",
    "card_page",
    "count_results",
    "make_card",
    "write_card_page",
]
