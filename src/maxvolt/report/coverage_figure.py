"""Drawings of maps of local environments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from maxvolt.coverage import COLOURINGS, CoverageMap
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["coverage_figure", "draw_coverage", "drawn_colourings", "shape_of"]

_SCALES = {"iteration": "viridis", "force-error": "magma_r", "energy": "plasma", "stress": "RdBu"}
_SHAPES = ("*", "P", "X", "D", "^", "v", "s", "<", ">", "p")
_MARKERS = ("#d01c1c", "#008b45", "#0050c8", "#b300b3", "#8a5a00", "#00838f")
_OUTSIDE = 2.0
"""Per cent of the environments beyond either end of a scale."""


def drawn_colourings(found: CoverageMap, asked: Sequence[str] | None = None) -> list[str]:
    """What a map can be coloured by, of what is asked for; None: all that there is.

    Raises
    ------
    MaxvoltError
        A colouring that is unknown, or that no environment has.
    """
    if asked is None:
        return list(found.values)
    for name in asked:
        if name not in COLOURINGS:
            raise MaxvoltError(f"colour: expected some of {', '.join(COLOURINGS)}; got {name!r}")
        if name not in found.values:
            raise MaxvoltError(
                f"no environment can be coloured by {name}: iterations are known of a campaign's "
                "folder or by 'iteration' in the data, force errors need labelled forces, and "
                "atomic stresses a periodic structure"
            )
    return list(dict.fromkeys(asked))


def coverage_figure(found: CoverageMap, colourings: Sequence[str] | None = None) -> Figure:
    """Draw a map once for each colouring, two side by side; errors as of `drawn_colourings`."""
    from matplotlib.figure import Figure

    names = drawn_colourings(found, colourings)
    columns = min(len(names), 2)
    rows = -(-len(names) // columns)
    height = (0.3 + 3.8 * shape_of(found)) * rows + (0.35 if found.markers else 0)
    figure = Figure(figsize=(4.9 * columns, height), layout="constrained")
    for position, name in enumerate(names):
        draw_coverage(figure.add_subplot(rows, columns, position + 1), found, name)
    if found.markers:
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 6))
    return figure


def shape_of(found: CoverageMap) -> float:
    """Height of a map over its width, within limits that leave room for the bar of colours."""
    width, height = np.ptp(found.places, axis=0)
    return float(np.clip(height / width, 0.5, 1.2))


def draw_coverage(axes: Axes, found: CoverageMap, colouring: str) -> None:
    """Draw a map with one colouring, and the bar of its colours.

    Quantities of atoms are averaged over near environments; iterations are not.
    """
    averaged = colouring != "iteration"
    values = (found.averages if averaged else found.values)[colouring]
    finite = values[np.isfinite(values)]
    low, high = np.percentile(finite, [_OUTSIDE, 100 - _OUTSIDE] if averaged else [0, 100])
    if colouring == "stress":
        high = max(abs(low), abs(high))
        low = -high
    # New iterations lie upon old ones, so that what they add is seen.
    order = np.argsort(np.nan_to_num(values, nan=-np.inf), kind="stable")
    if averaged:
        order = np.arange(len(values))
    points = axes.scatter(
        found.places[order, 0],
        found.places[order, 1],
        c=values[order],
        cmap=_SCALES[colouring],
        vmin=low,
        vmax=high,
        s=6,
        linewidths=0,
        rasterized=True,
        plotnonfinite=True,
    )
    _draw_markers(axes, found)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.set_aspect("equal", adjustable="datalim")
    bar = axes.figure.colorbar(points, ax=axes, label=COLOURINGS[colouring], shrink=0.85)
    if not averaged:
        from matplotlib.ticker import MaxNLocator

        bar.locator = MaxNLocator(nbins=6, integer=True, min_n_ticks=1)
        bar.update_ticks()


def _draw_markers(axes: Axes, found: CoverageMap) -> None:
    for index, marker in enumerate(found.markers):
        is_crystal = marker.kind == "crystal"
        axes.scatter(
            marker.places[:, 0],
            marker.places[:, 1],
            marker=_SHAPES[index % len(_SHAPES)] if is_crystal else "o",
            s=110 if is_crystal else 14,
            color=_MARKERS[index % len(_MARKERS)] if is_crystal else "none",
            edgecolors="white" if is_crystal else _MARKERS[index % len(_MARKERS)],
            linewidths=0.8,
            label=marker.name,
            zorder=4 if is_crystal else 3,  # a crystal lies among its own thermal frames
        )
