"""Held-out errors against the time of an evaluation, of all that a search has tried."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from maxvolt.fitting.tuning.candidate import Tried
from maxvolt.fitting.tuning.tune import Tuning
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
    drawn = [
        (quantity, unit)
        for quantity, unit in (("force", "meV/Å"), ("energy", "meV/atom"))
        if math.isfinite(getattr(found.tried[0].errors, quantity))
    ]
    figure = Figure(figsize=(4.5 * len(drawn), 4.2), layout="constrained")
    panels = figure.subplots(1, len(drawn), squeeze=False)[0]
    for axes, (quantity, unit) in zip(panels, drawn, strict=True):
        _draw(axes, found, quantity, unit)
    figure.suptitle("held-out errors: front (line), recommended (circle)", fontsize="medium")
    return figure


def _draw(axes: Axes, found: Tuning, quantity: str, unit: str) -> None:
    def point(one: Tried) -> tuple[float, float]:
        return one.microseconds, 1000 * getattr(one.errors, quantity)

    for name, is_pruned, color in (("all scalars of a level", False, "C0"), ("pruned", True, "C1")):
        points = [point(one) for one in found.tried if bool(one.candidate.stage) == is_pruned]
        if points:
            axes.plot(*zip(*points, strict=True), "o", color=color, markersize=4, label=name)
    axes.plot(*zip(*map(point, found.front), strict=True), "-", color="0.5", linewidth=1)
    axes.plot(*point(found.recommended), "o", markersize=13, fillstyle="none", color="black")
    axes.set(
        xlabel="time of an evaluation (µs/atom)", ylabel=f"{quantity} error ({unit})"
    )  # fmt: skip
    make_logarithmic(axes)
    axes.tick_params(which="both", labelsize="x-small")
    axes.legend(fontsize="small")
