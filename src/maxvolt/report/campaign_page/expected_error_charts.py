"""Reliability diagram of expected force errors, and how many errors their bounds cover."""

from __future__ import annotations

from typing import Any

from maxvolt.report.campaign_page.data import CampaignData, ExpectedErrors
from maxvolt.report.campaign_page.drawing import (
    COLOURS,
    MARKERS,
    MUTED,
    Chart,
    legend_below,
    new_axes,
)
from maxvolt.report.campaign_page.wording import counted, number, per_cent

__all__ = ["expected_error_charts"]

_MOST = 20_000
"""Atoms that are drawn; more of them only make the page larger."""


def expected_error_charts(data: CampaignData) -> list[Chart]:
    """Draw errors against expected ones, and found against stated coverage."""
    found = data.expected_errors
    return [] if found is None else [_diagram(found), _coverage(found)]


def _diagram(found: ExpectedErrors) -> Chart:
    from matplotlib.ticker import FuncFormatter, LogLocator

    axes = new_axes()
    step = -(-len(found.errors) // _MOST)
    expected, errors = found.expected[::step], found.errors[::step]
    shown = errors > 0  # none has a place on a logarithmic axis
    axes.scatter(
        expected[shown],
        errors[shown],
        s=4,
        alpha=0.35,
        linewidths=0,
        color=COLOURS[0],
        rasterized=True,  # a vector file with many points opens slowly
    )
    # Dots as small as these would not be seen in the legend.
    axes.plot([], [], color=COLOURS[0], marker="o", markersize=3, linestyle="", label="atoms")
    bins = found.reliability["diagram"]
    means = [(row["expected_eV_per_A"], row["error_eV_per_A"]) for row in bins]
    across, up = zip(*means, strict=True)
    ends = [min(across), max(across)]
    axes.plot(ends, ends, color=MUTED, linewidth=1.0, label="as expected")
    axes.plot(across, up, color=COLOURS[1], marker=MARKERS[1], label="means of ten bins")
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1.0, 3.0)))  # a decade may be all there is
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(FuncFormatter(lambda *_: ""))
    axes.set_xlabel("expected force error (eV/Å)")
    axes.set_ylabel("force error (eV/Å)")
    legend_below(axes)
    first, last = means[0], means[-1]
    return Chart(
        name="reliability-diagram",
        title="Force errors against expected ones",
        caption=(
            f"{counted(len(found.errors), 'atom')} of the training set, by "
            f"{found.record['source']}: linear coefficients and calibration were found without "
            f"their structure. Measure: {found.record['measure']}."
        ),
        description=(
            f"Reliability diagram of {counted(len(found.errors), 'atom')}. Where the smallest "
            f"errors are expected, {number(first[0])} eV/Å on average, {number(first[1])} eV/Å "
            f"are found; where the largest are, {number(last[0])} eV/Å, {number(last[1])} eV/Å "
            "are found."
        ),
        figure=axes.figure,  # type: ignore[arg-type]
    )


def _coverage(found: ExpectedErrors) -> Chart:
    axes = new_axes()
    rows = found.reliability["coverage"]
    axes.plot([0, 100], [0, 100], color=MUTED, linewidth=1.0, label="as stated")
    for index, kind in enumerate(("forces", "energies")):
        known = [row for row in rows if row[kind] is not None]
        if known:
            axes.plot(
                [100 * row["stated"] for row in known],
                [100 * row[kind] for row in known],
                color=COLOURS[index],
                marker=MARKERS[index],
                label=kind,
            )
    axes.set_xlim(40, 102)
    least = min([40.0, *(100 * value for row in rows for value in _found(row))])
    axes.set_ylim(min(40.0, least - 3), 102)
    axes.set_xlabel("stated coverage (%)")
    axes.set_ylabel("errors inside their bounds (%)")
    legend_below(axes)
    listed = "; ".join(
        f"{per_cent(row['stated'])} stated, {per_cent(row['forces'])} of force errors inside"
        for row in rows
    )
    return Chart(
        name="coverage",
        title="Errors inside their bounds",
        caption=(
            "Bounds of a stated coverage, made without the structure itself. On the line: as many "
            "errors are inside as stated; below it, too few."
        ),
        description=f"Line chart of found against stated coverage. {listed}.",
        figure=axes.figure,  # type: ignore[arg-type]
    )


def _found(row: dict[str, Any]) -> list[float]:
    return [row[kind] for kind in ("forces", "energies") if row[kind] is not None]
