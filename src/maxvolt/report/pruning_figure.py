"""Errors against cost along the stages of a pruning."""

from __future__ import annotations

import math

from matplotlib.figure import Figure

from maxvolt.fitting.pruning.prune import Pruning

__all__ = ["draw_pruning"]


def draw_pruning(found: Pruning) -> Figure:
    """Draw force and energy errors of all stages against the time of an evaluation.

    Parameters
    ----------
    found
        With the chosen potential circled. What has no labels has no panel.
    """
    first = found.stages[0].numbers
    drawn = [
        (quantity, unit)
        for quantity, unit in (("force", "meV/Å"), ("energy", "meV/atom"))
        if math.isfinite(getattr(first, f"training_{quantity}"))
    ]
    figure = Figure(figsize=(4.5 * max(len(drawn), 1), 4.0), layout="constrained")
    panels = figure.subplots(1, len(drawn), squeeze=False)[0] if drawn else ()
    for axes, (quantity, unit) in zip(panels, drawn, strict=True):
        for kind, style in (("validation", "o-"), ("training", "x:")):
            points = [
                (stage.numbers.microseconds, 1000 * getattr(stage.numbers, f"{kind}_{quantity}"))
                for stage in (*found.stages, found.chosen)
            ]
            if not all(math.isfinite(error) for _, error in points):
                continue
            axes.plot(*zip(*points[:-1], strict=True), style, label=kind)
            axes.plot(*points[-1], "o", markersize=13, fillstyle="none", color="black")
        axes.set(xlabel="time of an evaluation (µs/atom)", ylabel=f"{quantity} error ({unit})")
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
        axes.legend(fontsize="small")
    figure.suptitle("pruning, chosen potential circled", fontsize="medium")
    return figure
