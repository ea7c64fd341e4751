"""Figures of a document of results."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.files import replacing
from performance.results import Document, Findings
from performance.selection import picked
from performance.views import FIGURES, FigureView, Panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

__all__ = ["draw", "write_figures"]

_MOST_COLUMNS = 3
_MANY = 200.0  # between the ends of an axis


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
    """Draw one figure; a label has the same colour in all its panels."""
    from matplotlib.figure import Figure

    columns = min(_MOST_COLUMNS, len(view.panels))
    rows = ceil(len(view.panels) / columns)
    figure = Figure(figsize=(4.6 * columns, 3.8 * rows), layout="constrained")
    figure.suptitle(view.title)
    colours: dict[str, str] = {}
    for position, panel in enumerate(view.panels):
        axes = figure.add_subplot(rows, columns, position + 1)
        axes.set_xscale("log" if panel.log_x else "linear")
        axes.set_yscale("log" if panel.log_y else "linear")
        _curves(axes, panel, findings, colours)
        axes.set(title=panel.title, xlabel=panel.x_label, ylabel=panel.y_label)
        for axis, logarithmic in ((axes.xaxis, panel.log_x), (axes.yaxis, panel.log_y)):
            if logarithmic:
                _plain_numbers(axis)
        if not panel.log_y:
            axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend(fontsize="small")
    return figure


def _curves(axes: Axes, panel: Panel, findings: Findings, colours: dict[str, str]) -> None:
    def colour(label: str) -> str:
        return colours.setdefault(label, f"C{len(colours)}")

    for lines in panel.lines:
        for label, values in picked(findings.measurements, lines, panel.across).items():
            points = sorted((float(x), one.value) for x, one in values.items())
            x, y = zip(*points, strict=True)
            axes.plot(x, y, "o-", ms=4, color=colour(label), label=label)
            if not panel.log_x and all(value == int(value) for value in x):
                axes.set_xticks(x)
    for series in findings.series:
        if series.group != panel.title:
            continue
        if series.aside:
            axes.plot(series.x, series.y, "-", lw=0.7, color="0.7", zorder=1)
        else:
            axes.plot(
                series.x, series.y, ".-", ms=4, lw=1, color=colour(series.name), label=series.name
            )


def _plain_numbers(axis: Axis) -> None:
    """Logarithmic axes carry plain numbers: 1, 2, 5, 10, or powers of ten where there are many."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    low, high = axis.get_view_interval()
    steps = (1.0, 2.0, 5.0) if high < _MANY * low else (1.0,)
    axis.set_major_locator(LogLocator(subs=steps))
    axis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axis.set_minor_formatter(NullFormatter())
