"""The page of a campaign, put together."""

from __future__ import annotations

import json
from pathlib import Path

from maxvolt import __version__
from maxvolt.campaign import CampaignFolder
from maxvolt.files import replacing
from maxvolt.report.campaign_page.collect import collect_campaign
from maxvolt.report.campaign_page.coverage_charts import coverage_words
from maxvolt.report.campaign_page.data import CampaignData
from maxvolt.report.campaign_page.document import campaign_document
from maxvolt.report.campaign_page.drawing import drawing_style
from maxvolt.report.campaign_page.embed import (
    INLINE_LIMIT,
    Download,
    data_link,
    download,
)
from maxvolt.report.campaign_page.figures import (
    COVERAGE,
    EXPECTED_ERRORS,
    PHYSICAL_CHECKS,
    campaign_figures,
)
from maxvolt.report.campaign_page.head import page_header
from maxvolt.report.campaign_page.layout import anchor, figure_element, html_page, section
from maxvolt.report.campaign_page.markup import Markup, element, join
from maxvolt.report.campaign_page.tables import (
    changes_table,
    findings_table,
    iterations_table,
    misses_table,
    quarantine_table,
    reasons_table,
    runs_table,
    warnings_table,
)
from maxvolt.report.campaign_page.usage import usage_section_parts
from maxvolt.report.campaign_page.wording import size

__all__ = ["PAGE_NAME", "campaign_page", "write_campaign_page"]

PAGE_NAME = "report.html"
"""In the folder of the campaign, if no other place is asked for."""

_USE = "Use this potential"


def write_campaign_page(
    folder: CampaignFolder,
    path: str | Path | None = None,
    *,
    data: CampaignData | None = None,
    inline_limit: int = INLINE_LIMIT,
) -> Path:
    """Write the page of a campaign as one HTML file; also while the campaign runs.

    Parameters
    ----------
    folder
        Of the campaign.
    path
        The file, by default ``report.html`` in the folder.
    data
        What `collect_campaign` found, where that is known.
    inline_limit
        Bytes of the largest file that is put into the page; larger ones are linked to.

    Returns
    -------
    path
        Where it is.

    Raises
    ------
    CampaignError
        A file of the campaign is damaged.
    """
    path = folder.path / PAGE_NAME if path is None else Path(path)
    found = collect_campaign(folder) if data is None else data
    text = campaign_page(found, path, inline_limit=inline_limit)
    with replacing(path) as file:
        file.write(text.encode())
    return path


def campaign_page(data: CampaignData, path: Path, *, inline_limit: int = INLINE_LIMIT) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    data
        What it shows.
    path
        Where it is going to be: links to large files are relative to it.
    inline_limit
        As for `write_campaign_page`.
    """
    offered = _downloads(data, path, inline_limit)
    with drawing_style():
        figures = {
            title: [figure_element(chart) for chart in charts]
            for title, charts in campaign_figures(data).items()
        }
    usage = usage_section_parts(data)
    sections = [_downloads_section(offered)]
    sections += [section(_USE, *usage)] if usage else []
    sections += [_figures_section(title, drawn, data) for title, drawn in figures.items()]
    sections += _tables(data)
    titles = [
        *(["Downloads"] if offered else []),
        *([_USE] if usage else []),
        *figures,
        "Tables",
        "Settings",
    ]
    return html_page(
        f"{data.summary.name} – maxvolt campaign",
        page_header(data, [(title, anchor(title)) for title in titles]),
        element("main", *sections),
        _footer(),
    )


def _figures_section(title: str, drawn: list[Markup], data: CampaignData) -> Markup:
    style = "figures pair" if len(drawn) % 2 == 0 else "figures"
    said: tuple[str, ...] = ()
    if title == PHYSICAL_CHECKS and data.checks is not None:
        said = data.checks.left_out
    words: list[str] = []
    if title == COVERAGE and data.coverage is not None:
        said = data.coverage.left_out
        words = [] if data.coverage.map is None else [coverage_words(data.coverage.map)]
    table = misses_table(data) if title == EXPECTED_ERRORS else None
    tables = [] if table is None else [table]
    notes = [element("p", text, class_="muted") for text in words]
    notes += [element("p", f"Not shown: {text}.", class_="muted") for text in said]
    return section(title, element("div", *drawn, class_=style), *tables, *notes)


def _downloads(data: CampaignData, page: Path, limit: int) -> list[tuple[str, Download]]:
    offered = [
        (
            "Potential" if len(data.potential) == 1 else f"Potential {index}",
            download(path, page, limit),
        )
        for index, path in enumerate(data.potential)
    ]
    if data.training is not None:
        offered.append(("Training set", download(data.training, page, limit)))
    if offered:
        numbers = json.dumps(campaign_document(data), indent=1, default=float).encode()
        link = data_link(numbers, "application/json")
        document = Download("campaign.json", link, len(numbers), is_inline=True)
        offered.append(("Numbers of this page", document))
    return offered


def _downloads_section(offered: list[tuple[str, Download]]) -> Markup:
    if not offered:
        return Markup()
    items = [
        element(
            "li",
            element(
                "a",
                f"{title} ",
                element("small", f"{found.name}, {size(found.n_bytes)}"),
                href=found.link,
                download=found.name if found.is_inline else None,
            ),
        )
        for title, found in offered
    ]
    elsewhere = [found.name for _, found in offered if not found.is_inline]
    note = (
        [element("p", f"Not in this page, beside it: {', '.join(elsewhere)}.", class_="muted")]
        if elsewhere
        else []
    )
    return section("Downloads", element("ul", *items, class_="downloads"), *note)


def _tables(data: CampaignData) -> list[Markup]:
    shown = [iterations_table(data)] if data.iterations else []
    if data.runs:
        shown += [reasons_table(data)]
        shown.append(_folded("Every run of a scenario", runs_table(data)))
    if (findings := findings_table(data)) is not None:
        shown.append(findings)
    if data.quarantined:
        shown.append(quarantine_table(data))
    if (warnings := warnings_table(data)) is not None:
        shown.append(warnings)
    if data.summary.changes:
        shown.append(_folded("What was changed while it ran", changes_table(data)))
    settings = [
        _folded(
            f"Stage {stage.name}: reference {stage.calculator}",
            element("pre", json.dumps(stage.settings, indent=2, ensure_ascii=False), tabindex="0"),
        )
        for stage in data.stages
    ]
    nothing = element("p", "No iteration is complete yet.")
    return [section("Tables", join(shown or [nothing])), section("Settings", *settings)]


def _folded(title: str, content: Markup) -> Markup:
    """Something long, shown when its title is clicked."""
    return element("details", element("summary", title), content)


def _footer() -> Markup:
    return element(
        "footer",
        element(
            "p",
            f"Made by maxvolt {__version__} from the folder of the campaign. Errors are root mean "
            "square errors. Reliability and errors are drawn as in Novikov, Gubaev, Podryabinkin "
            "and Shapeev, Mach. Learn.: Sci. Technol. 2, 025002 (2021), Figures 5 to 7.",
        ),
    )
