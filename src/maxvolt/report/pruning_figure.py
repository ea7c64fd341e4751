"""Errors against cost along the stages of a pruning."""

from __future__ import annotations

import math

from matplotlib.figure import Figure

from maxvolt.fitting.pruning.prune import Pruning
from maxvolt.report.errors_against_time import circle, error_panels

__all__ = ["draw_pruning"]


def draw_pruning(found: Pruning) -> Figure:
    """Draw force and energy errors of all stages against the time of an evaluation.

    Parameters
    ----------
    found
        With the chosen potential circled. What has no labels has no panel.
    """
    first = found.stages[0].numbers
    figure, panels = error_panels(
        lambda quantity: math.isfinite(getattr(first, f"training_{quantity}")),
        "pruning, chosen potential circled",
    )
    for quantity, axes in panels.items():
        for kind, style in (("validation", "o-"), ("training", "x:")):
            points = [
                (stage.numbers.microseconds, 1000 * getattr(stage.numbers, f"{kind}_{quantity}"))
                for stage in (*found.stages, found.chosen)
            ]
            if not all(math.isfinite(error) for _, error in points):
                continue
            axes.plot(*zip(*points[:-1], strict=True), style, label=kind)
            circle(axes, points[-1])
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
        axes.legend(fontsize="small")
    return figure
