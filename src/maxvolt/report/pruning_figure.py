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
        With the chosen potential circled.
    """
    figure = Figure(figsize=(9.0, 4.0), layout="constrained")
    panels = figure.subplots(1, 2)
    for axes, quantity, unit in zip(
        panels, ("force", "energy"), ("meV/Å", "meV/atom"), strict=True
    ):
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
