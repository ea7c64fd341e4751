"""Held-out errors against the time of an evaluation, of all that a search has tried."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from maxvolt.fitting.tuning.candidate import Tried
from maxvolt.fitting.tuning.tune import Tuning
from maxvolt.report.errors_against_time import circle, error_panels
from maxvolt.report.logarithmic_axes import make_logarithmic

__all__ = ["draw_tuning"]


def draw_tuning(found: Tuning) -> Figure:
    """Draw force and energy errors, plain and pruned potentials apart.

    Parameters
    ----------
    found
        With the front as a line, and the recommended potential circled. What has no labels has no
        panel.
    """
    figure, panels = error_panels(
        lambda quantity: math.isfinite(getattr(found.tried[0].errors, quantity)),
        "held-out errors: front (line), recommended (circle)",
    )
    for quantity, axes in panels.items():
        _draw(axes, found, quantity)
    return figure


def _draw(axes: Axes, found: Tuning, quantity: str) -> None:
    def point(one: Tried) -> tuple[float, float]:
        return one.microseconds, 1000 * getattr(one.errors, quantity)

    for name, is_pruned, color in (("all scalars of a level", False, "C0"), ("pruned", True, "C1")):
        points = [point(one) for one in found.tried if bool(one.candidate.stage) == is_pruned]
        if points:
            axes.plot(*zip(*points, strict=True), "o", color=color, markersize=4, label=name)
    axes.plot(*zip(*map(point, found.front), strict=True), "-", color="0.5", linewidth=1)
    circle(axes, point(found.recommended))
    make_logarithmic(axes)
    axes.tick_params(which="both", labelsize="x-small")
    axes.legend(fontsize="small")
