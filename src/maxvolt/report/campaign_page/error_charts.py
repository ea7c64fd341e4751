"""Errors against the size of the training set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from maxvolt.report.campaign_page.data import CampaignData
from maxvolt.report.campaign_page.drawing import (
    COLOURS,
    Chart,
    legend_below,
    marker,
    new_axes,
    open_markers,
    size_ticks,
    stage_sizes,
)
from maxvolt.report.campaign_page.wording import stage_caption

if TYPE_CHECKING:
    from matplotlib.axis import Axis

__all__ = ["ErrorCurve", "error_charts", "error_curves"]

_NEW = "new, before training"


@dataclass(frozen=True, slots=True)
class ErrorCurve:
    """Errors of one kind of structures.

    Attributes
    ----------
    name
    sizes
        Structures in the training set; None where a new stage begins.
    errors
        In the units of the outcome; None likewise.
    stages
        Number of the stage of each point, counted from 0.
    """

    name: str
    sizes: tuple[int | None, ...]
    errors: tuple[float | None, ...]
    stages: tuple[int, ...]


def error_curves(data: CampaignData, key: str) -> list[ErrorCurve]:
    """Errors of the training set, the validation set, and of structures before training on them.

    Parameters
    ----------
    data
    key
        As in the outcome of an iteration, for example ``force_rmse``.
    """
    curves = [_curve(data, kind, key) for kind in ("training", "validation", "new")]
    return [curve for curve in curves if any(error is not None for error in curve.errors)]


def _curve(data: CampaignData, kind: str, key: str) -> ErrorCurve:
    sizes: list[int | None] = []
    errors: list[float | None] = []
    stages: list[int] = []
    stage, count = "", -1
    for one in data.iterations:
        # An opening labels structures anew: under another reference that is no error.
        usable = one.row["kind"] == "sampling" if kind == "new" else one.is_fitted
        found = one.row[kind]
        if one.stage != stage:
            count += 1
            if errors:
                sizes.append(None)
                errors.append(None)
                stages.append(count)
        stage = one.stage
        if usable and found is not None and found[key] is not None:
            sizes.append(one.training_before if kind == "new" else one.row["n_training"])
            errors.append(found[key])
            stages.append(count)
    name = _NEW if kind == "new" else f"{kind} set"
    return ErrorCurve(name, tuple(sizes), tuple(errors), tuple(stages))


def error_charts(data: CampaignData) -> list[Chart]:
    """Draw energy and force errors against the size of the training set."""
    drawn = (
        ("energy", "energy RMSE", "meV/atom"),
        ("force", "force RMSE", "meV/Å"),
    )
    charts = [
        _chart(data, error_curves(data, f"{q}_rmse"), q, title, unit) for q, title, unit in drawn
    ]
    return [chart for chart in charts if chart is not None]


def _chart(
    data: CampaignData, curves: Sequence[ErrorCurve], name: str, title: str, unit: str
) -> Chart | None:
    if not curves:
        return None
    axes = new_axes()
    for index, curve in enumerate(curves):
        x = [float("nan") if size is None else size for size in curve.sizes]
        y = [float("nan") if error is None else 1000 * error for error in curve.errors]
        kind = marker(index, len(x))
        axes.plot(x, y, color=COLOURS[index], marker=kind, label=curve.name)
        second = [place for place, stage in enumerate(curve.stages) if stage % 2]
        open_markers(axes, [x[i] for i in second], [y[i] for i in second], kind, COLOURS[index])
    if any(error for curve in curves for error in curve.errors):  # not all of them 0
        axes.set_yscale("log")
        _plain_numbers(axes.yaxis)
    size_ticks(axes)
    axes.set_ylabel(f"{title} ({unit})")
    stage_sizes(axes, data)
    legend_below(axes)
    ends = "; ".join(_course(curve, unit) for curve in curves)
    return Chart(
        name=f"{name}-error",
        title=f"{title[0].upper()}{title[1:]} against training-set size",
        caption=(
            "“New, before training”: structures that extrapolated, predicted by the "
            "potential that had not seen them."
            if any(curve.name == _NEW for curve in curves)
            else "Root mean square error."
        )
        + stage_caption(data),
        description=f"Line chart of the {title}. {ends}.",
        figure=axes.figure,  # type: ignore[arg-type]
    )


def _course(curve: ErrorCurve, unit: str) -> str:
    errors = [error for error in curve.errors if error is not None]
    first, last = 1000 * errors[0], 1000 * errors[-1]
    return f"{curve.name}: from {first:.3g} to {last:.3g} {unit}"


def _plain_numbers(axis: Axis) -> None:
    """Write 20 rather than 2 x 10^1."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=8))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
