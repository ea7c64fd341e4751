"""Errors against the size of the training set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from maxvolt.report.campaign_page.data import CampaignData
from maxvolt.report.campaign_page.drawing import COLOURS, Chart, legend_below, marker, new_axes

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
    """

    name: str
    sizes: tuple[int | None, ...]
    errors: tuple[float | None, ...]


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
    stage = ""
    for one in data.iterations:
        # An opening labels structures anew: under another reference that is no error.
        usable = one.row["kind"] == "sampling" if kind == "new" else one.is_fitted
        found = one.row[kind]
        if one.stage != stage and errors:
            sizes.append(None)
            errors.append(None)
        stage = one.stage
        if usable and found is not None and found[key] is not None:
            sizes.append(one.training_before if kind == "new" else one.row["n_training"])
            errors.append(found[key])
    return ErrorCurve(_NEW if kind == "new" else f"{kind} set", tuple(sizes), tuple(errors))


def error_charts(data: CampaignData) -> list[Chart]:
    """Draw energy and force errors against the size of the training set."""
    drawn = (
        ("energy", "energy RMSE", "meV/atom"),
        ("force", "force RMSE", "meV/Å"),
    )
    charts = [_chart(error_curves(data, f"{q}_rmse"), q, title, unit) for q, title, unit in drawn]
    return [chart for chart in charts if chart is not None]


def _chart(curves: Sequence[ErrorCurve], name: str, title: str, unit: str) -> Chart | None:
    if not curves:
        return None
    axes = new_axes()
    for index, curve in enumerate(curves):
        x = [float("nan") if size is None else size for size in curve.sizes]
        y = [float("nan") if error is None else 1000 * error for error in curve.errors]
        axes.plot(x, y, color=COLOURS[index], marker=marker(index, len(x)), label=curve.name)
    if any(error for curve in curves for error in curve.errors):  # not all of them 0
        axes.set_yscale("log")
        _plain_numbers(axes.yaxis)
    axes.set_xlabel("structures in the training set")
    axes.set_ylabel(f"{title} ({unit})")
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
        ),
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
