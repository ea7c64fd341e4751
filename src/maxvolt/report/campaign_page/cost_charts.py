"""What a campaign cost: reference calculations, time, and the speed of its simulations."""

from __future__ import annotations

import math
from collections.abc import Sequence

from maxvolt.report.campaign_page.data import CampaignData, Iteration
from maxvolt.report.campaign_page.drawing import (
    COLOURS,
    Chart,
    iteration_ticks,
    legend_below,
    marker,
    new_axes,
    stage_lines,
)
from maxvolt.report.campaign_page.wording import counted, duration

__all__ = ["labels_chart", "seconds_per_step", "speed_chart", "time_chart"]

_TASKS = (
    ("sampling", ("sampling",)),
    ("selection", ("candidates", "selection")),
    ("reference", ("labels", "validation")),
    ("fit", ("training", "fit")),
    ("calibration", ("calibration",)),
)


def labels_chart(data: CampaignData) -> Chart | None:
    """Draw the number of reference calculations so far, and what each iteration added."""
    if not data.iterations:
        return None
    axes = new_axes()
    numbers = [one.number for one in data.iterations]
    new = [one.row["n_new_labels"] for one in data.iterations]
    total = [one.row["n_labels_total"] for one in data.iterations]
    axes.bar(numbers, new, color=COLOURS[0], width=0.7, label="in this iteration")
    axes.step(numbers, total, where="mid", color=COLOURS[1], label="so far")
    axes.set_ylabel("reference calculations")
    axes.set_ylim(0, 1.08 * max([1, *total]))
    iteration_ticks(axes)
    stage_lines(axes, data)
    legend_below(axes)
    return Chart(
        name="labels",
        title="Reference calculations",
        caption=(f"{counted(data.n_labels, 'calculation')} in all, {_quarantine(data)}."),
        description=f"Bars and a rising line: {counted(data.n_labels, 'calculation')} in all.",
        figure=axes.figure,  # type: ignore[arg-type]
    )


def _quarantine(data: CampaignData) -> str:
    n = len(data.quarantined)
    return f"{n} of them in quarantine, never trained on" if n else "none in quarantine"


def time_chart(data: CampaignData) -> Chart | None:
    """Draw how long the steps of each iteration took."""
    if not data.iterations:
        return None
    axes = new_axes()
    numbers = [one.number for one in data.iterations]
    spent = {name: [_seconds(one, steps) for one in data.iterations] for name, steps in _TASKS}
    longest = max(sum(values) for values in zip(*spent.values(), strict=True))
    unit, length = ("s", 1.0) if longest < 300 else ("min", 60.0)
    if longest >= 18000:
        unit, length = "h", 3600.0
    below = [0.0] * len(numbers)
    for index, (name, values) in enumerate(spent.items()):
        heights = [value / length for value in values]
        axes.bar(numbers, heights, bottom=below, width=0.7, color=COLOURS[index], label=name)
        below = [start + height for start, height in zip(below, heights, strict=True)]
    axes.set_ylabel(f"time ({unit})")
    iteration_ticks(axes)
    stage_lines(axes, data)
    legend_below(axes, columns=3)
    told = ", ".join(f"{name} {duration(sum(values))}" for name, values in spent.items())
    return Chart(
        name="time",
        title="Time of each iteration",
        caption="Sampling: summed over processes that ran at once.",
        description=f"Stacked bars by iteration. In all: {told}.",
        figure=axes.figure,  # type: ignore[arg-type]
    )


def _seconds(one: Iteration, steps: Sequence[str]) -> float:
    return float(sum(one.row["seconds"].get(step, 0.0) for step in steps))


_OF_STRUCTURES = ("Relaxation", "StructureSearch")
"""Kinds of scenarios whose steps are structures."""


def seconds_per_step(iteration: Iteration, scenario: str) -> float | None:
    """Mean time of a step of a scenario; of a structure, where it relaxes."""
    runs = [run for run in iteration.runs if run.scenario == scenario and run.seconds is not None]
    steps = sum(run.steps for run in runs)
    return sum(run.seconds or 0.0 for run in runs) / steps if steps else None


def speed_chart(data: CampaignData) -> Chart | None:
    """Draw the time of a simulation step, by scenario."""
    sampled = [one for one in data.iterations if one.runs]
    curves = {name: [seconds_per_step(one, name) for one in sampled] for name in data.scenarios}
    known = [value for values in curves.values() for value in values if value is not None]
    if not known:
        return None
    axes = new_axes()
    numbers = [one.number for one in sampled]
    relaxed = {run.scenario for run in data.runs if run.kind in _OF_STRUCTURES}
    for index, (name, values) in enumerate(curves.items()):
        axes.plot(
            numbers,
            [math.nan if value is None else 1000 * value for value in values],
            color=COLOURS[index % len(COLOURS)],
            marker=marker(index, len(sampled)),
            label=f"{name} (a structure)" if name in relaxed else name,
        )
    axes.set_ylabel("time per step (ms)")
    axes.set_ylim(bottom=0)
    iteration_ticks(axes)
    stage_lines(axes, data)
    legend_below(axes)
    return Chart(
        name="speed",
        title="Time per simulation step",
        caption="Forces, grade and integration together, while other processes ran beside it.",
        description=(
            f"Line chart by scenario: between {1000 * min(known):.3g} and "
            f"{1000 * max(known):.3g} ms."
        ),
        figure=axes.figure,  # type: ignore[arg-type]
    )
