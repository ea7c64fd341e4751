"""Figures of a document of results."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.io.files import replacing
from performance.results import Document, Findings
from performance.selection import picked
from performance.views import FIGURES, FigureView, Panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw", "write_figures"]

_MOST_COLUMNS = 3


def write_figures(document: Document, folder: Path) -> list[Path]:
    """Draw what the document has, as SVG, and give the files' paths."""
    import matplotlib as mpl

    written = []
    # Text stays text, and equal results give equal files.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "maxvolt"}):
        for name, section in document.sections.items():
            for view in FIGURES.get(name, ()):
                if view.has(section):
                    figure = draw(view, section.findings)
                    with replacing(folder / view.file) as stream:
                        figure.savefig(stream, format="svg", metadata={"Date": None})
                    written.append(folder / view.file)
    return written


def draw(view: FigureView, findings: Findings) -> Figure:
    """Draw one figure."""
    from matplotlib.figure import Figure

    columns = min(_MOST_COLUMNS, len(view.panels))
    rows = ceil(len(view.panels) / columns)
    figure = Figure(figsize=(4.6 * columns, 3.6 * rows), layout="constrained")
    figure.suptitle(view.title)
    for position, panel in enumerate(view.panels):
        axes = figure.add_subplot(rows, columns, position + 1)
        _curves(axes, panel, findings)
        axes.set(title=panel.title, xlabel=panel.x_label, ylabel=panel.y_label)
        axes.set_xscale("log" if panel.log_x else "linear")
        axes.set_yscale("log" if panel.log_y else "linear")
        if not panel.log_y:
            axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend(fontsize="small")
    return figure


def _curves(axes: Axes, panel: Panel, findings: Findings) -> None:
    for lines in panel.lines:
        for label, values in picked(findings.measurements, lines, panel.across).items():
            points = sorted((float(x), one.value) for x, one in values.items())
            axes.plot([x for x, _ in points], [y for _, y in points], "o-", ms=4, label=label)
    for series in findings.series:
        if series.group == panel.title:
            axes.plot(series.x, series.y, ".-", ms=4, lw=1, label=series.name)
