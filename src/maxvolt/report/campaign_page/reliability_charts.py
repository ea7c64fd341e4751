"""Reliability: steps that scenarios ran before they broke, over all steps they were to run."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from maxvolt.report.campaign_page.data import CampaignData, Iteration
from maxvolt.report.campaign_page.drawing import (
    COLOURS,
    INK,
    Chart,
    iteration_ticks,
    legend_below,
    marker,
    new_axes,
    open_markers,
    size_ticks,
    stage_lines,
    stage_sizes,
    stage_starts,
)
from maxvolt.report.campaign_page.wording import per_cent, stage_caption

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["reliability_by_iteration", "reliability_by_size", "scenario_reliability"]

_CAPTION = (
    "Time steps run before a break, over all time steps (for relaxations: structures), "
    "as in Figures 5 to 7 of the paper."
)


def reliability_by_size(data: CampaignData) -> Chart | None:
    """Draw reliability against the size of the training set of the potential that ran."""
    sampled = _sampled(data)
    if not sampled:
        return None
    axes = new_axes()
    _draw(axes, data, sampled, lambda one: float(one.training_before or 0))
    size_ticks(axes)
    stage_sizes(axes, data)
    legend_below(axes)
    first, last = sampled[0], sampled[-1]
    return Chart(
        name="reliability",
        title="Reliability against training-set size",
        caption=_CAPTION + stage_caption(data),
        description=(
            f"Line chart. Reliability was {per_cent(first.reliability)} with "
            f"{first.training_before} structures in the training set and "
            f"{per_cent(last.reliability)} with {last.training_before}, in the last iteration."
        ),
        figure=axes.figure,  # type: ignore[arg-type]
    )


def reliability_by_iteration(data: CampaignData) -> Chart | None:
    """Draw reliability against the iteration."""
    sampled = _sampled(data)
    if not sampled:
        return None
    axes = new_axes()
    _draw(axes, data, sampled, lambda one: float(one.number))
    iteration_ticks(axes)
    stage_lines(axes, data)
    legend_below(axes)
    listed = ", ".join(f"{one.number}: {per_cent(one.reliability)}" for one in sampled[-12:])
    return Chart(
        name="reliability-iterations",
        title="Reliability of each iteration",
        caption="The same, iteration by iteration. Dashed lines: a new stage begins.",
        description=f"Line chart. Reliability by iteration: {listed}.",
        figure=axes.figure,  # type: ignore[arg-type]
    )


def scenario_reliability(iteration: Iteration, scenario: str) -> float | None:
    """Steps done over steps to be done of one scenario; None where it was not run."""
    runs = [run for run in iteration.runs if run.scenario == scenario]
    total = sum(run.total_steps for run in runs)
    return sum(run.steps for run in runs) / total if total else None


def _sampled(data: CampaignData) -> list[Iteration]:
    return [one for one in data.iterations if one.reliability is not None]


def _draw(
    axes: Axes, data: CampaignData, sampled: Sequence[Iteration], x: Callable[[Iteration], float]
) -> None:
    names = data.scenarios
    if len(names) > 1:
        for index, name in enumerate(names):
            values = [scenario_reliability(one, name) for one in sampled]
            colour, kind = COLOURS[index % len(COLOURS)], marker(index, len(sampled))
            axes.plot(
                *_with_gaps(sampled, [x(one) for one in sampled], values),
                color=colour,
                marker=kind,
                label=name,
                linewidth=1.2,
            )
            _open(axes, data, sampled, x, values, kind, colour)
    together = [one.reliability for one in sampled]
    label = "all scenarios" if len(names) > 1 else (names or ("all",))[0]
    colour = INK if len(names) > 1 else COLOURS[0]
    axes.plot(
        *_with_gaps(sampled, [x(one) for one in sampled], together),
        color=colour,
        marker=marker(0, len(sampled)),
        label=label,
        linewidth=2.2,
    )
    _open(axes, data, sampled, x, together, marker(0, len(sampled)), colour)
    axes.set_ylim(-3, 106)
    axes.set_ylabel("reliability (%)")


def _open(
    axes: Axes,
    data: CampaignData,
    sampled: Sequence[Iteration],
    x: Callable[[Iteration], float],
    values: Sequence[float | None],
    kind: str | None,
    colour: str,
) -> None:
    """Open the markers of every second stage."""
    second = {name for _, name in stage_starts(data)[1::2]}
    points = [
        (x(one), 100 * value)
        for one, value in zip(sampled, values, strict=True)
        if one.stage in second and value is not None
    ]
    open_markers(axes, [place for place, _ in points], [up for _, up in points], kind, colour)


def _with_gaps(
    sampled: Sequence[Iteration], x: Sequence[float], values: Sequence[float | None]
) -> tuple[list[float], list[float]]:
    """Points in per cent; lines are interrupted between stages and where nothing was run."""
    across: list[float] = []
    up: list[float] = []
    stage = ""
    for one, position, value in zip(sampled, x, values, strict=True):
        if across and one.stage != stage:
            across.append(math.nan)
            up.append(math.nan)
        stage = one.stage
        across.append(position)
        up.append(math.nan if value is None else 100 * value)
    return across, up
