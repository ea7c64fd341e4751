"""The page of a card: tables and figures, a column and a colour for each potential."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from maxvolt import __version__
from maxvolt.files import replacing
from maxvolt.properties.curve_figure import draw_panel, panels_of
from maxvolt.properties.curves import Curve
from maxvolt.properties.evaluation import PropertyResult, Value
from maxvolt.report.campaign_page.drawing import Chart, drawing_style, new_axes
from maxvolt.report.campaign_page.embed import data_link
from maxvolt.report.campaign_page.layout import anchor, figure_element, html_page, section
from maxvolt.report.campaign_page.markup import Markup, element, join
from maxvolt.report.campaign_page.wording import counted, duration
from maxvolt.report.card.card import REFERENCE, Card, CardSource
from maxvolt.report.card.deviations import without_unit
from maxvolt.report.card.overview import OVERVIEW, overview_section
from maxvolt.report.card.states import property_of, state_of
from maxvolt.report.card.suites import Suite

__all__ = ["card_page", "write_card_page"]

_HEIGHT = 3.2
_DIGITS = 8
"""Of numbers in the download."""

_NOISE = 1e-6
"""Of the largest number with the same unit: what is smaller is zero, as frequencies at Γ are."""

_MOST_PERCENT = 1000
_SHARES = ("%", "")
"""Units in which a difference in per cent would be read as a difference of the numbers."""


def write_card_page(
    card: Card, path: Path, suite: Suite | None = None, remarks: Sequence[str] = ()
) -> None:
    """Write the card as one HTML file; `suite` and `remarks` as of `card_page`."""
    text = card_page(card, suite, remarks)
    with replacing(path) as file:
        file.write(text.encode())


def card_page(card: Card, suite: Suite | None = None, remarks: Sequence[str] = ()) -> str:
    """Return the card as HTML; it needs no other file and runs no script.

    Parameters
    ----------
    card
        What is shown.
    suite
        Whose properties it has: the page begins with a table of deviations.
    remarks
        Sentences above this table.
    """
    from matplotlib import rc_context

    titles = {name: _title(card, name) for name in card.properties}
    # Text as text, not as outlines: pages are half as large.
    with drawing_style(), rc_context({"svg.fonttype": "none"}):
        sections = [_property_section(card, name, titles[name]) for name in card.properties]
    if suite is not None:
        sections.insert(0, overview_section(card, suite, remarks))
    links = [
        element("li", element("a", title, href=f"#{anchor(title)}"))
        for title in ([] if suite is None else [OVERVIEW]) + list(titles.values())
    ]
    names = ", ".join(one.label for one in card.sources)
    compared = "" if card.reference is None else f", compared with {_named(card.reference)}"
    numbers = json.dumps(_short_document(card), separators=(",", ":"), allow_nan=False).encode()
    header = element(
        "header",
        element("h1", f"{card.structure}: {names}"),
        element("p", f"Properties of {counted(len(card.sources), 'potential')}{compared}."),
        element("nav", element("ul", *links), aria_label="Sections"),
    )
    packed = gzip.compress(numbers, mtime=0)  # equal cards give equal pages
    download = element(
        "a", "Numbers of this page (JSON, compressed)",
        href=data_link(packed, "application/gzip"), download="card.json.gz",
    )  # fmt: skip
    list_of = element("ul", element("li", download), class_="downloads")
    footer = element(
        "footer",
        element(
            "p",
            f"Made by maxvolt {__version__}. ± is twice the standard deviation over the members "
            "of an ensemble, in brackets the standard error of a mean over time, in per cent the "
            "difference from the reference. A grade above 2 means that the potential "
            "extrapolates.",
        ),
    )
    body = element("main", *sections, section("Downloads", list_of))
    return html_page(f"{card.structure} – card of potentials", header, body, footer)


def _short_document(card: Card) -> Any:
    """Everything that is known, with eight digits, the curves of the reference once."""
    document = card.to_dict()
    document["potentials"] = {one.label: _named(one) for one in card.sources}
    document["reference"] = None if card.reference is None else _named(card.reference)
    for name, by_label in document["properties"].items():
        if (REFERENCE, name) in card.results:
            for result in by_label.values():
                result.pop("reference_curves", None)
    return _rounded(document)


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
    return value


def _named(source: CardSource) -> str:
    """Name of a file without its folder, which means nothing to others; else what was given."""
    path = Path(source.given)
    return path.name if path.exists() else source.given


def _results(card: Card, name: str) -> dict[str, PropertyResult]:
    """Of each potential, the reference last."""
    labels = [*(one.label for one in card.sources), REFERENCE]
    return {label: card.results[label, name] for label in labels if (label, name) in card.results}


def _title(card: Card, name: str) -> str:
    title, state = property_of(name).title, state_of(name)
    return f"{title}, {state}" if state else title


def _property_section(card: Card, name: str, title: str) -> Markup:
    found = _results(card, name)
    parts: list[Markup] = []
    if found:
        parts.append(_table(card, name, found))
    charts = _charts(name, found)
    if charts:
        drawn = [figure_element(chart) for chart in charts]
        style = "figures pair" if len(drawn) % 2 == 0 else "figures"
        parts.append(element("div", *drawn, class_=style))
    parts += [
        element("p", f"{label}: not computed: {text}.", class_="warning")
        for (label, failed), text in card.failures.items()
        if failed == name
    ]
    parts += [
        element("p", f"{label}: {text}.", class_="warning")
        for label, result in found.items()
        for text in result.warnings
    ]
    notes = _notes(found)
    if notes:
        parts.append(element("p", f"{'; '.join(notes)}.", class_="muted"))
    return section(title, *parts)


def _notes(found: Mapping[str, PropertyResult]) -> list[str]:
    """What is true of all once, the rest with the names of those that it is about."""
    about: dict[str, list[str]] = {}
    for label, result in found.items():
        for text in result.notes:
            about.setdefault(text, []).append(label)
    everywhere = [text for text, labels in about.items() if len(labels) == len(found)]
    others = [
        f"{' and '.join(labels)}: {text}"
        for text, labels in about.items()
        if len(labels) < len(found)
    ]
    return everywhere + others


def _table(card: Card, name: str, found: Mapping[str, PropertyResult]) -> Markup:
    labels = [label for label in found if label != REFERENCE]
    reference = found.get(REFERENCE)
    last = [] if reference is None else [""]
    columns = ["", "unit", *labels, *([] if reference is None else [REFERENCE])]
    rows = _number_rows(found)
    for key in dict.fromkeys(key for label in labels for key in found[label].curve_errors):
        cells = [_short(found[label].curve_errors.get(key)) for label in labels]
        what, unit = without_unit(key)
        rows.append([f"{what}, root mean square difference", unit, *cells, *last])
    if any(found[label].largest_grade is not None for label in labels):
        cells = [_short(found[label].largest_grade) for label in labels]
        rows.append(["largest grade", "", *cells, *last])
    times = [duration(result.seconds) for result in found.values()]
    rows.append(["time", "", *times])
    head = element("tr", *(_cell("th", text, n) for n, text in enumerate(columns)))
    body = [element("tr", *(_cell("td", text, n) for n, text in enumerate(row))) for row in rows]
    table = element("table", element("thead", head), element("tbody", *body))
    return element(
        "div", table, class_="wide", tabindex="0", role="region", aria_label=_title(card, name)
    )


def _number_rows(found: Mapping[str, PropertyResult]) -> list[list[str]]:
    """A row for each number, with the difference from the reference where there is one."""
    reference = found.get(REFERENCE)
    rows: list[list[str]] = []
    for key in dict.fromkeys(key for result in found.values() for key in result.values):
        values = {label: result.values.get(key) for label, result in found.items()}
        unit = next(one.unit for one in values.values() if one is not None)
        other = None if reference is None else reference.values.get(key)
        noise = _NOISE * _largest(found, unit)
        cells = [
            _number(one, noise, None if label == REFERENCE else other)
            for label, one in values.items()
        ]
        rows.append([key, unit, *cells])
    return rows


def _largest(found: Mapping[str, PropertyResult], unit: str) -> float:
    """Largest number that has this unit."""
    numbers = [
        abs(one.value)
        for result in found.values()
        for one in result.values.values()
        if one.unit == unit and math.isfinite(one.value)
    ]
    return max(numbers, default=0.0)


def _cell(tag: str, text: str, column: int) -> Markup:
    return element(tag, text, class_="text" if column < 2 else None)


def _number(value: Value | None, noise: float, reference: Value | None) -> str:
    if value is None or not math.isfinite(value.value):
        return "–"
    text = "0" if abs(value.value) <= noise else f"{value.value:.5g}"
    if value.statistical_error is not None:
        text += f" ({value.statistical_error:.1g})"
    if value.two_sigma is not None:
        text += f" ± {value.two_sigma:.2g}"
    if reference is None or value.unit in _SHARES or not abs(reference.value) > noise:
        return text
    percent = 100 * (value.value - reference.value) / abs(reference.value)
    if abs(percent) >= _MOST_PERCENT:
        return text
    return join((f"{text} ", element("small", f"{percent:+.1f} %", class_="muted")))


def _short(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def _charts(name: str, found: Mapping[str, PropertyResult]) -> list[Chart]:
    by_source: dict[str, tuple[Curve, ...]] = {
        label: result.curves for label, result in found.items()
    }
    panels = panels_of([curve for curves in by_source.values() for curve in curves])
    charts = []
    for index, panel in enumerate(panels):
        axes = new_axes(_HEIGHT)
        draw_panel(axes, by_source, panel)
        charts.append(
            Chart(
                name=f"{name}-{index}",
                title=panel[1],
                caption=f"against {panel[0]}",
                description=f"Lines of {', '.join(found)}: {panel[1]} against {panel[0]}.",
                figure=axes.figure,  # type: ignore[arg-type]
            )
        )
    return charts
