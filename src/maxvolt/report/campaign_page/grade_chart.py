"""Histograms of extrapolation grades, one above the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from maxvolt.report.campaign_page.data import CampaignData, Iteration
from maxvolt.report.campaign_page.drawing import COLOURS, INK, WARNING, Chart, new_axes
from maxvolt.report.campaign_page.histograms import grade_bins, grade_counts
from maxvolt.report.campaign_page.wording import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

__all__ = ["grade_charts"]

_MOST = 20
"""Histograms that fit on a screen."""


def grade_charts(data: CampaignData) -> list[Chart]:
    """Draw histograms of grades, and of expected errors where these decided."""
    charts = [_chart([one for one in data.iterations if one.unit == unit]) for unit in ("", "eV/A")]
    return [chart for chart in charts if chart is not None]


def _chart(iterations: Sequence[Iteration]) -> Chart | None:
    """Draw a histogram of what was met in each iteration, the first on top."""
    from matplotlib.ticker import FuncFormatter

    graded = [one for one in iterations if len(one.grades)]
    if not graded:
        return None
    in_unit = " eV/Å" if graded[0].unit else ""
    what = "expected force error" if in_unit else "extrapolation grade"
    shown = _spread(graded)
    edges = grade_bins(shown)
    axes = new_axes(height=0.9 + 0.3 * max(len(shown), 4))
    for place, one in enumerate(shown):
        _strip(axes, one, -float(place), edges)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(-len(shown) + 0.85, 1.1)
    axes.set_yticks([-place for place in range(len(shown))], [str(one.number) for one in shown])
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(f"{what} (eV/Å)" if in_unit else what)
    axes.set_ylabel("iteration")
    _name_thresholds(axes, shown[0])
    first, last = shown[0], shown[-1]
    left_out = len(graded) - len(shown)
    return Chart(
        name="errors-met" if in_unit else "grades",
        title=f"{'Expected errors' if in_unit else 'Grades'} met in each iteration",
        caption=(
            "At recorded steps of all scenarios; heights are scaled to the largest bin. "
            "Short lines mark the thresholds select and break; orange: beyond break."
            + (f" {len(shown)} of {len(graded)} iterations are shown." if left_out else "")
        ),
        description=(
            f"Histograms of {what}s by iteration. Largest in iteration {first.number}: "
            f"{number(first.grades.max())}{in_unit}; in iteration {last.number}: "
            f"{number(last.grades.max())}{in_unit}. Thresholds there: select "
            f"{last.select:g}{in_unit}, break {last.stop:g}{in_unit}."
        ),
        figure=axes.figure,  # type: ignore[arg-type]
    )


def _spread(iterations: Sequence[Iteration]) -> list[Iteration]:
    """As many iterations as can be shown, the first and the last among them."""
    chosen = np.unique(np.linspace(0, len(iterations) - 1, _MOST).round().astype(int))
    return [iterations[index] for index in chosen]


def _strip(axes: Axes, one: Iteration, base: float, edges: NDArray[np.float64]) -> None:
    counts = grade_counts(one, edges)
    heights = 0.82 * counts / counts.max()
    axes.stairs(base + heights, edges, baseline=base, fill=True, color=COLOURS[0], alpha=0.9)
    beyond = np.where(edges[1:] > one.stop, heights, 0.0)
    axes.stairs(base + beyond, edges, baseline=base, fill=True, color=WARNING)
    axes.plot([edges[0], edges[-1]], [base, base], color="#b8c2cc", linewidth=0.6)
    for threshold, style, colour in (
        (one.select, (0, (2, 1.5)), INK),
        (one.stop, "solid", WARNING),
    ):
        axes.plot(
            [threshold, threshold],
            [base, base + 0.9],
            color=colour,
            linewidth=1.1,
            linestyle=style,
        )


def _name_thresholds(axes: Axes, top: Iteration) -> None:
    for name, value, side in (("select", top.select, "right"), ("break", top.stop, "left")):
        axes.annotate(
            name,
            (value, 0.92),
            xytext=(3 if side == "left" else -3, 0),
            textcoords="offset points",
            ha=side,
            fontsize=7.5,
        )
