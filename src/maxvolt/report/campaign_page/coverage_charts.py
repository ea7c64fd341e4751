"""The map of local environments in the page of a campaign, and as a page of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from maxvolt.coverage import COLOURINGS, CoverageMap
from maxvolt.files import replacing
from maxvolt.report.campaign_page.coverage import CampaignCoverage
from maxvolt.report.campaign_page.drawing import Chart, drawing_style, legend_below, new_axes
from maxvolt.report.campaign_page.layout import figure_element, html_page
from maxvolt.report.campaign_page.markup import element
from maxvolt.report.coverage_figure import draw_coverage, shape_of

__all__ = ["coverage_charts", "coverage_words", "write_coverage_page"]

_TITLES = {
    "iteration": "Environments by iteration",
    "force-error": "Environments by force error",
    "energy": "Environments by energy",
    "stress": "Environments by atomic stress",
}


def coverage_charts(coverage: CampaignCoverage | None) -> list[Chart]:
    """Draw the map once for each quantity; nothing where there is no map."""
    if coverage is None or coverage.map is None:
        return []
    return [_chart(coverage.map, colouring) for colouring in coverage.map.values]


def coverage_words(found: CoverageMap) -> str:
    """Say how a map was made."""
    side = float(np.ptp(found.places, axis=0).max())
    return (
        f"{len(found.places):,} of the {found.n_atoms:,} atoms, drawn with seed {found.seed}; "
        f"t-SNE by {found.library}, perplexity {found.perplexity:g}, cosine distances. Force "
        "errors, energies and stresses are averaged over environments within "
        f"{found.radius:.2g} units of the map, whose longer side has {side:.3g}; 2 per cent lie "
        "beyond either end of a scale. Distances between groups have no meaning."
    )


def write_coverage_page(found: CoverageMap, colourings: Sequence[str], path: Path) -> None:
    """Write a map as one HTML file."""
    with drawing_style():
        figures = [figure_element(_chart(found, one)) for one in colourings]
    title = "Local environments"
    page = html_page(
        f"{title} – maxvolt",
        element("header", element("h1", title), element("p", coverage_words(found))),
        element("main", element("div", *figures, class_="figures")),
    )
    with replacing(path) as file:
        file.write(page.encode())


def _chart(found: CoverageMap, colouring: str) -> Chart:
    axes = new_axes(height=0.9 + 2.6 * shape_of(found))
    draw_coverage(axes, found, colouring)
    legend_below(axes, columns=3)
    names = ", ".join(marker.name for marker in found.markers) or "nothing"
    caption = {
        "iteration": "When each structure was added; later ones are drawn upon earlier ones.",
        "force-error": "Length of the error of the force, averaged over near environments.",
        "energy": "Share of the atom in the energy, averaged over near environments.",
        "stress": "A third of the trace of the atomic stress, averaged over near environments; "
        "positive under tension.",
    }[colouring]
    values = found.values[colouring]
    finite = values[np.isfinite(values)]
    return Chart(
        name=f"environments-{colouring}",
        title=_TITLES[colouring],
        caption=caption,
        description=(
            f"Map of {len(values)} environments, coloured by {COLOURINGS[colouring]}, from "
            f"{finite.min():.3g} to {finite.max():.3g}. Marked: {names}."
        ),
        figure=axes.figure,  # type: ignore[arg-type]
    )
