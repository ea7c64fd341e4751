"""Curves of one or several potentials in one figure, a panel for each pair of axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from maxvolt.properties.curves import Curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["curve_figure", "panels_of"]

Panel = tuple[str, str]
"""The labels of its axes."""

_STYLES = ("-", "--", ":", "-.")
_FEW = 30
"""So many points are marked one by one."""


def panels_of(curves: Sequence[Curve]) -> list[Panel]:
    """The pairs of axes of these curves, each once, in their order."""
    return list(dict.fromkeys((curve.x_label, curve.y_label) for curve in curves))


def curve_figure(by_source: Mapping[str, Sequence[Curve]], *, title: str = "") -> Figure:
    """Draw curves of several potentials: colours for potentials, dashes for lines with a name.

    Of a single potential, and where names outnumber the dashes, colours tell names apart and dashes
    potentials.

    Parameters
    ----------
    by_source
        Curves of each potential, by the name that the legend gives it; "" for a single one.
    title
        Above the figure.
    """
    from matplotlib.figure import Figure

    panels = panels_of([curve for curves in by_source.values() for curve in curves])
    figure = Figure(figsize=(5.2, 3.9 * max(len(panels), 1)), layout="constrained")
    if title:
        figure.suptitle(title)
    for index, panel in enumerate(panels):
        axes = figure.add_subplot(len(panels), 1, index + 1)
        draw_panel(axes, by_source, panel)
    return figure


def draw_panel(axes: Axes, by_source: Mapping[str, Sequence[Curve]], panel: Panel) -> None:
    """Draw all curves with these axes."""
    drawn = {
        source: [curve for curve in curves if (curve.x_label, curve.y_label) == panel]
        for source, curves in by_source.items()
    }
    names = list(dict.fromkeys(curve.name for curves in drawn.values() for curve in curves))
    colours_are_names = len(by_source) == 1 or len(by_source) <= len(_STYLES) < len(names)
    for place, (source, curves) in enumerate(drawn.items()):
        for curve in curves:
            line = names.index(curve.name)
            colour, style = (line, place) if colours_are_names else (place, line)
            axes.plot(
                curve.x,
                curve.y,
                _STYLES[style % len(_STYLES)],
                color=f"C{colour % 10}",
                marker="." if len(curve.x) <= _FEW else None,
                label=", ".join(text for text in (source, curve.name) if text),
            )
            for where, name in curve.ticks if place == 0 else ():
                axes.axvline(where, color="0.8", linewidth=0.8, zorder=0)
                axes.text(where, 1.01, name, transform=axes.get_xaxis_transform(), ha="center")
    axes.set_xlabel(panel[0])
    axes.set_ylabel(panel[1])
    _explain(axes)


def _explain(axes: Axes) -> None:
    """Name each line once; lines of many branches share a name."""
    handles, labels = axes.get_legend_handles_labels()
    once = dict(zip(reversed(labels), reversed(handles), strict=True))
    once = {label: once[label] for label in dict.fromkeys(labels) if label}
    if len(once) > 1:
        axes.legend(once.values(), once.keys(), fontsize="small")
