"""Why scenarios ended."""

from __future__ import annotations

from collections import Counter

from maxvolt.report.campaign_page.data import CampaignData
from maxvolt.report.campaign_page.drawing import (
    WARNING,
    Chart,
    iteration_ticks,
    legend_below,
    new_axes,
    stage_lines,
)
from maxvolt.sampling import StopReason

__all__ = ["count_reasons", "reason_chart"]

_COLOURS: dict[str, str] = {
    StopReason.FINISHED: "#00785a",
    StopReason.CONVERGED: "#4aa98c",
    StopReason.STEP_LIMIT: "#8a97a3",
    StopReason.GRADE: WARNING,
    "expected error": "#f2a33c",
    StopReason.TOO_CLOSE: "#b3261e",
    StopReason.LOST_ATOM: "#8a3b8f",
    StopReason.NOT_FINITE: "#6d0f1b",
    StopReason.FAILED: "#1b2733",
}


def count_reasons(data: CampaignData) -> dict[str, Counter[str]]:
    """How often the runs of each scenario ended for each reason."""
    return {
        name: Counter(run.ended for run in data.runs if run.scenario == name)
        for name in data.scenarios
    }


def reason_chart(data: CampaignData) -> Chart | None:
    """Draw how many runs of each iteration ended for which reason."""
    from matplotlib.ticker import MaxNLocator

    sampled = [one for one in data.iterations if one.runs]
    if not sampled:
        return None
    axes = new_axes()
    numbers = [one.number for one in sampled]
    below = [0] * len(numbers)
    for reason, colour in _COLOURS.items():
        heights = [sum(run.ended == reason for run in one.runs) for one in sampled]
        if any(heights):
            axes.bar(numbers, heights, bottom=below, width=0.7, color=colour, label=str(reason))
            below = [start + height for start, height in zip(below, heights, strict=True)]
    axes.set_ylabel("runs of scenarios")
    axes.set_ylim(0, 1.06 * max(below))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    iteration_ticks(axes)
    stage_lines(axes, data)
    legend_below(axes)
    total = Counter(run.ended for run in data.runs)
    told = ", ".join(f"{reason} {count}" for reason, count in total.most_common())
    return Chart(
        name="reasons",
        title="Why scenarios ended",
        caption=(
            "Green: the scenario came to its end. Orange: it broke off because its grade or "
            "expected error exceeded the threshold; other colours: breaks for other reasons."
        ),
        description=f"Stacked bars by iteration. In all: {told}.",
        figure=axes.figure,  # type: ignore[arg-type]
    )
