"""A page as one HTML file: its head, its sections, and figures in it."""

from __future__ import annotations

import re
from importlib.resources import files

from maxvolt.report.campaign_page.drawing import Chart
from maxvolt.report.campaign_page.embed import figure_link
from maxvolt.report.campaign_page.markup import Markup, element

__all__ = ["anchor", "figure_element", "html_page", "section"]

# Nothing is loaded from anywhere, and no script runs.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def html_page(title: str, *body: str) -> str:
    """Return a page that needs no other file and runs no script."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        # Else browsers ask the server for an icon.
        element("link", rel="icon", href="data:,"),
        element("style", Markup(files(__package__).joinpath("page.css").read_text("utf-8"))),
    )
    return "<!DOCTYPE html>\n" + element("html", head, element("body", *body), lang="en") + "\n"


def anchor(title: str) -> str:
    """The place of a section in the page, for links."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower())


def section(title: str, *children: str) -> Markup:
    """Return a section with its title."""
    return element("section", element("h2", title, id=anchor(title)), *children)


def figure_element(chart: Chart) -> Markup:
    """Return a figure with title and caption."""
    width, height = chart.figure.get_size_inches()
    image = element(
        "img",
        src=figure_link(chart.figure),
        alt=chart.description,
        width=str(round(96 * width)),
        height=str(round(96 * height)),
    )
    caption = element("figcaption", chart.caption)
    return element("figure", element("h3", chart.title), image, caption, id=chart.name)
